import { indexChanges, refuseIndexChanges } from '../../../../lib/checks/refuse-index-changes.ts';

const index = (IndexName: string, key = IndexName) => ({ IndexName, KeySchema: [{ AttributeName: key }] });
const table = (...GlobalSecondaryIndexes: object[]) =>
  ({ Resources: { Table: { Type: 'AWS::DynamoDB::Table', Properties: { GlobalSecondaryIndexes } } } }) as never;
const without = { Resources: { Table: { Type: 'AWS::DynamoDB::Table', Properties: {} } } };

test.each([
  ['as it was', table(index('a'), index('b')), table(index('b'), index('a')), []],
  ['one more', table(index('a')), table(index('a'), index('b')), ['+ b']],
  ['one less', table(index('a'), index('b')), table(index('b')), ['- a']],
  ['two more', table(index('a')), table(index('a'), index('b'), index('c')), ['+ b', '+ c']],
  ['another in its place', table(index('a')), table(index('b')), ['- a', '+ b']],
  ['under another key', table(index('a', 'x')), table(index('a', 'y')), ['- a', '+ a']],
  ['the first', without, table(index('a')), ['+ a']],
  ['the last', table(index('a')), without, ['- a']],
  ['a new table', {}, table(index('a'), index('b')), []],
  ['no table any more', table(index('a'), index('b')), { Resources: {} }, []],
])('a table with %s', (_, before, after, changes) => {
  expect(indexChanges(before, after)).toEqual(changes);
  expect(refuseIndexChanges(changes)).toHaveLength(changes.length > 1 ? 1 : 0);
});
