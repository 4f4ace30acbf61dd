import {
  parseReceiverSecrets,
  rotatedSecrets,
  signingSecrets,
} from '../../../../../lambdas/domain/publishing/receiver-secret.ts';

const NOW = 1_790_000_000_000;

test('both secrets sign until the overlap ends, then only the new one', () => {
  const rotated = parseReceiverSecrets(JSON.stringify(rotatedSecrets({ current: 'old' }, 'new', NOW, 1000)));

  expect(signingSecrets(rotated, NOW)).toEqual(['new', 'old']);
  expect(signingSecrets(rotated, NOW + 999)).toEqual(['new', 'old']);
  expect(signingSecrets(rotated, NOW + 1000)).toEqual(['new']);
});

test.each(['', '[]', '{}', '{"current":""}', '{"current":7}', 'whsec_secret'])(
  'a receiver secret that is %s is refused without a quote',
  (text) => {
    expect(() => parseReceiverSecrets(text)).toThrow(
      "the receiver's secret is not a JSON object with a current secret",
    );
  },
);
