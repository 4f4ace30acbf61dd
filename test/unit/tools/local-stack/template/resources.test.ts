import {
  attributeOf,
  type LocalAccount,
  requireKnownTypes,
  shortName,
} from '../../../../../tools/local-stack/template/resources.ts';

const PLACE: LocalAccount = {
  region: 'eu-west-1',
  accountId: '000000000000',
  awsEndpointUrl: 'http://127.0.0.1:1',
  apiUrl: () => 'http://127.0.0.1:2',
};

test.each([
  { type: 'AWS::SQS::Queue', attribute: 'Ref', value: 'http://127.0.0.1:1/000000000000/Id' },
  { type: 'AWS::SQS::Queue', attribute: 'Arn', value: 'arn:aws:sqs:eu-west-1:000000000000:Id' },
  { type: 'AWS::DynamoDB::Table', attribute: 'Ref', value: 'Id' },
  {
    type: 'AWS::SecretsManager::Secret',
    attribute: 'Ref',
    value: 'arn:aws:secretsmanager:eu-west-1:000000000000:secret:Id',
  },
  { type: 'AWS::Lambda::Function', attribute: 'Arn', value: 'arn:aws:lambda:eu-west-1:000000000000:function:Id' },
  { type: 'AWS::ApiGatewayV2::Api', attribute: 'ApiEndpoint', value: 'http://127.0.0.1:2' },
  { type: 'AWS::S3::Bucket', attribute: 'Ref', value: 'id' },
  { type: 'AWS::KMS::Key', attribute: 'Arn', value: 'arn:aws:kms:eu-west-1:000000000000:key/Id' },
  { type: 'AWS::IAM::Role', attribute: 'Arn', value: 'arn:aws:iam:eu-west-1:000000000000:Id' },
])('$attribute of $type', ({ type, attribute, value }) => {
  expect(attributeOf('Id', { Type: type }, attribute, PLACE)).toBe(value);
});

test('an unknown attribute of a resource is an error that names it', () => {
  expect(() => attributeOf('Id', { Type: 'AWS::SQS::Queue' }, 'Colour', PLACE)).toThrow(
    'does not know the attribute Colour of AWS::SQS::Queue (Id)',
  );
});

test('a resource type that is neither run nor ignored on purpose is an error', () => {
  expect(() => requireKnownTypes({ Resources: { Bus: { Type: 'AWS::Events::EventBus' } } })).toThrow(
    'does not know the resource type AWS::Events::EventBus (Bus)',
  );
});

test('a resource with a condition is an error', () => {
  const Queue = { Type: 'AWS::SQS::Queue', Condition: 'Maybe' };

  expect(() => requireKnownTypes({ Resources: { Queue } })).toThrow('resources with a condition (Queue)');
});

test.each([
  { path: 'ledger-dev/Ingest/Function/Resource', name: 'ingest' },
  { path: 'ledger-dev/ReadApi/Function/Resource', name: 'read-api' },
  { path: 'ledger-dev/WebhookApi/Http/Api/Resource', name: 'webhook-api-http-api' },
  { path: 'ledger-dev/Function/Resource', name: 'function' },
])('$path is called $name', ({ path, name }) => {
  expect(shortName('Id', { Type: 'any', Metadata: { 'aws:cdk:path': path } })).toBe(name);
});

test('a resource without a path is called by its id', () => {
  expect(shortName('Id', { Type: 'any' })).toBe('Id');
});
