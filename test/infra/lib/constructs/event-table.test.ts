import { Synthesized } from '../../../support/stacks/synthesized.ts';

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

  test('has string keys, and indexes by a string and a number that project keys only', () => {
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

describe('the billing of the table', () => {
  const chosen = (table: object) => new Synthesized('dev', { table });
  const propertiesOf = (stack: Synthesized) => stack.ofType('AWS::DynamoDB::Table')[0]!.Properties;
  const scaledBy = (stack: Synthesized) =>
    stack
      .ofType('AWS::ApplicationAutoScaling::ScalableTarget')
      .map(({ Properties }) => [Properties.ScalableDimension, Properties.MinCapacity, Properties.MaxCapacity].join(' '))
      .toSorted();

  test('has the infrequent-access class and no backup where that is configured', () => {
    const cheap = propertiesOf(chosen({ class: 'infrequent-access', pointInTimeRecovery: false }));

    expect(cheap).toMatchObject({
      TableClass: 'STANDARD_INFREQUENT_ACCESS',
      PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: false },
    });
    expect(propertiesOf(dev).TableClass).toBeUndefined();
  });

  test('scales provisioned capacity between two bounds, with half for each index', () => {
    const stack = chosen({ provisioned: { write: { from: 11, to: 200 }, utilizationPercent: 80 } });
    const { BillingMode, ProvisionedThroughput, GlobalSecondaryIndexes } = propertiesOf(stack);
    const [policy] = stack.ofType('AWS::ApplicationAutoScaling::ScalingPolicy');

    expect(BillingMode).toBeUndefined();
    expect(ProvisionedThroughput).toEqual({ WriteCapacityUnits: 11, ReadCapacityUnits: 5 });
    for (const index of GlobalSecondaryIndexes) {
      expect(index.ProvisionedThroughput).toEqual({ WriteCapacityUnits: 6, ReadCapacityUnits: 3 });
    }
    expect(scaledBy(stack)).toEqual([
      'dynamodb:index:ReadCapacityUnits 3 50',
      'dynamodb:index:ReadCapacityUnits 3 50',
      'dynamodb:index:WriteCapacityUnits 6 100',
      'dynamodb:index:WriteCapacityUnits 6 100',
      'dynamodb:table:ReadCapacityUnits 5 100',
      'dynamodb:table:WriteCapacityUnits 11 200',
    ]);
    expect(policy?.Properties.TargetTrackingScalingPolicyConfiguration.TargetValue).toBe(80);
  });

  test('is fixed capacity where both bounds are equal', () => {
    const fixed = { from: 50, to: 50 };

    expect(scaledBy(chosen({ provisioned: { write: fixed, read: fixed } }))).toEqual([]);
  });
});

describe('a stateful resource', () => {
  const TYPES = ['AWS::DynamoDB::Table', 'AWS::SecretsManager::Secret'];

  test.each([
    ['AWS::DynamoDB::Table', 'Retain'],
    // A first deploy that fails leaves none behind. Of the table it could not delete what is protected from deletion.
    ['AWS::SecretsManager::Secret', 'RetainExceptOnCreate'],
  ])('%s outlives the stack in prod, and is deleted with it in dev', (type, kept) => {
    const fates = (environment: Synthesized) =>
      environment.ofType(type).map((resource) => `${resource.DeletionPolicy}, ${resource.UpdateReplacePolicy}`);

    expect(new Set(fates(prod))).toEqual(new Set([`${kept}, Retain`]));
    expect(new Set(fates(dev))).toEqual(new Set(['Delete, Delete']));
  });

  test('the table is protected from deletion only in prod', () => {
    expect(prod.ofType('AWS::DynamoDB::Table')[0]!.Properties.DeletionProtectionEnabled).toBe(true);
    expect(dev.ofType('AWS::DynamoDB::Table')[0]!.Properties.DeletionProtectionEnabled).toBe(false);
  });

  test('has no physical name, so it can be deployed twice and replaced', () => {
    const isAccessLog = (name: unknown) => String(name).startsWith('/aws/vendedlogs/');
    const named = Object.values(prod.resources).filter(
      ({ Properties }) =>
        !isAccessLog(Properties?.LogGroupName) &&
        ['TableName', 'QueueName', 'TopicName', 'FunctionName', 'LogGroupName', 'RoleName'].some(
          (key) => Properties?.[key] !== undefined && typeof Properties[key] === 'string',
        ),
    );
    const secretNames = prod.ofType('AWS::SecretsManager::Secret').map(({ Properties }) => Properties.Name);

    expect(named).toEqual([]);
    expect(secretNames).toEqual(Array.from({ length: 5 }));
  });

  // A new logical id is a new resource: an empty table, a URL that Mailgun does not know, or a page that the old
  // deployment deletes when the new one has copied it.
  test('keeps its logical ids', () => {
    const whole = new Synthesized('prod', { publish: { enabled: true }, dashboard: { enabled: true } });
    const addresses = ['AWS::SQS::Queue', 'AWS::SNS::Topic', 'AWS::ApiGatewayV2::Api', 'AWS::S3::Bucket'];
    const types = [...TYPES, ...addresses, 'Custom::CDKBucketDeployment'];
    const pinned = Object.entries(whole.resources).flatMap(([id, { Type, DeletionPolicy }]) =>
      types.includes(Type) || /^Retain/.test(DeletionPolicy) ? [id] : [],
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
  test('change by one in each deploy', () => {
    expect(INDEX_STEPS.slice(1).map((after, n) => changesBetween(INDEX_STEPS[n]!, after))).toEqual(
      INDEX_STEPS.slice(1).map(() => 1),
    );
  });

  test.each([
    [[], ['a'], 1],
    [['a'], ['b'], 2],
    [['a', 'b'], ['a'], 1],
    [['a'], ['a', 'b', 'c'], 2],
  ])('are distinguished from %j to %j', (before, after, changes) => {
    expect(changesBetween(before, after)).toBe(changes);
  });

  test('equal the last entry', () => {
    const { GlobalSecondaryIndexes } = prod.ofType('AWS::DynamoDB::Table')[0]!.Properties;

    expect(GlobalSecondaryIndexes.map(({ IndexName }: { IndexName: string }) => IndexName)).toEqual(INDEX_STEPS.at(-1));
  });
});

const changesBetween = (before: readonly string[], after: readonly string[]) =>
  before.filter((name) => !after.includes(name)).length + after.filter((name) => !before.includes(name)).length;

describe('weekly copies', () => {
  const chosen = new Synthesized('prod', { table: { weeklyBackupDays: 35 } });

  test('copy the table, and are kept as long as configured', () => {
    const [plan] = chosen.ofType('AWS::Backup::BackupPlan');
    const [selection] = chosen.ofType('AWS::Backup::BackupSelection');
    const [vault] = chosen.ofType('AWS::Backup::BackupVault');
    const [rule] = plan!.Properties.BackupPlan.BackupPlanRule;

    expect(rule).toMatchObject({ ScheduleExpression: 'cron(0 4 ? * SUN *)', Lifecycle: { DeleteAfterDays: 35 } });
    expect(JSON.stringify(selection!.Properties.BackupSelection.Resources)).toContain('Table710B521B');
    expect(vault).toMatchObject({ DeletionPolicy: 'RetainExceptOnCreate' });
  });

  test('are off by default', () => {
    expect(prod.ofType('AWS::Backup::BackupPlan')).toEqual([]);
    expect(prod.ofType('AWS::Backup::BackupVault')).toEqual([]);
  });

  test('end with 0 days, which leaves the vault as it was', () => {
    const ended = new Synthesized('prod', { table: { weeklyBackupDays: 0 } });

    expect(ended.ofType('AWS::Backup::BackupPlan')).toEqual([]);
    expect(ended.ofType('AWS::Backup::BackupVault')).toEqual(chosen.ofType('AWS::Backup::BackupVault'));
  });

  test('are in a vault of another name in each stack and under each key, so that none is in the way of the next', () => {
    const encrypted = new Synthesized('prod', { customerKey: true, table: { weeklyBackupDays: 35 } });
    const nameOf = (stack: Synthesized) =>
      JSON.stringify(stack.ofType('AWS::Backup::BackupVault')[0]!.Properties.BackupVaultName);
    const keyId = encrypted.idOf('AWS::KMS::Key', 'CustomerKey');

    for (const stack of [chosen, encrypted]) {
      expect(nameOf(stack)).toContain('{"Ref":"AWS::StackId"}');
      const texts = nameOf(stack).match(/mailgun-ledger-[\w-]+-/)?.[0] ?? '';
      expect(texts.length).toBeLessThanOrEqual(50 - '12345678-12345678'.length);
    }
    expect(nameOf(encrypted)).toContain(`{"Fn::Split":["-",{"Ref":"${keyId}"}]}`);
    expect(nameOf(chosen)).not.toBe(nameOf(encrypted));
  });

  test('outlive an environment without protection too: AWS Backup refuses to delete a vault with copies', () => {
    const dev = new Synthesized('dev', { table: { weeklyBackupDays: 35 } });

    expect(dev.ofType('AWS::Backup::BackupVault')[0]).toMatchObject({ DeletionPolicy: 'RetainExceptOnCreate' });
  });
});

test('logs are deleted with their stack, unless the configuration keeps them', () => {
  const fatesOf = (stack: Synthesized) =>
    new Set(stack.ofType('AWS::Logs::LogGroup').map(({ DeletionPolicy }) => DeletionPolicy));

  expect(fatesOf(prod)).toEqual(new Set(['Delete']));
  expect(fatesOf(new Synthesized('prod', { keepLogs: true }))).toEqual(new Set(['RetainExceptOnCreate']));
});
