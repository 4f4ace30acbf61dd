import { type SealResult, sealAll } from '../../../../../tools/local-ledger/controls/seal-runs.ts';
import { createVirtualClock } from '../../../../support/doubles/virtual-clock.ts';

const BUSY: SealResult = { sealed: 0, rows: 0, done: false };

/** Returns a run with these results in turn; the last one repeats. */
function sealing(...results: (SealResult | Error)[]) {
  const { clock, runUntil } = createVirtualClock(0);
  let runs = 0;
  const seal = async () => {
    const result = results[Math.min(runs++, results.length - 1)]!;
    if (result instanceof Error) throw result;
    return result;
  };
  return { sealed: runUntil(sealAll(seal, clock)), runs: () => runs };
}

test('sealing takes one run if it finishes in time', async () => {
  const { sealed, runs } = sealing({ sealed: 5, rows: 180, done: true });

  expect(await sealed).toEqual({ sealed: 5, rows: 180, done: true });
  expect(runs()).toBe(1);
});

test('sealing is repeated and summed after a held lease, a failure or an unfinished run', async () => {
  const { sealed } = sealing(
    BUSY,
    new Error('seal failed: out of time'),
    { sealed: 3, rows: 90, done: false },
    {
      sealed: 2,
      rows: 95,
      done: true,
    },
  );

  expect(await sealed).toEqual({ sealed: 5, rows: 185, done: true });
});

test('sealing waits for a held lease for a limited time', async () => {
  const { sealed, runs } = sealing(BUSY);

  expect(await sealed).toEqual(BUSY);
  expect(runs()).toBeGreaterThan(120);
});

test('sealing that fails every time is an error', async () => {
  await expect(sealing(new Error('seal failed: no bucket')).sealed).rejects.toThrow('seal failed: no bucket');
});
