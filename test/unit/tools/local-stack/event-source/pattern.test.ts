import { matches, requireKnownPattern } from '../../../../../tools/local-stack/event-source/pattern.ts';

const EVENT = {
  kind: 'INSERT',
  dynamodb: { Keys: { pk: { S: 'SUP#a' } }, NewImage: { order: { S: '1' } } },
  none: null,
};

describe('a pattern', () => {
  test.each([
    { name: 'one of several values', pattern: { kind: ['MODIFY', 'INSERT'] }, is: true },
    { name: 'none of several values', pattern: { kind: ['REMOVE'] }, is: false },
    { name: 'a prefix', pattern: { dynamodb: { Keys: { pk: { S: [{ prefix: 'SUP#' }] } } } }, is: true },
    { name: 'another prefix', pattern: { dynamodb: { Keys: { pk: { S: [{ prefix: 'MSG#' }] } } } }, is: false },
    { name: 'a suffix', pattern: { kind: [{ suffix: 'ERT' }] }, is: true },
    { name: 'what is there', pattern: { dynamodb: { NewImage: { order: { S: [{ exists: true }] } } } }, is: true },
    { name: 'what is not there', pattern: { dynamodb: { OldImage: { order: { S: [{ exists: true }] } } } }, is: false },
    { name: 'absence', pattern: { other: [{ exists: false }] }, is: true },
    { name: 'null', pattern: { none: [null] }, is: true },
    { name: 'null where there is nothing', pattern: { other: [null] }, is: false },
    { name: 'anything but', pattern: { kind: [{ 'anything-but': ['REMOVE'] }] }, is: true },
    { name: 'anything but itself', pattern: { kind: [{ 'anything-but': 'INSERT' }] }, is: false },
    { name: 'every field', pattern: { kind: ['INSERT'], other: ['x'] }, is: false },
    { name: 'nothing at all', pattern: {}, is: true },
  ])('of $name: $is', ({ pattern, is }) => {
    expect(matches(pattern, EVENT)).toBe(is);
  });

  test.each([
    [{ kind: [{ numeric: ['>', 5] }] }],
    [{ dynamodb: { Keys: { pk: [{ wildcard: 'SUP*' }] } } }],
    [{ kind: [{ prefix: 'a', suffix: 'b' }] }],
  ])('with unknown operators is refused: %j', (pattern) => {
    expect(() => requireKnownPattern(pattern, 'Source')).toThrow('the local stack does not know the pattern');
  });

  test('that is not an object is refused', () => {
    expect(() => requireKnownPattern({ kind: 'INSERT' }, 'Source')).toThrow('a pattern is an object');
  });
});
