import { createResolver, type Template } from '../../../../../tools/local-stack/template/template.ts';

const TEMPLATE: Template = {
  Resources: {
    Queue: { Type: 'AWS::SQS::Queue' },
    Table: { Type: 'AWS::DynamoDB::Table' },
  },
  Parameters: { Stage: { Default: 'dev' }, Asked: {} },
  Conditions: {
    IsDev: { 'Fn::Equals': [{ Ref: 'Stage' }, 'dev'] },
    IsProd: { 'Fn::Not': [{ Condition: 'IsDev' }] },
    Both: { 'Fn::And': [{ Condition: 'IsDev' }, { Condition: 'IsProd' }] },
    Either: { 'Fn::Or': [{ Condition: 'IsDev' }, { Condition: 'IsProd' }] },
  },
  Mappings: { Sizes: { dev: { memory: 512 } } },
};

const resolve = createResolver(TEMPLATE, {
  pseudoParameters: { 'AWS::Region': 'eu-west-1', 'AWS::AccountId': '000000000000' },
  attribute: (id, name) => `<${id}.${name}>`,
});

test.each([
  { name: 'a literal', value: 'x', result: 'x' },
  { name: 'Ref of a resource', value: { Ref: 'Queue' }, result: '<Queue.Ref>' },
  { name: 'Ref of a pseudo parameter', value: { Ref: 'AWS::Region' }, result: 'eu-west-1' },
  { name: 'Ref of a parameter with a default', value: { Ref: 'Stage' }, result: 'dev' },
  { name: 'Fn::GetAtt as a list', value: { 'Fn::GetAtt': ['Queue', 'Arn'] }, result: '<Queue.Arn>' },
  { name: 'Fn::GetAtt as a text', value: { 'Fn::GetAtt': 'Queue.Arn' }, result: '<Queue.Arn>' },
  { name: 'Fn::Join', value: { 'Fn::Join': ['/', ['a', { Ref: 'Table' }, 7]] }, result: 'a/<Table.Ref>/7' },
  {
    name: 'Fn::Sub with resource, attribute, pseudo parameter and literal',
    value: { 'Fn::Sub': `\${Queue}|\${Queue.Arn}|\${AWS::Region}|\${!Kept}` },
    result: `<Queue.Ref>|<Queue.Arn>|eu-west-1|\${Kept}`,
  },
  { name: 'Fn::Sub with own names', value: { 'Fn::Sub': [`\${X}`, { X: { Ref: 'Stage' } }] }, result: 'dev' },
  { name: 'Fn::Select of Fn::Split', value: { 'Fn::Select': [1, { 'Fn::Split': [':', 'a:b:c'] }] }, result: 'b' },
  { name: 'Fn::If that holds', value: { 'Fn::If': ['IsDev', 1, { 'Fn::Unknown': 1 }] }, result: 1 },
  { name: 'Fn::If that does not hold', value: { 'Fn::If': ['IsProd', { 'Fn::Unknown': 1 }, 2] }, result: 2 },
  { name: 'Fn::And', value: { 'Fn::If': ['Both', 1, 2] }, result: 2 },
  { name: 'Fn::Or', value: { 'Fn::If': ['Either', 1, 2] }, result: 1 },
  { name: 'Fn::FindInMap', value: { 'Fn::FindInMap': ['Sizes', { Ref: 'Stage' }, 'memory'] }, result: 512 },
  {
    name: 'AWS::NoValue leaves out a property and an item',
    value: { a: { Ref: 'AWS::NoValue' }, b: [1, { 'Fn::If': ['IsProd', 1, { Ref: 'AWS::NoValue' }] }] },
    result: { b: [1] },
  },
  { name: 'an object with one ordinary key', value: { Refuse: ['x'] }, result: { Refuse: ['x'] } },
])('resolves $name', ({ value, result }) => {
  expect(resolve(value, 'here')).toEqual(result);
});

describe('the error names what cannot be resolved and where:', () => {
  test.each([
    {
      name: 'an unknown intrinsic',
      value: { a: [{ 'Fn::Cidr': [] }] },
      error: 'here/a/0: the local stack does not know',
    },
    { name: 'an unknown name', value: { Ref: 'Nobody' }, error: 'here/Ref: the template holds nothing called Nobody' },
    { name: 'an unknown resource', value: { 'Fn::GetAtt': ['Nobody', 'Arn'] }, error: 'holds no resource Nobody' },
    { name: 'an unknown name in a text', value: { 'Fn::Sub': `\${Nobody}` }, error: 'nothing called Nobody' },
    { name: 'a parameter without default', value: { Ref: 'Asked' }, error: 'the parameter Asked has no default' },
    { name: 'an unknown condition', value: { 'Fn::If': ['Maybe', 1, 2] }, error: 'no condition Maybe' },
    { name: 'a list in a join', value: { 'Fn::Join': ['', [['a']]] }, error: 'here/Fn::Join: expected a text' },
    { name: 'an item beyond the end', value: { 'Fn::Select': [2, ['a']] }, error: 'there is no item 2' },
  ])('$name', ({ value, error }) => {
    expect(() => resolve(value, 'here')).toThrow(error);
  });
});
