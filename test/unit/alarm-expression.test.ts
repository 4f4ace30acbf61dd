import { expect, test } from '@jest/globals';
import { idsIn } from '../../lib/checks/alarm-expression.ts';

test.each<[expression: string, ids: string[]]>([
  ['errors', ['errors']],
  ['IF(FILL(ack, 0) > 0, 0, FILL(unauthorized,0))', ['ack', 'unauthorized']],
  ['100 * FILL(a, 0) / (FILL(a, 0) + FILL(b, 0)) - 0.5', ['a', 'b']],
  ['a > 1 AND b <= 2 OR (c == 3 AND d < 4)', ['a', 'b', 'c', 'd']],
  ['IF(a >= 200, IF(b, 1, 0), 0)', ['a', 'b']],
])('%s reads its metrics', (expression, ids) => {
  expect([...(idsIn(expression) ?? [])]).toEqual(ids);
});

test.each([
  '',
  'RATE(m)',
  'SUM([a, b])',
  'FILL(m, REPEAT)',
  'FILL(m, 1)',
  'FILL(1, 0)',
  'IF(a, 1)',
  'm + M',
  'a !',
  'a != b',
  'a b',
  '(a',
  'a)',
  'a +',
  '-a',
  "SEARCH('{MailgunLedger}')",
  'a AND',
  'IFa(1, 2, 3)',
])('%s is not plain', (expression) => {
  expect(idsIn(expression)).toBeUndefined();
});
