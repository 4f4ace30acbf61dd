import { readPublishEnv } from '../../../../../lambdas/publish/env.ts';
import { arnOf, buildStack, Synthesized, variablesReadBy } from '../../../../support/stacks/synthesized.ts';

const choose = (publish: object) => new Synthesized('prod', { publish: { enabled: true, ...publish } });
const off = new Synthesized('prod');
const on = choose({});

const queueId = on.idOf('AWS::SQS::Queue', 'PublishFailures');
const secretId = on.idOf('AWS::SecretsManager::Secret', 'PublishSubjectKey');
const erasureKeyId = on.idOf('AWS::SecretsManager::Secret', 'SecretsErasureKey');
const STREAM = { 'Fn::GetAtt': ['Table710B521B', 'StreamArn'] };

test('publish is off by default, and then only the key of its subjects is kept', () => {
  expect(Object.keys(off.resources).filter((id) => id.startsWith('Publish'))).toEqual([secretId]);
  expect(off.ofType('AWS::Lambda::EventSourceMapping')).toHaveLength(1);
  expect(Object.keys(off.outputs).filter((name) => name.startsWith('Publish'))).toEqual([]);
});

test('enabling publish adds its own resources, two alarms and a dashboard row, and changes nothing else', () => {
  const isDashboard = (id: string) => off.resources[id]?.Type === 'AWS::CloudWatch::Dashboard';
  // The read API shows the states of the alarms, and so names them.
  const isOwn = (id: string) => id.startsWith('Publish') || id.startsWith('ReadApiFunction');
  const rest = (stack: Synthesized) =>
    Object.fromEntries(
      Object.entries(stack.resources).flatMap(([id, { DependsOn: _order, ...resource }]) =>
        isDashboard(id) || isOwn(id) ? [] : [[id, resource]],
      ),
    );
  const added = Object.keys(rest(on)).filter((id) => off.resources[id] === undefined);

  expect(added.map((id) => on.resources[id]?.Properties.AlarmName).toSorted()).toEqual([
    'mailgun-ledger-prod-publish-failures',
    'mailgun-ledger-prod-publish-lag',
  ]);
  expect(rest(on)).toEqual({ ...rest(off), ...Object.fromEntries(added.map((id) => [id, rest(on)[id]])) });
  expect(Object.keys(on.outputs).filter((name) => name.startsWith('Publish'))).toEqual([
    'PublishFunctionName',
    'PublishLogGroup',
    'PublishFailuresUrl',
  ]);
});

test('a deploy replaces publish before process, whose statuses it publishes', () => {
  expect(on.named('AWS::Lambda::Function', 'ProcessFunction').DependsOn).toContain(
    on.idOf('AWS::Lambda::Function', 'PublishFunction'),
  );
});

describe('the publish function', () => {
  const lambda = on.named('AWS::Lambda::Function', 'PublishFunction').Properties;
  const variables = {
    LEDGER_NAME: 'mailgun-ledger-prod',
    TABLE_NAME: { Ref: 'Table710B521B' },
    BUS_NAME: 'default',
    FAILURES_URL: { Ref: queueId },
    SUBJECT_KEY_SECRET_ARN: { Ref: secretId },
    ERASURE_KEY_SECRET_ARN: { Ref: erasureKeyId },
    RECIPIENTS: 'no',
    RETRY_SECONDS: '43200',
    DOMAINS: 'mg.mailgun-ledger.internal',
    RECEIVERS: '[]',
    DELIVERY_DAYS: '30',
  };

  test('gets only the variables that it reads and the one for source maps', () => {
    expect(on.variablesOf('Publish')).toEqual({ ...variables, NODE_OPTIONS: '--enable-source-maps' });
    expect(variablesReadBy(readPublishEnv)).toEqual([...Object.keys(variables), 'DAY_SHARDS'].toSorted());
  });

  test('names recipients only where that is configured', () => {
    expect(choose({ recipients: true }).variablesOf('Publish').RECIPIENTS).toBe('yes');
  });

  test('has exactly the expected permissions', () => {
    const table = arnOf('Table710B521B');

    expect(on.grantsOf('Publish')).toEqual([
      [['logs:CreateLogStream', 'logs:PutLogEvents'], arnOf(lambda.LoggingConfig.LogGroup.Ref)],
      [['dynamodb:DescribeStream', 'dynamodb:GetRecords', 'dynamodb:GetShardIterator', 'dynamodb:ListStreams'], STREAM],
      [['dynamodb:BatchGetItem', 'dynamodb:GetItem'], table],
      ['dynamodb:Query', [table, { 'Fn::Join': ['', [table, '/index/byDay']] }]],
      ['events:PutEvents', 'arn:aws:events:eu-west-1:333333333333:event-bus/default'],
      ['sqs:SendMessage', arnOf(queueId)],
      ['secretsmanager:GetSecretValue', { Ref: secretId }],
    ]);
  });

  test.each([
    { bus: 'mail', arn: 'arn:aws:events:eu-west-1:333333333333:event-bus/mail' },
    {
      bus: 'arn:aws:events:eu-west-1:444444444444:event-bus/all',
      arn: 'arn:aws:events:eu-west-1:444444444444:event-bus/all',
    },
  ])('may put events only on the bus $bus', ({ bus, arn }) => {
    const stack = choose({ bus });

    expect(stack.variablesOf('Publish').BUS_NAME).toBe(bus);
    expect(stack.grantsOf('Publish').find(([action]) => action === 'events:PutEvents')).toEqual([
      'events:PutEvents',
      arn,
    ]);
  });

  test('may read erasure markers only where it names addresses', () => {
    const keysOf = (stack: Synthesized) =>
      stack.grantsOf('Publish').find(([action]) => action === 'secretsmanager:GetSecretValue')?.[1];
    expect(keysOf(on)).toEqual({ Ref: secretId });
    expect(keysOf(choose({ recipients: true }))).toEqual([{ Ref: secretId }, { Ref: erasureKeyId }]);
  });

  test('has the construct path by which the local stack names it', () => {
    const path = 'mailgun-ledger-prod/Publish/Function/Resource';
    const stack = buildStack('prod', { publish: { enabled: true } });

    expect(stack.node.findAll().filter((node) => node.node.path === path)).toHaveLength(1);
  });
});

describe('the stream', () => {
  const [source, ...others] = on
    .ofType('AWS::Lambda::EventSourceMapping')
    .map(({ Properties }) => Properties)
    .filter(({ StartingPosition }) => StartingPosition !== undefined);

  test('passes only written statuses and suppressions to publish', () => {
    expect(others).toEqual([]);
    expect(source.EventSourceArn).toEqual(STREAM);
    expect(source.FilterCriteria.Filters.map(({ Pattern }: { Pattern: string }) => JSON.parse(Pattern))).toEqual([
      { eventName: ['INSERT', 'MODIFY'], dynamodb: { NewImage: { order: { S: [{ exists: true }] } } } },
      { eventName: ['INSERT', 'MODIFY'], dynamodb: { Keys: { pk: { S: [{ prefix: 'SUP#' }] } } } },
    ]);
  });

  test('retries partial and halved batches, and gives up after publish does and before the stream expires', () => {
    const { RETRY_SECONDS } = on.variablesOf('Publish');
    expect(source).toMatchObject({
      StartingPosition: 'TRIM_HORIZON',
      FunctionResponseTypes: ['ReportBatchItemFailures'],
      BisectBatchOnFunctionError: true,
      MaximumRetryAttempts: 10_000,
      MaximumRecordAgeInSeconds: 82_800,
      DestinationConfig: { OnFailure: { Destination: arnOf(queueId) } },
    });
    expect(Number(RETRY_SECONDS)).toBeLessThan(source.MaximumRecordAgeInSeconds);
    expect(source.MaximumRecordAgeInSeconds).toBeLessThan(86_400);
  });
});

test('unpublished changes are kept for two weeks, encrypted', () => {
  expect(on.resources[queueId]?.Properties).toEqual({
    MessageRetentionPeriod: 14 * 86_400,
    SqsManagedSseEnabled: true,
  });
});

test('the key of subjects is generated, and outlives the stack in prod, since receivers store subjects', () => {
  const dev = new Synthesized('dev', { publish: { enabled: true } });

  expect(on.resources[secretId]).toMatchObject({
    DeletionPolicy: 'RetainExceptOnCreate',
    UpdateReplacePolicy: 'Retain',
  });
  expect(on.resources[secretId]?.Properties.SecretString).toBeUndefined();
  expect(dev.named('AWS::SecretsManager::Secret', 'PublishSubjectKey').DeletionPolicy).toBe('Delete');
});
