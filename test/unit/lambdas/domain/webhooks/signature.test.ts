import { claimKey, isFresh, signedBy } from '../../../../../lambdas/domain/webhooks/signature.ts';

// Known results, computed with Python's hmac and hashlib.
const TOKEN = 'a'.repeat(50);
const BY_CURRENT = '0ff8da0d08532f2603080052ff54a703c86895a3b59c12d2d3bf859d25e29b4d';
const BY_PREVIOUS = 'b2a872aa636ab70375e9771614a14eb1137d40b639d44a80a9318a48c686eae6';
const BY_PARENT = 'c013e3534d949bc27b079150d41671a6d8d12c42c738f9bda5e6b07d295832b9';
const BY_THE_EMPTY_KEY = '440e40f7f70f882a036419b680c50c59e0af70926ea6b29368ed7f8630d46a30';
const KEYS = { current: 'key-current-0001', previous: 'key-previous-0001', parent: 'key-parent-0001' };
const block = { timestamp: '1770000000', token: TOKEN, signature: BY_CURRENT };

test.each([
  ['the current key', block, KEYS, 'current'],
  ['the previous key', { ...block, signature: BY_PREVIOUS }, KEYS, 'previous'],
  [
    'the parent key over parent-signature',
    { ...block, signature: '0'.repeat(64), parentSignature: BY_PARENT },
    KEYS,
    'parent',
  ],
  ['the previous key alone', { ...block, signature: BY_PREVIOUS }, { previous: 'key-previous-0001' }, 'previous'],
  [
    'another token and time',
    {
      timestamp: '1769999999',
      token: '0123456789'.repeat(5),
      signature: 'a7177634fe7042f996eba8308a6c06d916affbf122a8f2b9a306e119fa30579b',
    },
    KEYS,
    'current',
  ],
  ['the parent key over signature', { ...block, signature: BY_PARENT }, KEYS, undefined],
  [
    'the current key over parent-signature',
    { ...block, signature: '0'.repeat(64), parentSignature: BY_CURRENT },
    KEYS,
    undefined,
  ],
  ['a key that is not configured', { ...block, signature: BY_PREVIOUS }, { current: 'key-current-0001' }, undefined],
  ['no key', block, {}, undefined],
  ['a blank key', { ...block, signature: BY_THE_EMPTY_KEY }, { current: '' }, undefined],
  [
    'an empty token, though well signed',
    { ...block, token: '', signature: '921bad001d3e5aca8e058c2087c61b13081baace627e19a5cd92cea1fe269d2f' },
    KEYS,
    undefined,
  ],
  [
    'eleven digits, though well signed',
    {
      ...block,
      timestamp: '11770000000',
      signature: 'b94545675092cb45d65600fc5f69cab1d856d0da88bb42b915301cfd887a43e5',
    },
    KEYS,
    undefined,
  ],
  [
    'nine digits, though well signed',
    { ...block, timestamp: '177000000', signature: '81293b115957e54295f048da816dc57607bc278062389a6a87f1b1631e0e1c44' },
    KEYS,
    undefined,
  ],
  ['upper-case hex', { ...block, signature: BY_CURRENT.toUpperCase() }, KEYS, undefined],
  ['63 digits', { ...block, signature: BY_CURRENT.slice(1) }, KEYS, undefined],
  ['65 digits', { ...block, signature: `${BY_CURRENT}0` }, KEYS, undefined],
  ['a newline after the digits', { ...block, signature: `${BY_CURRENT}\n` }, KEYS, undefined],
  ['an empty signature', { ...block, signature: '' }, KEYS, undefined],
  ['another timestamp', { ...block, timestamp: '1770000001' }, KEYS, undefined],
  ['another token', { ...block, token: `${TOKEN}a` }, KEYS, undefined],
  ['an empty token', { ...block, token: '' }, KEYS, undefined],
  ['a moved cut', { ...block, timestamp: '1770000000a', token: TOKEN.slice(1) }, KEYS, undefined],
  ['a padded timestamp', { ...block, timestamp: ' 1770000000' }, KEYS, undefined],
])('signedBy: %s', (_name, signature, keys, expected) => {
  expect(signedBy(signature, keys)).toBe(expected);
});

test.each([
  ['exactly 24 h old', 86_400, true],
  ['24 h and 1 s old', 86_401, false],
  ['just signed', 0, true],
  ['10 min ahead', -600, true],
  ['10 min and 1 s ahead', -601, false],
])('isFresh: %s', (_name, ageSeconds, expected) => {
  expect(isFresh('1770000000', (1_770_000_000 + ageSeconds) * 1000, 86_400, 600)).toBe(expected);
});

test('claimKey is the same however timestamp and token are cut apart', () => {
  expect(claimKey(block)).toBe('aa606a56a907cf194b522f4f68865f61b38ca3e47609f8a919ea6ba13bae7174');
  expect(claimKey({ ...block, timestamp: '1770000000a', token: TOKEN.slice(1) })).toBe(claimKey(block));
});
