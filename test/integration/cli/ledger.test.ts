import { randomUUID } from 'node:crypto';
import { readDomainLedger } from '../../../cli/ledger.ts';
import type { Deployment } from '../../../cli/target/types.ts';
import { createReconciliationStateRepository } from '../../../lambdas/adapters/table/reconciliation-state-repository.ts';
import { createSliceRepository } from '../../../lambdas/adapters/table/slice-repository.ts';
import type { Slice } from '../../../lambdas/domain/ledger/slice.ts';
import { emptyTally, slicePassed } from '../../../lambdas/domain/ledger/tally.ts';
import { stubDeployment } from '../../support/cli/command-line.ts';
import { NOW_MS } from '../../support/fixtures/webhooks.ts';
import { startTestEngines, type TestEngines } from '../../support/stacks/engines.ts';

const TIMES = { everySeconds: 900, settleSeconds: 1800, sliceSeconds: 900, retentionSeconds: 259_200 };
const HOUR = 3600;
const DAY = 24 * HOUR;
const NOW = NOW_MS / 1000;
/** A slice that began this long ago. */
const startOf = (seconds: number) => Math.floor((NOW - seconds) / 900) * 900;

let engines: TestEngines;
beforeAll(async () => {
  engines = await startTestEngines();
}, 60_000);
afterAll(() => engines?.close());

/** Writes open slices, and returns what the ledger says of their domain. */
async function ledgerOf(...open: { start: number; slice: Partial<Slice>; stuck?: number }[]) {
  const domain = `${randomUUID()}.example.com`;
  const slices = createSliceRepository(engines.table);
  const state = createReconciliationStateRepository(engines.table);
  for (const { start, slice, stuck = 0 } of open) {
    const bounds = { domain, start, end: start + 900 };
    const passed = { startedAtMs: NOW_MS, nowMs: NOW_MS, unlisted: false, isOld: false };
    await slices.write({ ...slicePassed(bounds, undefined, emptyTally(), passed), ...slice }, undefined);
    await state.putOpen(domain, { start, end: start + 900, nextAt: 1, since: 2, stuck });
  }
  const deployment = stubDeployment({
    clients: { table: engines.table.client } as Deployment['clients'],
    output: (key) => (key === 'TableName' ? engines.table.name : ''),
  });
  return readDomainLedger(deployment, domain, TIMES, NOW_MS);
}

test('what an open slice lacks is counted at any age, once', async () => {
  const recent = { start: startOf(2 * HOUR), slice: { missing: { delivered: 2 } } };
  const old = { start: startOf(9 * DAY), slice: { missing: { failed: 3 } } };

  expect(await ledgerOf(recent, old)).toMatchObject({ completeness: 'incomplete', missing: 5, openSlices: 2 });
  expect(await ledgerOf(old)).toMatchObject({ completeness: 'incomplete', missing: 3, openSlices: 1 });
});

test('slices that are short are told from those that lack events, and the first stuck one is named', async () => {
  const short = { start: startOf(9 * DAY), slice: { short: 4 } };
  const stuck = { start: startOf(3 * HOUR), slice: { missing: { delivered: 1 } }, stuck: 1 };
  const later = { start: startOf(2 * HOUR), slice: { missing: { delivered: 1 } }, stuck: 2 };

  expect(await ledgerOf(later, short, stuck)).toMatchObject({
    missing: 2,
    shortSlices: 1,
    openSlices: 3,
    stuck: 3,
    stuckFrom: stuck.start,
  });
  expect(await ledgerOf(short)).toMatchObject({ missing: 0, shortSlices: 1, stuck: 0, stuckFrom: undefined });
});
