import { canBeTyped } from '../../../../lambdas/domain/shell-word.ts';

test('a name with control characters cannot be typed in a shell', () => {
  expect(canBeTyped('ada@example.com')).toBe(true);
  for (const sign of ['\n', '\r', '\u001b', '\u0085', '\u202e']) expect(canBeTyped(`a${sign}b`)).toBe(false);
});
