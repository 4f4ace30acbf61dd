import { COLUMNS } from '../../../../../lambdas/domain/archive/columns.ts';
import { objectKey, PARTITION_TEMPLATE } from '../../../../../lambdas/domain/archive/object-keys.ts';
import { readSealEnv } from '../../../../../lambdas/seal/env.ts';
import { arnOf, Synthesized, variablesReadBy } from '../../../../support/stacks/synthesized.ts';

const choose = (seal: object, env = 'prod') => new Synthesized(env, { seal: { enabled: true, ...seal } });
const off = new Synthesized('prod');
const on = choose({});

const bucketId = on.idOf('AWS::S3::Bucket', 'Seal');
const keyId = on.idOf('AWS::KMS::Key', 'Seal');
const erasureKeyId = on.idOf('AWS::SecretsManager::Secret', 'SecretsErasureKey');
const objects = (stack: Synthesized) => stack.named('AWS::S3::Bucket', 'SealBucket').Properties;

test('seal is off by default, and then adds nothing to the template', () => {
  expect(Object.keys(off.resources).filter((id) => /^Seal|SealBehind/.test(id))).toEqual([]);
  expect(Object.keys(off.outputs).filter((name) => /Seal|Archive|Certificate/.test(name))).toEqual([]);
});

test('enabling seal adds its own resources and an alarm, and shortens the table retention', () => {
  const rest = (stack: Synthesized) =>
    Object.fromEntries(
      Object.entries(stack.resources).filter(
        // The read API shows the states of all alarms, by their names.
        ([id, { Type }]) =>
          !/^(Seal|ReadApiFunction|ProcessFunction)/.test(id) && Type !== 'AWS::CloudWatch::Dashboard',
      ),
    );
  const added = Object.keys(rest(on)).filter((id) => off.resources[id] === undefined);
  const withoutOrder = (resources: ReturnType<typeof rest>) =>
    Object.fromEntries(Object.entries(resources).map(([id, { DependsOn: _order, ...resource }]) => [id, resource]));

  expect(added.map((id) => on.resources[id]?.Properties.AlarmName)).toEqual(['mailgun-ledger-prod-seal-behind']);
  expect(withoutOrder(rest(on))).toEqual(
    withoutOrder({ ...rest(off), ...Object.fromEntries(added.map((id) => [id, rest(on)[id] as never])) }),
  );
  expect([off, on].map((stack) => stack.variablesOf('Process').RETENTION_DAYS)).toEqual(['400', '90']);
  expect(Object.keys(on.outputs).filter((name) => off.outputs[name] === undefined)).toEqual([
    'SealFunctionName',
    'SealLogGroup',
    'ArchiveBucketName',
    'ArchiveDatabase',
    'CertificateKeyArn',
  ]);
});

describe('the seal function', () => {
  test('gets only the variables that it reads and the one for source maps', () => {
    const { NODE_OPTIONS, ...variables } = on.variablesOf('Seal');
    expect(NODE_OPTIONS).toBe('--enable-source-maps');
    expect([...Object.keys(variables), 'DAY_SHARDS'].toSorted()).toEqual(variablesReadBy(readSealEnv));
    expect(variables).toMatchObject({ BUCKET_NAME: { Ref: bucketId }, REACH_SECONDS: String(400 * 86_400) });
  });

  test('has exactly the expected permissions', () => {
    const table = arnOf('Table710B521B');

    expect(on.grantsOf('Seal').slice(1)).toEqual([
      [['dynamodb:BatchGetItem', 'dynamodb:GetItem'], table],
      ['dynamodb:PutItem', table, ['SEAL#*', 'LEDGER']],
      ['dynamodb:DeleteItem', table, ['LEDGER']],
      ['dynamodb:Query', [table, { 'Fn::Join': ['', [table, '/index/byDay']] }]],
      ['secretsmanager:GetSecretValue', { Ref: erasureKeyId }],
      [['s3:GetObject', 's3:PutObject'], { 'Fn::Join': ['', [arnOf(bucketId), '/*']] }],
      ['s3:ListBucket', arnOf(bucketId)],
    ]);
  });
});

test('a read API with an archive may list it, read its events and recognize erased recipients', () => {
  const granted = (stack: Synthesized) =>
    stack
      .grantsOf('ReadApi')
      .map((grant) => JSON.stringify(grant))
      .filter((grant) => !grant.startsWith('["cloudwatch:'));
  const before = granted(off);
  const [, token] = off.grantsOf('ReadApi').find(([action]) => String(action).startsWith('secretsmanager')) ?? [];

  expect(granted(on).filter((grant) => !before.includes(grant))).toEqual(
    [
      ['secretsmanager:GetSecretValue', [token, { Ref: erasureKeyId }]],
      ['s3:GetObject', { 'Fn::Join': ['', [arnOf(bucketId), '/events/*']] }],
      ['s3:ListBucket', arnOf(bucketId)],
    ].map((grant) => JSON.stringify(grant)),
  );
  expect(on.variablesOf('ReadApi')).toMatchObject({
    ARCHIVE_BUCKET: { Ref: bucketId },
    ERASURE_KEY_SECRET_ARN: { Ref: erasureKeyId },
  });
  expect(Object.keys(off.variablesOf('ReadApi'))).not.toContain('ERASURE_KEY_SECRET_ARN');
});

describe('the archive bucket', () => {
  test('is private, encrypted and only reachable over TLS, and outlives the stack in prod', () => {
    expect(objects(on)).toMatchObject({
      PublicAccessBlockConfiguration: { BlockPublicAcls: true, RestrictPublicBuckets: true },
      BucketEncryption: { ServerSideEncryptionConfiguration: [expect.anything()] },
    });
    expect(on.resources[bucketId]).toMatchObject({ DeletionPolicy: 'RetainExceptOnCreate' });
    expect(objects(on).VersioningConfiguration).toBeUndefined();
    const [statement] = on.named('AWS::S3::BucketPolicy', 'SealBucket').Properties.PolicyDocument.Statement;
    expect(statement).toMatchObject({ Effect: 'Deny', Condition: { Bool: { 'aws:SecureTransport': 'false' } } });
  });

  test('keeps versions, locks objects and moves events to a cheaper class where that is configured', () => {
    expect(objects(choose({ versioned: true })).VersioningConfiguration).toEqual({ Status: 'Enabled' });
    const locked = objects(choose({ lockDays: 30, coldAfterDays: 90 }));
    expect(locked.ObjectLockConfiguration.Rule.DefaultRetention).toEqual({ Days: 30, Mode: 'GOVERNANCE' });
    expect(locked.LifecycleConfiguration.Rules[1]).toMatchObject({
      Prefix: 'events/',
      Transitions: [{ StorageClass: 'GLACIER_IR', TransitionInDays: 90 }],
    });
  });
});

test('the signing key is a P-256 key that outlives the stack in prod, and is absent without signing', () => {
  expect(on.resources[keyId]).toMatchObject({
    Properties: { KeySpec: 'ECC_NIST_P256', KeyUsage: 'SIGN_VERIFY' },
    DeletionPolicy: 'RetainExceptOnCreate',
  });
  const unsigned = choose({ sign: false });
  expect(unsigned.idsOf('AWS::KMS::Key', 'Seal')).toEqual([]);
  expect(unsigned.outputs.CertificateKeyArn).toBeUndefined();
});

test('Athena finds the archive as a table whose partitions are derived from the object keys', () => {
  const { DatabaseInput } = on.named('AWS::Glue::Database', 'SealCatalog').Properties;
  const { DatabaseName, TableInput } = on.named('AWS::Glue::Table', 'SealCatalog').Properties;
  const { Parameters, PartitionKeys, StorageDescriptor } = TableInput;

  expect(DatabaseInput.Name).toMatch(/^[a-z0-9_]+$/);
  expect([DatabaseName, on.outputs.ArchiveDatabase?.Value]).toEqual([DatabaseInput.Name, DatabaseInput.Name]);
  expect(PartitionKeys.map(({ Name }: { Name: string }) => Name)).toEqual(['domain', 'day']);
  expect(Parameters['projection.domain.values'].split(',')).toEqual(['mg.mailgun-ledger.internal', '-']);
  const [start, , ...rest] = Parameters['storage.location.template']['Fn::Join'][1];
  expect([start, ...rest].join('<bucket>')).toBe(`s3://<bucket>/${PARTITION_TEMPLATE}`);
  const values: Record<string, string> = { domain: 'mg.example.com', day: '2026-02-02' };
  const folder = PARTITION_TEMPLATE.replace(/\$\{(\w+)\}/g, (_, name) => values[name] ?? '');
  expect(objectKey('mg.example.com', 1_769_999_400, 0)).toMatch(new RegExp(`^${folder}`));
  expect(StorageDescriptor.Columns).toHaveLength(COLUMNS.length);
  expect(StorageDescriptor.Columns).toContainEqual({ Name: 'tags', Type: 'array<string>' });
});
