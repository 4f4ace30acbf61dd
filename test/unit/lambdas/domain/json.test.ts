import { parseJson } from '../../../../lambdas/domain/json.ts';

test.each([
  ['a 64-bit number', '{"id":9007199254740993}', { id: '9007199254740993' }],
  ['a negative one', '[-9223372036854775808]', ['-9223372036854775808']],
  [
    'one inside of a list inside of an object',
    '{"a":[{"b":18446744073709551615}]}',
    { a: [{ b: '18446744073709551615' }] },
  ],
  ['a number beyond all', '[1e400]', ['1e400']],
])('parsing %s keeps every digit, as text', (_name, text, expected) => {
  expect(parseJson(text)).toEqual(expected);
});

test.each([
  ['the greatest exact number', '[9007199254740991]', [9007199254740991]],
  ['a great number that is exact', '[-9007199254740992]', [-9007199254740992]],
  ['digits inside of a text', '["9007199254740993"]', ['9007199254740993']],
  ['a fraction', '[1770146431.6585283456]', [Number('1770146431.6585283456')]],
  ['an ordinary exponent', '[1e21, 12]', [1e21, 12]],
  [
    'an ordinary event',
    '{"timestamp":1770146431.658,"a":null,"b":true}',
    { timestamp: 1770146431.658, a: null, b: true },
  ],
])('parsing %s keeps its type', (_name, text, expected) => {
  expect(parseJson(text)).toEqual(expected);
});

test('parsing invalid JSON throws', () => {
  expect(() => parseJson('{"a":9007199254740993')).toThrow(SyntaxError);
  expect(() => parseJson('')).toThrow(SyntaxError);
});

test('parsing keeps a key named __proto__', () => {
  const parsed = parseJson('{"__proto__":9007199254740993}');
  expect(Object.entries(parsed as object)).toEqual([['__proto__', '9007199254740993']]);
});
