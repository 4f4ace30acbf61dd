import type { Resource, Template } from './template.ts';

/** The stand-in for an AWS account: region, id, and addresses on this machine. */
export interface LocalAccount {
  readonly region: string;
  readonly accountId: string;
  /** Endpoint of the engines, with which queue URLs begin. */
  readonly awsEndpointUrl: string;
  /** Returns the base URL of an HTTP API by its logical id. */
  apiUrl(logicalId: string): string;
}

type Attributes = Readonly<Record<string, string>>;

/** Supported types, with the values of `Ref` and `Fn::GetAtt`. */
const RUN: Readonly<Record<string, (logicalId: string, account: LocalAccount) => Attributes>> = {
  'AWS::DynamoDB::Table': (id, account) => ({
    Ref: id,
    Arn: arn('dynamodb', account, `table/${id}`),
    StreamArn: arn('dynamodb', account, `table/${id}/stream/local`),
  }),
  'AWS::SQS::Queue': (id, account) => ({
    Ref: `${account.awsEndpointUrl}/${account.accountId}/${id}`,
    Arn: arn('sqs', account, id),
    QueueName: id,
  }),
  'AWS::SecretsManager::Secret': (id, account) => ({ Ref: arn('secretsmanager', account, `secret:${id}`) }),
  'AWS::S3::Bucket': (id) => ({ Ref: id.toLowerCase(), Arn: `arn:aws:s3:::${id.toLowerCase()}` }),
  'AWS::KMS::Key': (id, account) => ({ Ref: id, Arn: arn('kms', account, `key/${id}`) }),
  'AWS::Lambda::Function': (id, account) => ({ Ref: id, Arn: arn('lambda', account, `function:${id}`) }),
  'AWS::Lambda::EventSourceMapping': (id) => ({ Ref: id }),
  'AWS::ApiGatewayV2::Api': (id, account) => ({ Ref: id, ApiId: id, ApiEndpoint: account.apiUrl(id) }),
  'AWS::ApiGatewayV2::Integration': (id) => ({ Ref: id }),
  'AWS::ApiGatewayV2::Route': (id) => ({ Ref: id }),
  'AWS::ApiGatewayV2::Stage': (id) => ({ Ref: id }),
  'AWS::Events::Rule': (id, account) => ({ Ref: id, Arn: arn('events', account, `rule/${id}`) }),
  'AWS::Scheduler::Schedule': (id) => ({ Ref: id }),
  'AWS::CloudWatch::Alarm': (id, account) => ({ Ref: id, Arn: arn('cloudwatch', account, `alarm:${id}`) }),
  'AWS::Logs::MetricFilter': (id) => ({ Ref: id }),
  'AWS::SNS::Topic': (id, account) => ({
    Ref: arn('sns', account, id),
    TopicArn: arn('sns', account, id),
    TopicName: id,
  }),
};

/** Types with nothing to run: permissions, logs, subscriptions. They have only a name and an ARN. */
const IGNORED = new Set([
  'AWS::CDK::Metadata',
  'AWS::CloudWatch::Dashboard',
  'AWS::Glue::Database',
  'AWS::Glue::Table',
  'AWS::IAM::Policy',
  'AWS::IAM::Role',
  'AWS::Lambda::EventInvokeConfig',
  'AWS::Lambda::Permission',
  'AWS::Logs::LogGroup',
  'AWS::Logs::SubscriptionFilter',
  'AWS::S3::BucketPolicy',
  'AWS::SNS::Subscription',
  'AWS::SNS::TopicPolicy',
  'AWS::SQS::QueuePolicy',
]);

/** Throws for the first resource that cannot be run as the template says, instead of ignoring it. */
export function requireKnownTypes(template: Template): void {
  for (const [id, { Type, Condition }] of Object.entries(template.Resources)) {
    if (Condition !== undefined) throw new Error(`the local stack does not know resources with a condition (${id})`);
    if (!(Type in RUN) && !IGNORED.has(Type)) {
      throw new Error(`the local stack does not know the resource type ${Type} (${id})`);
    }
  }
}

/** Returns `Ref` (attribute name `Ref`) or `Fn::GetAtt` of a resource. */
export function attributeOf(logicalId: string, resource: Resource, name: string, account: LocalAccount): string {
  const attributes = RUN[resource.Type]?.(logicalId, account) ?? {
    Ref: logicalId,
    Arn: arn(resource.Type.split('::')[1]?.toLowerCase() ?? '', account, logicalId),
  };
  const value = attributes[name];
  if (value === undefined) {
    throw new Error(`the local stack does not know the attribute ${name} of ${resource.Type} (${logicalId})`);
  }
  return value;
}

/** Returns the resources of one type as [logical id, resource]. */
export function resourcesOfType(template: Template, type: string): [string, Resource][] {
  return Object.entries(template.Resources).filter(([, resource]) => resource.Type === type);
}

/** Returns the logical id at the end of a function's ARN or name. */
export function functionIdOf(arnOrName: string): string {
  return arnOrName.split(':').at(-1) ?? '';
}

/** Returns a lookup of a table's key attribute names. */
export function keyNamesOf(template: Template): (tableName: string) => string[] {
  const tables = new Map(resourcesOfType(template, 'AWS::DynamoDB::Table'));
  return (tableName) => {
    const schema = tables.get(tableName)?.Properties?.KeySchema as { AttributeName: string }[] | undefined;
    return (schema ?? []).map(({ AttributeName }) => AttributeName);
  };
}

/** A global secondary index. */
export interface TableIndex {
  readonly name: string;
  /** Only items with all of these attributes are in the index. */
  readonly keyNames: readonly string[];
}

/** Returns a lookup of a table's indexes. */
export function indexesOf(template: Template): (tableName: string) => TableIndex[] {
  const tables = new Map(resourcesOfType(template, 'AWS::DynamoDB::Table'));
  return (tableName) => {
    const indexes = tables.get(tableName)?.Properties?.GlobalSecondaryIndexes as
      | { IndexName: string; KeySchema: { AttributeName: string }[] }[]
      | undefined;
    return (indexes ?? []).map(({ IndexName, KeySchema }) => ({
      name: IndexName,
      keyNames: KeySchema.map(({ AttributeName }) => AttributeName),
    }));
  };
}

/** Returns a resource's short name, from its construct path: `<stack>/ReadApi/Function/Resource` is `read-api`. */
export function shortName(logicalId: string, resource: Resource): string {
  const path = resource.Metadata?.['aws:cdk:path'];
  if (typeof path !== 'string') return logicalId;
  const [, ...names] = path.split('/').filter((name) => name !== 'Resource');
  if (names.length > 1 && names.at(-1) === 'Function') names.pop();
  return names.map((name) => name.replaceAll(/(?<=[a-z0-9])(?=[A-Z])/g, '-').toLowerCase()).join('-');
}

function arn(service: string, { region, accountId }: LocalAccount, resource: string): string {
  return `arn:aws:${service}:${region}:${accountId}:${resource}`;
}
