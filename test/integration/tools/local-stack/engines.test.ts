import {
  BatchGetItemCommand,
  BatchWriteItemCommand,
  DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
  TransactWriteItemsCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import { GetSecretValueCommand, PutSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { ReceiveMessageCommand, SendMessageBatchCommand, SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { chooseTableEngine, openLedgerRun } from '../../../../tools/local-ledger/stack-settings.ts';
import { accessKeyIdOf } from '../../../../tools/local-stack/aws/caller.ts';
import type { Fault } from '../../../../tools/local-stack/aws/fault-rules.ts';
import { type LocalAws, openLocalAws } from '../../../../tools/local-stack/aws/local-aws.ts';
import { startEngines } from '../../../../tools/local-stack/engines/engines.ts';
import { Disposables } from '../../../../tools/local-stack/run/disposables.ts';
import type { Template } from '../../../../tools/local-stack/template/template.ts';
import { createRandom } from '../../../../tools/mailgun-twin/random.ts';

const TEMPLATE: Template = {
  Resources: {
    Table: {
      Type: 'AWS::DynamoDB::Table',
      Properties: {
        AttributeDefinitions: ['pk', 'sk', 'day'].map((AttributeName) => ({ AttributeName, AttributeType: 'S' })),
        KeySchema: [
          { AttributeName: 'pk', KeyType: 'HASH' },
          { AttributeName: 'sk', KeyType: 'RANGE' },
        ],
        BillingMode: 'PAY_PER_REQUEST',
        GlobalSecondaryIndexes: [
          {
            IndexName: 'byDay',
            KeySchema: [{ AttributeName: 'day', KeyType: 'HASH' }],
            Projection: { ProjectionType: 'KEYS_ONLY' },
          },
        ],
        StreamSpecification: { StreamViewType: 'NEW_IMAGE' },
        TimeToLiveSpecification: { AttributeName: 'expiresAt', Enabled: true },
      },
    },
    DeadLetters: { Type: 'AWS::SQS::Queue', Properties: { MessageRetentionPeriod: 1_209_600 } },
    Queue: {
      Type: 'AWS::SQS::Queue',
      Properties: {
        VisibilityTimeout: 1,
        RedrivePolicy: { deadLetterTargetArn: { 'Fn::GetAtt': ['DeadLetters', 'Arn'] }, maxReceiveCount: 1 },
      },
    },
    Keys: { Type: 'AWS::SecretsManager::Secret', Properties: { SecretString: 'first' } },
    Token: { Type: 'AWS::SecretsManager::Secret', Properties: { GenerateSecretString: { PasswordLength: 48 } } },
  },
};

const disposables = new Disposables();
let usage: LocalAws['usage'];
let faults: LocalAws['faults'];
let url = '';
let queueUrl = '';
let deadLettersUrl = '';
const arnOf = (secret: string) => `arn:aws:secretsmanager:eu-west-1:000000000000:secret:${secret}`;

beforeAll(async () => {
  const run = await openLedgerRun(0, disposables);
  const engines = await startEngines(run, await chooseTableEngine({ needsStream: false }));
  const assembly = { stackName: 'test', region: 'eu-west-1', template: TEMPLATE, assetFolder: () => '' };
  const aws = await openLocalAws({ assembly, engines, random: createRandom(1).next }, run);
  ({ usage, faults } = aws);
  url = aws.stack.account.awsEndpointUrl;
  queueUrl = `${url}/000000000000/Queue`;
  deadLettersUrl = `${url}/000000000000/DeadLetters`;
}, 30_000);

afterAll(() => disposables.close());
beforeEach(() => faults.replace([]));

/** Returns clients as a function builds them. */
function clients(caller: string, options: { maxAttempts?: number; requestTimeout?: number } = {}) {
  const { maxAttempts = 1, requestTimeout = 5000 } = options;
  const config = {
    region: 'eu-west-1',
    endpoint: url,
    credentials: { accessKeyId: accessKeyIdOf(caller), secretAccessKey: 'local' },
    maxAttempts,
    requestHandler: { requestTimeout, throwOnRequestTimeout: true },
  };
  return {
    dynamodb: new DynamoDBClient(config),
    sqs: new SQSClient(config),
    secrets: new SecretsManagerClient(config),
  };
}

const item = (pk: string, more = {}) => ({ pk: { S: pk }, sk: { S: 'x' }, ...more });
const put = (pk: string, more = {}) => new PutItemCommand({ TableName: 'Table', Item: item(pk), ...more });
const get = (pk: string) => new GetItemCommand({ TableName: 'Table', Key: item(pk), ConsistentRead: true });
const send = (MessageBody: string) => new SendMessageCommand({ QueueUrl: queueUrl, MessageBody });
const receive = (QueueUrl = queueUrl, WaitTimeSeconds = 0) =>
  new ReceiveMessageCommand({ QueueUrl, WaitTimeSeconds, MaxNumberOfMessages: 10, VisibilityTimeout: 0 });
const always = (service: string, operation: string, mode: Fault['mode']): Fault[] => [
  { service, operation, mode, percent: 100 },
];

describe('the engines, through the endpoint that functions use', () => {
  test('a table of the template takes items, conditions and index queries', async () => {
    const { dynamodb } = clients('ingest');

    await dynamodb.send(put('a', { Item: item('a', { day: { S: 'monday' } }) }));
    const again = dynamodb.send(
      put('a', { ConditionExpression: 'attribute_not_exists(pk)', ReturnValuesOnConditionCheckFailure: 'ALL_OLD' }),
    );

    await expect(again).rejects.toMatchObject({
      name: 'ConditionalCheckFailedException',
      Item: item('a', { day: { S: 'monday' } }),
    });
    expect((await dynamodb.send(queryDay('monday'))).Items).toHaveLength(1);
  });

  test('a queue of the template moves what was received too often to its DLQ', async () => {
    const { sqs } = clients('process');
    await sqs.send(send('poison'));

    await sqs.send(receive());
    await sqs.send(receive());

    expect((await sqs.send(receive(deadLettersUrl))).Messages?.map(({ Body }) => Body)).toEqual(['poison']);
  });

  test('secrets are read and put', async () => {
    const { secrets } = clients('ingest');
    const read = () => secrets.send(new GetSecretValueCommand({ SecretId: arnOf('Keys') }));

    expect((await read()).SecretString).toBe('first');
    await secrets.send(new PutSecretValueCommand({ SecretId: arnOf('Keys'), SecretString: 'second' }));
    expect((await read()).SecretString).toBe('second');
    expect((await secrets.send(new GetSecretValueCommand({ SecretId: arnOf('Token') }))).SecretString).toHaveLength(48);
  });

  test('an unknown secret is not found', async () => {
    const { secrets } = clients('ingest');

    await expect(secrets.send(new GetSecretValueCommand({ SecretId: arnOf('Other') }))).rejects.toMatchObject({
      name: 'ResourceNotFoundException',
    });
  });

  test('a service the stack does not have is an error, not a hang', async () => {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'x-amz-target': 'Kinesis_20131202.PutRecord' },
      body: '{}',
    });

    expect(response.status).toBe(400);
    expect(await response.text()).toContain('the local stack does not know Kinesis_20131202.PutRecord');
  });
});

function queryDay(day: string) {
  return new QueryCommand({
    TableName: 'Table',
    IndexName: 'byDay',
    KeyConditionExpression: '#day = :day',
    ExpressionAttributeNames: { '#day': 'day' },
    ExpressionAttributeValues: { ':day': { S: day } },
  });
}

describe('usage', () => {
  async function usageOf(caller: string, work: (of: ReturnType<typeof clients>) => Promise<unknown>) {
    await work(clients(caller));
    return usage.byCaller()[caller];
  }

  test('calls are counted by function', async () => {
    const counted = await usageOf('counted-calls', async ({ dynamodb, sqs, secrets }) => {
      await dynamodb.send(put('counted'));
      await dynamodb.send(put('counted'));
      await sqs.send(new SendMessageCommand({ QueueUrl: deadLettersUrl, MessageBody: 'x' }));
      await secrets.send(new GetSecretValueCommand({ SecretId: arnOf('Keys') }));
    });

    expect(counted?.calls).toEqual({
      'dynamodb.PutItem': 2,
      'secretsmanager.GetSecretValue': 1,
      'sqs.SendMessage': 1,
    });
  });

  test.each([
    { name: 'a put', command: () => put('c1'), capacity: { write: 1, read: 0 } },
    {
      name: 'a put with an index',
      command: () => put('c2', { Item: item('c2', { day: { S: 'd' } }) }),
      capacity: { write: 2, read: 0 },
    },
    { name: 'a strong read', command: () => get('c1'), capacity: { write: 0, read: 1 } },
    { name: 'a query of an index', command: () => queryDay('none'), capacity: { write: 0, read: 0.5 } },
  ])('$name consumes what AWS bills', async ({ name, command, capacity }) => {
    const counted = await usageOf(name, ({ dynamodb }) => dynamodb.send(command() as PutItemCommand));

    expect(counted?.capacity).toEqual(capacity);
  });

  test('a call that its client retries counts as a repeat', async () => {
    const before = usage.repeats();
    await usageOf('at-first', ({ dynamodb }) => dynamodb.send(put('counted')));
    expect(usage.repeats() - before).toBe(0);

    faults.replace([{ service: 'dynamodb', operation: 'PutItem', mode: '500', percent: 100 }]);
    const patient = clients('patient', { maxAttempts: 3 }).dynamodb.send(put('counted'));
    await expect(patient).rejects.toThrow();

    expect(usage.byCaller().patient?.calls).toEqual({ 'dynamodb.PutItem': 3 });
    expect(usage.repeats() - before).toBe(2);
  });

  test('a failed condition is billed though it reports nothing', async () => {
    const counted = await usageOf('failed-condition', async ({ dynamodb }) => {
      const refused = dynamodb.send(put('c3', { ConditionExpression: 'attribute_exists(pk)' }));
      await expect(refused).rejects.toThrow();
    });

    expect(counted?.capacity).toEqual({ write: 1, read: 0 });
  });

  test('a cancelled transaction is billed by item, twice', async () => {
    const counted = await usageOf('cancelled', async ({ dynamodb }) => {
      const Put = { TableName: 'Table', Item: item('c4'), ConditionExpression: 'attribute_exists(pk)' };
      const cancelled = dynamodb.send(new TransactWriteItemsCommand({ TransactItems: [{ Put }] }));
      await expect(cancelled).rejects.toThrow();
    });

    expect(counted?.capacity).toEqual({ write: 2, read: 0 });
  });

  test('capacity is reported to the caller that requested it, and to no other', async () => {
    const { dynamodb } = clients('curious');

    expect(await dynamodb.send(put('c5'))).not.toHaveProperty('ConsumedCapacity');
    expect((await dynamodb.send(put('c5', { ReturnConsumedCapacity: 'TOTAL' }))).ConsumedCapacity).toMatchObject({
      CapacityUnits: 1,
    });
  });
});

describe('faults', () => {
  test.each([
    { mode: 'refuse', error: { message: expect.stringContaining('ECONNRESET') } },
    { mode: '500', error: { name: 'InternalServerError' } },
    { mode: 'throttle', error: { name: 'ThrottlingException' } },
  ] as const)('$mode: nothing is done', async ({ mode, error }) => {
    const { dynamodb } = clients('ingest');
    faults.replace(always('dynamodb', 'PutItem', mode));

    await expect(dynamodb.send(put(`not-${mode}`))).rejects.toMatchObject(error);

    expect((await dynamodb.send(get(`not-${mode}`))).Item).toBeUndefined();
  });

  test.each(['drop-reply', 'truncate'] as const)('%s performs the call and loses the reply', async (mode) => {
    const { dynamodb } = clients('ingest');
    faults.replace(always('dynamodb', 'PutItem', mode));

    await expect(dynamodb.send(put(mode))).rejects.toThrow();

    expect((await dynamodb.send(get(mode))).Item).toBeDefined();
  });

  test('hang lets the caller time out', async () => {
    const { dynamodb } = clients('ingest', { requestTimeout: 100 });
    faults.replace(always('dynamodb', '*', 'hang'));

    await expect(dynamodb.send(get('a'))).rejects.toMatchObject({ name: 'TimeoutError' });
  });

  test('delay performs the call late', async () => {
    const { dynamodb } = clients('ingest');
    faults.replace(always('dynamodb', 'PutItem', 'delay'));

    await dynamodb.send(put('late'));

    expect((await dynamodb.send(get('late'))).Item).toBeDefined();
  });

  test.each([
    { service: 'sqs', mode: '500', name: /InternalFailure/ },
    { service: 'sqs', mode: 'throttle', name: /RequestThrottled/ },
    { service: 'secretsmanager', mode: '500', name: /InternalServiceError/ },
    { service: 'secretsmanager', mode: 'throttle', name: /ThrottlingException/ },
  ] as const)('$mode of $service is an error of that service', async ({ service, mode, name }) => {
    const { sqs, secrets } = clients('ingest');
    faults.replace(always(service, '*', mode));

    const call =
      service === 'sqs' ? sqs.send(send('x')) : secrets.send(new GetSecretValueCommand({ SecretId: arnOf('Keys') }));

    await expect(call).rejects.toMatchObject({ name: expect.stringMatching(name) });
  });

  test('duplicate sends a message twice', async () => {
    const { sqs } = clients('ingest');
    faults.replace(always('sqs', 'SendMessage', 'duplicate'));

    await sqs.send(new SendMessageCommand({ QueueUrl: deadLettersUrl, MessageBody: 'twin' }));
    faults.replace([]);

    const { Messages = [] } = await sqs.send(receive(deadLettersUrl));
    expect(Messages.filter(({ Body }) => Body === 'twin')).toHaveLength(2);
  });

  test('partial fails half of a batch of messages', async () => {
    const { sqs } = clients('ingest');
    faults.replace(always('sqs', 'SendMessageBatch', 'partial'));

    const Entries = ['1', '2', '3'].map((Id) => ({ Id, MessageBody: `batch ${Id}` }));
    const reply = await sqs.send(new SendMessageBatchCommand({ QueueUrl: deadLettersUrl, Entries }));

    expect(reply.Successful?.map(({ Id }) => Id)).toEqual(['1']);
    expect(reply.Failed?.map(({ Id }) => Id)).toEqual(['2', '3']);
  });

  test('partial leaves half of a batch of items unprocessed', async () => {
    const { dynamodb } = clients('ingest');
    faults.replace([
      ...always('dynamodb', 'BatchWriteItem', 'partial'),
      ...always('dynamodb', 'BatchGetItem', 'partial'),
    ]);
    const names = ['p1', 'p2'];

    const written = await dynamodb.send(
      new BatchWriteItemCommand({
        RequestItems: { Table: names.map((pk) => ({ PutRequest: { Item: item(pk) } })) },
      }),
    );
    const read = await dynamodb.send(
      new BatchGetItemCommand({ RequestItems: { Table: { Keys: names.map((pk) => item(pk)), ConsistentRead: true } } }),
    );

    expect(written.UnprocessedItems?.Table).toEqual([{ PutRequest: { Item: item('p2') } }]);
    expect(read.Responses?.Table).toEqual([item('p1')]);
    expect(read.UnprocessedKeys?.Table?.Keys).toEqual([item('p2')]);
  });

  test('index-lag hides just-stored items from an index, not from the table', async () => {
    const { dynamodb } = clients('ingest');
    await dynamodb.send(put('old', { Item: item('old', { day: { S: 'tuesday' } }) }));
    faults.replace(always('dynamodb', 'Query', 'index-lag'));

    await dynamodb.send(put('new', { Item: item('new', { day: { S: 'tuesday' } }) }));
    await dynamodb.send(
      new UpdateItemCommand({
        TableName: 'Table',
        Key: item('newer'),
        UpdateExpression: 'SET #day = :day',
        ExpressionAttributeNames: { '#day': 'day' },
        ExpressionAttributeValues: { ':day': { S: 'tuesday' } },
      }),
    );
    const lagging = await dynamodb.send(queryDay('tuesday'));
    faults.replace([]);
    const caughtUp = await dynamodb.send(queryDay('tuesday'));

    expect(lagging.Items?.map(({ pk }) => pk?.S)).toEqual(['old']);
    expect(lagging.Count).toBe(1);
    expect(caughtUp.Count).toBe(3);
  });
});
