import { ReconcileRuns } from '../../../../../tools/local-ledger/controls/reconcile-runs.ts';
import { reconcileOverlay, USUAL_RECONCILE } from '../../../../../tools/local-ledger/options/reconcile-choice.ts';
import type { InvocationResult } from '../../../../../tools/local-stack/functions/function-sandbox.ts';

const RESULT = { slices: 2, expected: 9, missing: 3, sent: 3, open: 1, done: true };
const done: InvocationResult = { ok: true, payload: JSON.stringify(RESULT) };

test('a manual run waits for the current one, ignores the waits, and returns its result', async () => {
  const events: string[] = [];
  const first = Promise.withResolvers<InvocationResult>();
  const runs = new ReconcileRuns({
    invoke: (event) => {
      events.push(event);
      return events.length === 1 ? first.promise : Promise.resolve(done);
    },
  });
  const scheduled = runs.run('{}');

  const byHand = runs.byHand();
  await Promise.resolve();
  expect(events).toEqual(['{}']);
  first.resolve(done);

  expect(await byHand).toEqual(RESULT);
  await scheduled;
  expect(events).toEqual(['{}', '{"ignoreWaits":true}']);
  expect(runs.sums()).toEqual({ runs: 2, slices: 4, missing: 6, sent: 6 });
});

test('a failed run is an error, and is not counted', async () => {
  const runs = new ReconcileRuns({ invoke: async () => ({ ok: false, error: 'out of time', timedOut: true }) });

  await expect(runs.byHand()).rejects.toThrow('reconcile failed: out of time');
  expect(runs.sums().runs).toBe(0);
});

test.each([
  { name: 'the twin', choice: {}, url: 'http://twin', from: 1_790_000_000 },
  { name: 'the twin, from a time', choice: { fromEpochSeconds: 7 }, url: 'http://twin', from: 7 },
  { name: 'another Mailgun', choice: { mailgunUrl: 'http://other' }, url: 'http://other', from: undefined },
])('with $name the ledger starts where it can be complete', ({ choice, url, from }) => {
  const overlay = reconcileOverlay(
    { ...USUAL_RECONCILE, ...choice },
    { twinUrl: 'http://twin', startEpochSeconds: 1_790_000_000 },
  );

  expect([overlay.mailgunUrl, overlay.fromEpochSeconds]).toEqual([url, from]);
});
