import { createSignature, sign } from '../../../../../tools/mailgun-twin/webhooks/signature.ts';

// Computed with another program: printf '%s' <timestamp><token> | openssl dgst -sha256 -hmac <key>
const PARTS = { timestamp: '1790000000', token: '0123456789abcdef0123456789abcdef0123456789abcdef01' };
const VECTORS = [
  ['key-example-of-a-twin-0123456789ab', 'c60dd9b1514b1c5bcdb0887eaada04c52273d20eee4e6a834a07bcba0c63b308'],
  ['key-of-the-primary-account-987654', 'c554dad32298498cb238918cfe4e8f05b2799b9e0bc2d484c2bad1487e0763bb'],
] as const;

test.each(VECTORS)('sign(%s, …) returns the known HMAC', (key, signature) => {
  expect(sign(key, PARTS)).toBe(signature);
});

test('a primary account signs once', () => {
  expect(createSignature({ signing: VECTORS[0][0] }, PARTS)).toEqual({ ...PARTS, signature: VECTORS[0][1] });
});

test('a subaccount signs with its own key and with that of its parent', () => {
  expect(createSignature({ signing: VECTORS[0][0], parent: VECTORS[1][0] }, PARTS)).toEqual({
    ...PARTS,
    signature: VECTORS[0][1],
    'parent-signature': VECTORS[1][1],
  });
});
