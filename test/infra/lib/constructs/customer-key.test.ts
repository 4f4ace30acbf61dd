import { KEY_ACTIONS } from '../../../../lib/constructs/customer-key.ts';
import { type Resource, Synthesized } from '../../../support/stacks/synthesized.ts';

const EVERYTHING = {
  alarms: { monthlyDollars: 50 },
  dashboard: { enabled: true },
  publish: { enabled: true },
  receivers: [{ name: 'crm', url: 'https://crm.mailgun-ledger.internal/', events: ['suppression.changed'] }],
  seal: { enabled: true },
};
const off = new Synthesized('prod', EVERYTHING);
const on = new Synthesized('prod', { ...EVERYTHING, customerKey: true });
const plain = new Synthesized('dev', { customerKey: true });

const keyOf = (stack: Synthesized) =>
  Object.keys(stack.resources).find((id) => id.startsWith('CustomerKey')) ?? 'no key';
const arn = { 'Fn::GetAtt': [keyOf(on), 'Arn'] };

/** Returns the key that a resource names; undefined where it takes none. */
const KEY_OF: Readonly<Record<string, (properties: Resource['Properties']) => unknown>> = {
  'AWS::DynamoDB::Table': ({ SSESpecification }) => SSESpecification?.KMSMasterKeyId,
  'AWS::Lambda::Function': ({ KmsKeyArn }) => KmsKeyArn,
  'AWS::Logs::LogGroup': ({ KmsKeyId }) => KmsKeyId,
  'AWS::S3::Bucket': ({ BucketEncryption }) =>
    BucketEncryption?.ServerSideEncryptionConfiguration[0].ServerSideEncryptionByDefault.KMSMasterKeyID,
  'AWS::SNS::Topic': (properties) => properties?.KmsMasterKeyId,
  'AWS::SQS::Queue': ({ KmsMasterKeyId }) => KmsMasterKeyId,
  'AWS::SecretsManager::Secret': ({ KmsKeyId }) => KmsKeyId,
};

const principalsOf = (stack: Synthesized) =>
  stack.resources[keyOf(stack)]?.Properties.KeyPolicy.Statement.map(
    ({ Principal }: { Principal: { Service?: unknown } }) => Principal.Service,
  ).filter((service: unknown) => service !== undefined);

test('a template without the customer key has no KMS key and names none', () => {
  expect(keyOf(off)).toBe('no key');
  for (const [type, keyIn] of Object.entries(KEY_OF)) {
    expect(
      off
        .ofType(type)
        .map(({ Properties }) => keyIn(Properties))
        .filter(Boolean),
    ).toEqual([]);
  }
});

describe('a customer key', () => {
  test.each(Object.entries(KEY_OF))('encrypts each %s', (type, keyIn) => {
    const found = Object.entries(on.resources).filter(
      // CDK's own function, which copies the page, has neither secrets nor the right to use the key.
      ([id, { Type }]) => Type === type && !id.startsWith('CustomCDKBucketDeployment'),
    );

    expect(found.length).toBeGreaterThan(0);
    for (const [id, { Properties }] of found) expect([id, keyIn(Properties)]).toEqual([id, arn]);
  });

  test('leaves no queue to the SQS-managed key', () => {
    expect(on.ofType('AWS::SQS::Queue').filter(({ Properties }) => Properties.SqsManagedSseEnabled)).toEqual([]);
  });

  test('may be used by every function of the stack, and by the deployment of the dashboard', () => {
    const allowed = on
      .ofType('AWS::IAM::Policy')
      .filter(({ Properties }) =>
        Properties.PolicyDocument.Statement.some(
          ({ Action, Resource: on }: { Action: unknown; Resource: unknown }) =>
            JSON.stringify(on) === JSON.stringify(arn) && JSON.stringify(Action) === JSON.stringify(KEY_ACTIONS),
        ),
      );
    const ledgerFunctions = on.ofType('AWS::Lambda::Function').filter(({ Properties }) => Properties.KmsKeyArn);
    const copier = on.named('AWS::IAM::Policy', 'DashboardDeploymentPolicy').Properties.PolicyDocument.Statement;

    expect(allowed).toHaveLength(ledgerFunctions.length);
    expect(copier).toContainEqual({ Action: ['kms:Decrypt', 'kms:GenerateDataKey'], Effect: 'Allow', Resource: arn });
  });

  test('may be used only by the services that the chosen options need', () => {
    const logs = expect.stringMatching(/^logs\.[a-z0-9-]+\.amazonaws\.com$/);
    expect(principalsOf(on)).toEqual([
      logs,
      'cloudwatch.amazonaws.com',
      'budgets.amazonaws.com',
      'events.amazonaws.com',
      'cloudfront.amazonaws.com',
    ]);
    expect(principalsOf(plain)).toEqual([logs, 'cloudwatch.amazonaws.com']);
  });

  test('rotates, outlives protected data, and is named by an output', () => {
    const key = on.resources[keyOf(on)];

    expect(key).toMatchObject({ DeletionPolicy: 'RetainExceptOnCreate', Properties: { EnableKeyRotation: true } });
    expect(plain.resources[keyOf(plain)]).toMatchObject({ DeletionPolicy: 'Delete' });
    expect(on.outputs.CustomerKeyArn?.Value).toEqual(arn);
  });
});
