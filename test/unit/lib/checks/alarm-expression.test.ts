import { type Expression, ExpressionError, idsIn, parseExpression } from '../../../../lib/checks/alarm-expression.ts';

test.each<[expression: string, ids: string[]]>([
  ['errors', ['errors']],
  ['IF(FILL(ack, 0) > 0, 0, FILL(unauthorized,0))', ['ack', 'unauthorized']],
  ['100 * FILL(a, 0) / (FILL(a, 0) + FILL(b, 0)) - 0.5', ['a', 'b']],
  ['a > 1 AND b <= 2 OR (c == 3 AND d < 4)', ['a', 'b', 'c', 'd']],
  ['IF(a >= 200, IF(b, 1, 0), 0)', ['a', 'b']],
])('idsIn returns the metrics that %s reads', (expression, ids) => {
  expect([...idsIn(parseExpression(expression))]).toEqual(ids);
});

/** The expression with every operation in parentheses. */
function spelled(expression: Expression): string {
  if (expression.kind === 'number') return String(expression.value);
  if (expression.kind === 'binary')
    return `(${spelled(expression.left)} ${expression.operator} ${spelled(expression.right)})`;
  if (expression.kind === 'if') {
    return `IF(${[expression.condition, expression.then, expression.otherwise].map(spelled).join(', ')})`;
  }
  return expression.kind === 'filled' ? `FILL(${expression.id}, 0)` : expression.id;
}

test.each([
  ['a - b - 1', '((a - b) - 1)'],
  ['a + b * 2 / c', '(a + ((b * 2) / c))'],
  ['(a + b) * 2', '((a + b) * 2)'],
  ['a + 1 > b AND c == 0 OR d <= 1.5', '((((a + 1) > b) AND (c == 0)) OR (d <= 1.5))'],
  ['a OR b AND c', '(a OR (b AND c))'],
  ['IF(FILL(a,0)>=2,b,0)', 'IF((FILL(a, 0) >= 2), b, 0)'],
])('parseExpression reads %s as %s', (text, tree) => {
  expect(spelled(parseExpression(text))).toBe(tree);
});

test.each([
  ['', 'the end'],
  ['RATE(m)', '"RATE"'],
  ['SUM([a, b])', '"SUM"'],
  ['FILL(m, REPEAT)', '"REPEAT"'],
  ['FILL(m, 1)', '"1"'],
  ['FILL(1, 0)', '"1"'],
  ['FILL(a + 1, 0)', '"+"'],
  ['IF(a, 1)', '")"'],
  ['m + M', '"M"'],
  ['a !', '"!"'],
  ['a != b', '"!"'],
  ['a && b', '"&"'],
  ['a % 2', '"%"'],
  ['a ? 1 : 0', '"?"'],
  ['a["b"]', '"["'],
  ['a, b', '","'],
  ['"a"', '""'],
  ['a b', '"b"'],
  ['(a', 'the end'],
  ['a)', '")"'],
  ['a +', 'the end'],
  ['-a', '"-"'],
  ["SEARCH('{MailgunLedger}')", '"SEARCH"'],
  ['a AND', 'the end'],
  ['IFa(1, 2, 3)', '"IFa"'],
])('parseExpression throws an ExpressionError for %s and names %s', (text, found) => {
  const parse = () => parseExpression(text);

  expect(parse).toThrow(ExpressionError);
  expect(parse).toThrow(`"${text}" has ${found}`);
});
