import {
  fitsQueue,
  isToBeSent,
  MAX_REQUEUES,
  maySend,
  waitSeconds,
} from '../../../../../lambdas/domain/ledger/requeue.ts';
import { openLimitSeconds } from '../../../../../lib/config/derived-defaults.ts';

const NOW = { nowMs: 1_000_000, everySeconds: 900 };

test.each([
  ['that was never sent is sent', undefined, false, true],
  ['waits until the queue has had half a period', { sends: 1, sentAtMs: 550_001 }, false, false],
  ['is sent again after half a period', { sends: 1, sentAtMs: 550_000 }, false, true],
  ['is sent again at once by a run that waits for nothing', { sends: 1, sentAtMs: 999_999 }, true, true],
  ['has one send left after all but one', { sends: MAX_REQUEUES - 1, sentAtMs: 0 }, false, true],
  ['is stuck after the last send, waits or none', { sends: MAX_REQUEUES, sentAtMs: 0 }, true, false],
])('a missing event %s', (_, before, ignoreWaits, isSent) => {
  expect(isToBeSent(before, { ...NOW, ignoreWaits })).toBe(isSent);
});

test.each([
  ['an event of a megabyte, encoded', { text: 'é'.repeat(166_664) }, true],
  ['one that is larger once it is encoded', { text: 'é'.repeat(166_668) }, false],
])('the queue carries %s: %#', (_, event, fits) => {
  expect(fitsQueue(event)).toBe(fits);
});

test('the waits between requeues double, and the alarm allows longer than all of them', () => {
  const waits = [1, 2, 3, 4, 5, 6].map((sends) => waitSeconds(sends, 900) / 60);
  expect(waits).toEqual([15, 30, 60, 120, 240, 240]);
  const all = Array.from({ length: MAX_REQUEUES }, (_, sends) => waitSeconds(sends + 1, 900));
  const choice = { limits: {}, times: { everySeconds: 900, retentionSeconds: 86_400 } };
  expect(openLimitSeconds(choice)).toBeGreaterThan(all.reduce((sum, wait) => sum + wait, 0));
});

test.each([
  [50, false, true],
  [51, false, false],
  [0, true, true],
  [1, true, false],
])('with %i messages in the queue and events sent before (%p), maySend returns %p', (messages, sentBefore, may) => {
  expect(maySend(messages, 50, sentBefore)).toBe(may);
});
