import { type Engine, request } from '../engines/engine.ts';
import type { Engines } from '../engines/engines.ts';
import { generateSecret, type SecretRecipe } from '../engines/secrets.ts';
import { readStreamSources } from '../event-source/stream-definition.ts';
import { resourcesOfType } from '../template/resources.ts';
import { propertiesOf, type Stack } from '../template/stack.ts';

/** Creates every table, queue, secret, bucket and key of the template in its engine. */
export async function createResources(stack: Stack, engines: Engines): Promise<void> {
  for (const [id, resource] of resourcesOfType(stack.template, 'AWS::SecretsManager::Secret')) {
    const { SecretString, GenerateSecretString } = propertiesOf(stack, id, resource);
    const value = SecretString ?? generateSecret((GenerateSecretString ?? {}) as SecretRecipe);
    engines.secretsmanager.create(String(stack.resolve({ Ref: id }, id)), String(value));
  }
  for (const [id, resource] of resourcesOfType(stack.template, 'AWS::SQS::Queue')) {
    await engines.sqs.createQueue(id, queueAttributes(propertiesOf(stack, id, resource)), stack.account.region);
  }
  for (const [id, resource] of resourcesOfType(stack.template, 'AWS::S3::Bucket')) {
    const { VersioningConfiguration } = propertiesOf<{ VersioningConfiguration?: { Status?: string } }>(
      stack,
      id,
      resource,
    );
    const name = String(stack.resolve({ Ref: id }, id));
    engines.s3.createBucket(name, { versioned: VersioningConfiguration?.Status === 'Enabled' });
  }
  for (const [id, resource] of resourcesOfType(stack.template, 'AWS::KMS::Key')) {
    const { KeySpec } = propertiesOf(stack, id, resource);
    engines.kms.createKey(String(stack.resolve({ 'Fn::GetAtt': [id, 'Arn'] }, id)), String(KeySpec));
  }
  const consumed = new Set(readStreamSources(stack).map(({ tableName }) => tableName));
  for (const [id, resource] of resourcesOfType(stack.template, 'AWS::DynamoDB::Table')) {
    const { StreamSpecification, ...properties } = propertiesOf(stack, id, resource);
    // A stream slows every write, in dynoxide more with each record, so it is enabled only if something reads it.
    const stream = consumed.has(id) ? StreamSpecification : undefined;
    await createTable(engines.dynamodb, id, { ...properties, StreamSpecification: stream });
  }
}

/** Converts queue attributes: the API takes strings, a template has numbers and objects. */
function queueAttributes(properties: Record<string, unknown>): Record<string, string> {
  const { QueueName: _, Tags: __, ...attributes } = properties;
  return Object.fromEntries(
    Object.entries(attributes).map(([name, value]) => [
      name,
      typeof value === 'object' ? JSON.stringify(value) : String(value),
    ]),
  );
}

/** Supported properties. Point-in-time recovery, tags and protection mean nothing to an in-memory engine. */
const TABLE_PROPERTIES = [
  'AttributeDefinitions',
  'KeySchema',
  'BillingMode',
  'ProvisionedThroughput',
  'GlobalSecondaryIndexes',
  'LocalSecondaryIndexes',
];

async function createTable(engine: Engine, id: string, properties: Record<string, unknown>): Promise<void> {
  const { StreamSpecification, TimeToLiveSpecification } = properties;
  await request(engine, 'CreateTable', {
    TableName: id,
    ...Object.fromEntries(TABLE_PROPERTIES.map((name) => [name, properties[name]])),
    StreamSpecification: StreamSpecification && { StreamEnabled: true, ...StreamSpecification },
  });
  if (TimeToLiveSpecification) await request(engine, 'UpdateTimeToLive', { TableName: id, TimeToLiveSpecification });
}
