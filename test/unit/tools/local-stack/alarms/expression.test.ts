import { compileExpression } from '../../../../../tools/local-stack/alarms/expression.ts';

type Values = Readonly<Record<string, number>>;

const computed = (text: string, values: Values, ids = ['a', 'b', 'c'].filter((id) => text.includes(id))) =>
  compileExpression(text, ids)((id) => values[id]);

test.each([
  { text: 'a', values: { a: 3 }, value: 3 },
  { text: 'a + b * 2', values: { a: 3, b: 4 }, value: 11 },
  { text: '(a + b) * 2', values: { a: 3, b: 4 }, value: 14 },
  { text: 'a - b - 1', values: { a: 9, b: 4 }, value: 4 },
  { text: '100 * a / b', values: { a: 6, b: 120 }, value: 5 },
  { text: 'a > 2', values: { a: 3 }, value: 1 },
  { text: 'a > 3', values: { a: 3 }, value: 0 },
  { text: 'a >= 3', values: { a: 3 }, value: 1 },
  { text: 'a < 3', values: { a: 3 }, value: 0 },
  { text: 'a <= 3', values: { a: 3 }, value: 1 },
  { text: 'a == 0', values: { a: 0 }, value: 1 },
  { text: 'a > 0 AND b == 0', values: { a: 1, b: 0 }, value: 1 },
  { text: 'a > 0 AND b == 0', values: { a: 1, b: 1 }, value: 0 },
  { text: 'a > 0 OR b > 0 AND c > 0', values: { a: 1, b: 0, c: 0 }, value: 1 },
  { text: '(a > 0 OR b > 0) AND c > 0', values: { a: 1, b: 0, c: 0 }, value: 0 },
  { text: 'IF(a > 199, 100 * b / a, 0)', values: { a: 200, b: 11 }, value: 5.5 },
  { text: 'IF(a > 199, 100 * b / a, 0)', values: { a: 199, b: 100 }, value: 0 },
])('$text is $value of $values', ({ text, values, value }) => {
  expect(computed(text, values as Values)).toBe(value);
});

describe('a missing value', () => {
  test.each([
    { name: 'makes arithmetic missing', text: 'a + b', values: { a: 1 }, value: undefined },
    { name: 'makes a comparison missing', text: 'a == 0', values: {}, value: undefined },
    { name: 'makes logic missing, even where one side would do', text: 'a OR b', values: { a: 1 }, value: undefined },
    { name: 'is filled', text: 'FILL(a,0) + b', values: { b: 2 }, value: 2 },
    { name: 'is filled only where it is missing', text: 'FILL(a,0)', values: { a: 7 }, value: 7 },
    { name: 'in a condition makes IF missing', text: 'IF(a, 1, 0)', values: {}, value: undefined },
    { name: 'in the branch not taken is no matter', text: 'IF(a, b, 0)', values: { a: 0 }, value: 0 },
    { name: 'is what a division by zero gives', text: 'a / b', values: { a: 1, b: 0 }, value: undefined },
  ])('$name', ({ text, values, value }) => {
    expect(computed(text, values as Values)).toBe(value);
  });
});

test.each([
  ['RATE(a)', '"RATE(a)" has "RATE"'],
  ['a + d', '"a + d" reads d, which is not a metric of the alarm'],
  ['1 + 1', '"1 + 1" reads no metric'],
])('compileExpression refuses %s', (text, says) => {
  expect(() => compileExpression(text, ['a'])).toThrow(says);
});

test('compileExpression refuses an expression that leaves a metric out', () => {
  expect(() => compileExpression('a', ['a', 'b'])).toThrow('"a" does not read the metric b');
});
