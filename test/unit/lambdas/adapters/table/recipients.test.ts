import { olderRecipientKeys } from '../../../../../lambdas/adapters/table/recipients.ts';

const COMPOSED = 'jos\u00e9@b\u00fccher.example';
const DECOMPOSED = 'jose\u0301@bu\u0308cher.example';
const ON_THE_WIRE = 'jos\u00e9@xn--bcher-kva.example';

test.each([
  ['composed', COMPOSED],
  ['decomposed', DECOMPOSED],
  ['Punycode', ON_THE_WIRE],
  ['upper case', COMPOSED.toUpperCase()],
  ['display name', `Jos\u00e9 <${COMPOSED}>`],
])('the %s spelling leads to every key of an older version, and not to the current one', (_, recipient) => {
  const keys = olderRecipientKeys(recipient);

  expect(keys).toEqual(expect.arrayContaining([COMPOSED, DECOMPOSED]));
  expect(keys).not.toContain(ON_THE_WIRE);
});

test('a Unicode domain is found by an ASCII spelling of it', () => {
  expect(olderRecipientKeys('ada@xn--bcher-kva.example')).toContain('ada@b\u00fccher.example');
});

test.each(['ada@example.org', 'Ada+News@Example.ORG', 'no address', '', '@'])('%j was always one key', (recipient) => {
  expect(olderRecipientKeys(recipient)).toEqual([]);
});
