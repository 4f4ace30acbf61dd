import { keyFingerprint } from '../../../../lambdas/domain/webhooks/signature.ts';
import { createVerificationLog } from '../../../../lambdas/ingest/verification-log.ts';

test('verification by the current key is logged every ten minutes, by any other key for each webhook', () => {
  let nowMs = 0;
  const lines: unknown[] = [];
  const note = createVerificationLog({ write: (message, facts) => lines.push([message, facts]) }, () => nowMs);
  const current = (key: string) => ['webhooks verified by the current key', { fingerprint: keyFingerprint(key) }];
  const previous = ['webhook verified by another key', { key: 'previous', fingerprint: keyFingerprint('old') }];

  for (const atMs of [0, 1, 599_999, 600_000]) {
    nowMs = atMs;
    note('current', 'new');
    note('previous', 'old');
  }
  note('current', 'newer');

  expect(lines).toEqual([current('new'), previous, previous, previous, current('new'), previous, current('newer')]);
});
