import { TablePermissions } from '../../../../../tools/local-stack/aws/table-permissions.ts';
import { openStack } from '../../../../../tools/local-stack/template/stack.ts';

const TABLE = { 'Fn::GetAtt': ['Table', 'Arn'] };
const leadingKeys = (...patterns: string[]) => ({
  'ForAllValues:StringLike': { 'dynamodb:LeadingKeys': patterns },
  Null: { 'dynamodb:LeadingKeys': 'false' },
});

/** Returns the permissions of a function whose role has these statements. */
const permissionsOf = (...statements: object[]) => permissionsOfRole({}, ...statements);

/** Returns the permissions of a function whose role has these properties and statements. */
function permissionsOfRole(role: object, ...statements: object[]) {
  const metadata = { 'aws:cdk:path': 'App/Writer/Function/Resource' };
  const template = {
    Resources: {
      Table: {
        Type: 'AWS::DynamoDB::Table',
        Properties: { KeySchema: [{ AttributeName: 'pk' }, { AttributeName: 'sk' }] },
      },
      Role: { Type: 'AWS::IAM::Role', Properties: role },
      Policy: {
        Type: 'AWS::IAM::Policy',
        Properties: { PolicyDocument: { Statement: statements }, Roles: [{ Ref: 'Role' }] },
      },
      Writer: {
        Type: 'AWS::Lambda::Function',
        Metadata: metadata,
        Properties: { Role: { 'Fn::GetAtt': ['Role', 'Arn'] } },
      },
    },
  };
  const account = { region: 'us-east-1', accountId: '0', awsEndpointUrl: '', apiUrl: () => '' };
  const permissions = new TablePermissions(openStack({ template, stackName: 'App' } as never, account));
  const denial = (operation: string, request: object, caller = 'writer') =>
    permissions.denial(caller, operation, Buffer.from(JSON.stringify(request)));
  return { permissions, denial };
}

const key = (pk: string) => ({ pk: { S: pk }, sk: { S: 's' } });
const put = (pk: string) => ({ TableName: 'Table', Item: { ...key(pk), more: { N: '1' } } });
const read = (...keys: string[]) => ({ RequestItems: { Table: { Keys: keys.map(key) } } });
const allow = (Action: string | string[], Condition?: object, Resource: unknown = TABLE) => ({
  Effect: 'Allow',
  Action,
  Resource,
  ...(Condition && { Condition }),
});

test('a function may do on a table what its role allows, and is refused as by AWS otherwise', () => {
  const { denial } = permissionsOf(allow(['dynamodb:PutItem', 'dynamodb:Query'], undefined, [TABLE]));

  expect(denial('PutItem', put('a'))).toBeUndefined();
  expect(denial('GetItem', { TableName: 'Table', Key: key('a') })).toBe(
    'writer is not authorized to perform: dynamodb:GetItem on resource: arn:aws:dynamodb:us-east-1:0:table/Table ' +
      'because no identity-based policy allows the dynamodb:GetItem action',
  );
  expect(denial('PutItem', { ...put('a'), TableName: 'Other' })).toMatch(/table\/Other/);
  expect(denial('Query', { TableName: 'Table' })).toBeUndefined();
  expect(denial('Query', { TableName: 'Table', IndexName: 'byDay' })).toMatch(/table\/Table\/index\/byDay/);
});

test('leading keys limit it to partitions; of a batch each key counts, and a request without keys is refused', () => {
  const { denial } = permissionsOf(
    allow('dynamodb:PutItem', leadingKeys('CLAIM#*', 'LEDGER')),
    allow(['dynamodb:BatchGetItem', 'dynamodb:Query'], leadingKeys('ERASED#*')),
  );

  expect(denial('PutItem', put('CLAIM#1'))).toBeUndefined();
  expect(denial('PutItem', put('LEDGER'))).toBeUndefined();
  for (const pk of ['LEDGER#d', 'MSG#CLAIM#', 'CLAIM', 'claim#1', 'ERASED#1']) {
    expect(denial('PutItem', put(pk))).toMatch(/not authorized to perform: dynamodb:PutItem/);
  }
  expect(denial('BatchGetItem', read('ERASED#1', 'ERASED#2'))).toBeUndefined();
  expect(denial('BatchGetItem', read('ERASED#1', 'MSG#2'))).toMatch(/BatchGetItem/);
  expect(denial('Query', { TableName: 'Table' })).toMatch(/Query/);
});

test('it reports what was not used, by action and partition', () => {
  const { permissions, denial } = permissionsOf(
    allow(['dynamodb:PutItem', 'dynamodb:GetItem'], leadingKeys('A#*', 'B#*')),
    allow('dynamodb:Query', undefined, { 'Fn::Join': ['', [TABLE, '/index/*']] }),
  );
  denial('PutItem', put('B#1'));
  denial('GetItem', { TableName: 'Table', Key: key('C#1') });

  expect(permissions.unused()).toEqual({
    writer: ['dynamodb:PutItem A#*', 'dynamodb:GetItem A#*', 'dynamodb:GetItem B#*', 'dynamodb:Query *'],
  });
});

test('callers that are no functions of the template are not limited', () => {
  const { denial } = permissionsOf();
  expect(denial('PutItem', put('a'))).toMatch(/not authorized/);
  expect(denial('PutItem', put('a'), 'operator')).toBeUndefined();
});

test.each([
  [{ 'ForAllValues:StringLike': { 'dynamodb:LeadingKeys': ['A#*'] } }, 'dynamodb:LeadingKeys without Null'],
  [{ 'ForAllValues:StringEquals': { 'dynamodb:LeadingKeys': ['A'] } }, 'ForAllValues:StringEquals'],
  [{ 'ForAllValues:StringLike': { 'dynamodb:Attributes': ['a'] } }, 'dynamodb:Attributes'],
])(
  'a condition that it does not evaluate, or that lets requests without keys pass, is refused: %j',
  (condition, unknown) => {
    expect(() => permissionsOf(allow('dynamodb:PutItem', condition))).toThrow(
      `the local stack does not know ${unknown} of policies (Policy)`,
    );
  },
);

test.each([{ NotAction: 'dynamodb:PutItem' }, { NotResource: TABLE }])(
  'a statement by exclusion is refused: %j',
  (part) => {
    expect(() => permissionsOf({ Effect: 'Allow', ...part })).toThrow(
      `the local stack does not know ${Object.keys(part)[0]} of policies (Policy)`,
    );
  },
);

test('an action named by * is allowed, and a transaction is not judged', () => {
  expect(permissionsOf(allow('*')).denial('PutItem', put('a'))).toBeUndefined();
  const { denial } = permissionsOf(allow('dynamodb:GetItem'));
  expect(denial('TransactWriteItems', { TransactItems: [{ Put: put('a') }] })).toBeUndefined();
});

const policyOfAws = (name: string) => ({
  ManagedPolicyArns: [{ 'Fn::Join': ['', ['arn:', { Ref: 'AWS::Partition' }, `:iam::aws:policy/${name}`]] }],
});

test.each([
  { role: { Policies: [{ PolicyName: 'own' }] }, isJudged: false },
  { role: policyOfAws('AmazonDynamoDBFullAccess'), isJudged: false },
  { role: policyOfAws('service-role/AWSLambdaBasicExecutionRole'), isJudged: true },
])('a function whose rights come from more than policies of the template is not limited: %j', ({ role, isJudged }) => {
  expect(permissionsOfRole(role).denial('PutItem', put('a')) !== undefined).toBe(isJudged);
});
