import { canBeTyped } from '../../../../lambdas/domain/shell-word.ts';

test('quoting a name with control characters is refused', () => {
  expect(canBeTyped('ada@example.com')).toBe(true);
  for (const sign of ['\n', '\r', '\u001b', '\u0085', '\u202e']) expect(canBeTyped(`a${sign}b`)).toBe(false);
});
