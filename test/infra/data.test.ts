import { describe, expect, test } from '@jest/globals';
import { UNSET_API_KEY, UNSET_SIGNING_KEYS } from '../../lambdas/contract.ts';
import { Synthesized } from '../support/synthesized.ts';

const dev = new Synthesized('dev');
const prod = new Synthesized('prod');

describe('the table', () => {
  const table = prod.ofType('AWS::DynamoDB::Table')[0]!.Properties;

  test('is the only one, on demand, recoverable to a point in time, with TTL and a stream of both images', () => {
    expect(prod.ofType('AWS::DynamoDB::Table')).toHaveLength(1);
    expect(table).toMatchObject({
      BillingMode: 'PAY_PER_REQUEST',
      PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
      TimeToLiveSpecification: { AttributeName: 'expiresAt', Enabled: true },
      StreamSpecification: { StreamViewType: 'NEW_AND_OLD_IMAGES' },
    });
  });

  test('is keyed by strings, its indexes by a string and a number, and they project keys only', () => {
    const types = Object.fromEntries(
      table.AttributeDefinitions.map((attribute: { AttributeName: string; AttributeType: string }) => [
        attribute.AttributeName,
        attribute.AttributeType,
      ]),
    );

    expect(types).toEqual({ pk: 'S', sk: 'S', recipientKey: 'S', recipientAt: 'N', dayKey: 'S', at: 'N' });
    expect(table.GlobalSecondaryIndexes).toEqual([
      index('byRecipient', 'recipientKey', 'recipientAt'),
      index('byDay', 'dayKey', 'at'),
    ]);
  });

  const index = (name: string, hash: string, range: string) => ({
    IndexName: name,
    KeySchema: [
      { AttributeName: hash, KeyType: 'HASH' },
      { AttributeName: range, KeyType: 'RANGE' },
    ],
    Projection: { ProjectionType: 'KEYS_ONLY' },
  });
});

describe('the queues', () => {
  const queue = prod.named('AWS::SQS::Queue', 'EventsQueue').Properties;
  const deadLetters = prod.named('AWS::SQS::Queue', 'EventsDeadLetters').Properties;

  test('keep a healthy event through 9 hours without the table', () => {
    expect(queue.RedrivePolicy.maxReceiveCount * queue.VisibilityTimeout).toBeGreaterThanOrEqual(9 * 3600);
  });

  test('hand no batch out twice while a function may still be at it', () => {
    const { Timeout } = prod.named('AWS::Lambda::Function', 'Process').Properties;
    const { MaximumBatchingWindowInSeconds } = prod.ofType('AWS::Lambda::EventSourceMapping')[0]!.Properties;

    expect(queue.VisibilityTimeout).toBeGreaterThanOrEqual(6 * Timeout + MaximumBatchingWindowInSeconds);
  });

  test('keep dead letters longer than the queue, since a dead letter keeps its age', () => {
    expect(deadLetters.MessageRetentionPeriod).toBe(14 * 86_400);
    expect(deadLetters.MessageRetentionPeriod).toBeGreaterThan(queue.MessageRetentionPeriod);
  });

  test('are encrypted and refuse plain HTTP', () => {
    expect(queue.SqsManagedSseEnabled).toBe(true);
    expect(deadLetters.SqsManagedSseEnabled).toBe(true);
    const policies = prod.ofType('AWS::SQS::QueuePolicy').map(({ Properties }) => Properties.PolicyDocument.Statement);
    expect(policies).toHaveLength(2);
    for (const [statement] of policies) {
      expect(statement).toMatchObject({
        Effect: 'Deny',
        Action: 'sqs:*',
        Condition: { Bool: { 'aws:SecureTransport': 'false' } },
      });
    }
  });
});

describe('the secrets', () => {
  test('deploy the signing keys as the placeholder that names no key, the same in every environment', () => {
    for (const environment of [dev, prod]) {
      const secret = environment.named('AWS::SecretsManager::Secret', 'SecretsSigningKeys').Properties;
      expect(secret.SecretString).toBe(UNSET_SIGNING_KEYS);
      expect(secret.GenerateSecretString).toBeUndefined();
    }
  });

  test('deploy the API key as the placeholder that turns reconciliation off', () => {
    for (const environment of [dev, prod]) {
      const secret = environment.named('AWS::SecretsManager::Secret', 'SecretsApiKey').Properties;
      expect(secret.SecretString).toBe(UNSET_API_KEY);
      expect(secret.GenerateSecretString).toBeUndefined();
      expect(JSON.parse(UNSET_API_KEY)).not.toHaveProperty('apiKey');
    }
  });

  test.each(['ApiToken', 'ErasureKey'])('generate the %s, 48 characters without punctuation', (name) => {
    const secret = prod.named('AWS::SecretsManager::Secret', `Secrets${name}`).Properties;

    expect(secret.GenerateSecretString).toEqual({ PasswordLength: 48, ExcludePunctuation: true });
    expect(secret.SecretString).toBeUndefined();
  });
});

describe('what may not be lost', () => {
  const TYPES = ['AWS::DynamoDB::Table', 'AWS::SecretsManager::Secret'];

  test.each(TYPES)('%s outlives the stack in prod, and goes with it in dev', (type) => {
    const fates = (environment: Synthesized) =>
      environment.ofType(type).flatMap((resource) => [resource.DeletionPolicy, resource.UpdateReplacePolicy]);

    expect(new Set(fates(prod))).toEqual(new Set(['Retain']));
    expect(new Set(fates(dev))).toEqual(new Set(['Delete']));
  });

  test('the table is protected from deletion in prod alone', () => {
    expect(prod.ofType('AWS::DynamoDB::Table')[0]!.Properties.DeletionProtectionEnabled).toBe(true);
    expect(dev.ofType('AWS::DynamoDB::Table')[0]!.Properties.DeletionProtectionEnabled).toBe(false);
  });

  test('has no name of its own, so it can be deployed twice and replaced', () => {
    const named = Object.values(prod.resources).filter(({ Properties }) =>
      ['TableName', 'QueueName', 'TopicName', 'FunctionName', 'LogGroupName', 'RoleName'].some(
        (key) => Properties?.[key] !== undefined && typeof Properties[key] === 'string',
      ),
    );
    const secretNames = prod.ofType('AWS::SecretsManager::Secret').map(({ Properties }) => Properties.Name);

    expect(named).toEqual([]);
    expect(secretNames).toEqual([undefined, undefined, undefined, undefined]);
  });

  // A new logical id is a new resource: an empty table, a URL that Mailgun does not know, or a page that the old
  // deployment deletes when the new one has copied it.
  test('keeps its logical ids', () => {
    const whole = new Synthesized('prod', { publish: { enabled: true }, dashboard: { enabled: true } });
    const addresses = ['AWS::SQS::Queue', 'AWS::SNS::Topic', 'AWS::ApiGatewayV2::Api', 'AWS::S3::Bucket'];
    const types = [...TYPES, ...addresses, 'Custom::CDKBucketDeployment'];
    const pinned = Object.entries(whole.resources).flatMap(([id, { Type, DeletionPolicy }]) =>
      types.includes(Type) || DeletionPolicy === 'Retain' ? [id] : [],
    );

    expect(pinned.toSorted()).toEqual([
      'DashboardBucketA782FB5B',
      'DashboardDeploymentCustomResource512MiB598B71C8',
      'EventsDeadLetters8A90034E',
      'EventsQueue7396B467',
      'PublishFailures0AB56559',
      'PublishSubjectKey2989A101',
      'ReadApiHttpApi5E49EAA9',
      'SecretsApiKey92A01E51',
      'SecretsApiTokenB8AA259C',
      'SecretsErasureKey300CEC08',
      'SecretsSigningKeys20695C0E',
      'Table710B521B',
      'TopicsPage76C97084',
      'TopicsTicket85AFFA83',
      'WebhookApiHttpApi972241B7',
    ]);
  });
});

/**
 * The indexes after each deploy that changed them, oldest first: CloudFormation adds or removes one of a table in an
 * update, and fails on more. An entry is to be deployed everywhere before the next is merged.
 */
const INDEX_STEPS = [['byRecipient', 'byDay']];

describe('the indexes', () => {
  test('change by one with each deploy', () => {
    expect(INDEX_STEPS.slice(1).map((after, n) => changesBetween(INDEX_STEPS[n]!, after))).toEqual(
      INDEX_STEPS.slice(1).map(() => 1),
    );
  });

  test.each([
    [[], ['a'], 1],
    [['a'], ['b'], 2],
    [['a', 'b'], ['a'], 1],
    [['a'], ['a', 'b', 'c'], 2],
  ])('from %j to %j are told apart', (before, after, changes) => {
    expect(changesBetween(before, after)).toBe(changes);
  });

  test('are those of the last entry', () => {
    const { GlobalSecondaryIndexes } = prod.ofType('AWS::DynamoDB::Table')[0]!.Properties;

    expect(GlobalSecondaryIndexes.map(({ IndexName }: { IndexName: string }) => IndexName)).toEqual(INDEX_STEPS.at(-1));
  });
});

const changesBetween = (before: readonly string[], after: readonly string[]) =>
  before.filter((name) => !after.includes(name)).length + after.filter((name) => !before.includes(name)).length;
