import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createDayIndexTable } from '../../lambdas/adapters/table/day-index.ts';
import { createEventRepository } from '../../lambdas/adapters/table/event-repository.ts';
import { createLeaseTable, createLedgerBookTable } from '../../lambdas/adapters/table/reconciliation-state.ts';
import { createSlicesTable } from '../../lambdas/adapters/table/slice-repository.ts';
import { createStoredEventsTable } from '../../lambdas/adapters/table/stored-events.ts';
import { identify } from '../../lambdas/domain/identity.ts';
import type { Source } from '../../lambdas/domain/queue-message.ts';
import { storedName } from '../../lambdas/domain/reconcile-ports.ts';
import { emptyTally, slicePassed } from '../../lambdas/domain/tally.ts';
import { createProcess } from '../../lambdas/process/process.ts';
import { startTestEngines, type TestEngines } from '../support/engines.ts';
import { NOBODY_ERASED } from '../support/erasures.ts';
import { deliveredEvent, NOW_MS } from '../support/webhooks.ts';

let engines: TestEngines;
beforeAll(async () => {
  engines = await startTestEngines();
}, 60_000);
afterAll(() => engines?.close());

const newDomain = () => `${randomUUID()}.example.com`;
const sliceOf = (domain: string, start: number, passes = 0) => ({
  ...slicePassed({ domain, start, end: start + 900 }, undefined, emptyTally(), { nowMs: NOW_MS, unlisted: false }),
  passes,
});

test('a slice is written only under the version that was read', async () => {
  const slices = createSlicesTable(engines.table);
  const domain = newDomain();
  const first = sliceOf(domain, 0);
  const second = { ...first, version: first.version + 1, stuck: 1 };

  expect(await slices.write(first, undefined)).toBe(true);
  expect(await slices.write({ ...first, stuck: 9 }, undefined)).toBe(false);
  expect(await slices.write(second, first)).toBe(true);
  expect(await slices.write({ ...second, version: second.version + 1 }, first)).toBe(false);
  expect(await slices.read(domain, 0)).toEqual(second);
});

test('counting a pass changes nothing else, and fails on a slice that has changed', async () => {
  const slices = createSlicesTable(engines.table);
  const domain = newDomain();
  const slice = sliceOf(domain, 900, 1);
  await slices.write(slice, undefined);

  expect(await slices.countPass(slice, 7)).toBe(true);
  expect(await slices.read(domain, 900)).toEqual({ ...slice, passes: 2, passedAt: 7 });
  expect(await slices.countPass({ ...slice, version: slice.version + 7 }, 8)).toBe(false);
});

test('slices are listed by their start, ascending, the end left out', async () => {
  const slices = createSlicesTable(engines.table);
  const domain = newDomain();
  for (const start of [1_770_000_300, 900, 99_900]) await slices.write(sliceOf(domain, start), undefined);
  const starts = async (from: number, to: number) => {
    const found = [];
    for await (const { start } of slices.list(domain, from, to)) found.push(start);
    return found;
  };
  expect(await starts(0, 2_000_000_000)).toEqual([900, 99_900, 1_770_000_300]);
  expect(await starts(900, 99_900)).toEqual([900]);
});

test('the cursor moves only from where it was read', async () => {
  const book = createLedgerBookTable(engines.table);
  const domain = newDomain();
  const [first, second] = [
    { position: 900, second: 900 },
    { position: 1800, second: 900 },
  ];
  expect(await book.readCursor(domain)).toBeUndefined();
  expect(await book.moveCursor(domain, first, undefined)).toBe(true);
  expect(await book.moveCursor(domain, { position: 5, second: 5 }, undefined)).toBe(false);
  expect(await book.moveCursor(domain, second, first)).toBe(true);
  expect(await book.moveCursor(domain, { position: 2700, second: 900 }, first)).toBe(false);
  expect(await book.readCursor(domain)).toEqual(second);
});

test('markers of open slices are kept by domain, in order, until they are dropped', async () => {
  const book = createLedgerBookTable(engines.table);
  const domain = newDomain();
  const open = (start: number) => ({ start, end: start + 900, nextAt: 1, since: 2, stuck: 0 });
  await book.putOpen(domain, open(1_770_000_300));
  await book.putOpen(domain, open(900));
  await book.putOpen(newDomain(), open(0));
  expect(await book.openSlices(domain)).toEqual([open(900), open(1_770_000_300)]);
  await book.dropOpen(domain, 900);
  expect(await book.openSlices(domain)).toEqual([open(1_770_000_300)]);
});

test('progress is what was put last, and nothing once it is dropped', async () => {
  const book = createLedgerBookTable(engines.table);
  const domain = newDomain();
  const progress = { start: 900, passes: 1, fromMs: 950_000, tally: emptyTally() };
  await book.putProgress(domain, progress);
  expect(await book.readProgress(domain)).toEqual(progress);
  await book.dropProgress(domain);
  expect(await book.readProgress(domain)).toBeUndefined();
});

test('one run holds the lease, until it lets go or its time is over', async () => {
  const lease = createLeaseTable(engines.table);
  expect(await lease.hold('a', 0, 100)).toBe(true);
  expect(await lease.hold('b', 99, 200)).toBe(false);
  expect(await lease.hold('a', 99, 200)).toBe(true);
  expect(await lease.hold('b', 200, 300)).toBe(true);
  await lease.release('a');
  expect(await lease.hold('a', 201, 300)).toBe(false);
  await lease.release('b');
  expect(await lease.hold('a', 202, 300)).toBe(true);
});

test('the day index tells what is stored, of all types and days, ascending by time', async () => {
  const domain = newDomain();
  const midnight = Date.UTC(2026, 1, 2);
  const store = async (event: string, atMs: number, source: Source) => {
    const data = deliveredEvent({ event, id: randomUUID(), timestamp: atMs / 1000, domain: { name: domain } });
    await createProcess({ records: createEventRepository(engines.table), retentionDays: 30, ...NOBODY_ERASED })({
      source,
      receivedAt: NOW_MS,
      domain,
      event: data,
    });
    return identify(data, domain);
  };
  const late = await store('opened', midnight + 5, 'webhook');
  const early = await store('delivered', midnight - 5, 'reconcile');
  const other = await store('some_new_event', midnight, 'webhook');
  const found = [];
  for await (const key of createDayIndexTable(engines.table).stored(domain, midnight - 5, midnight + 5))
    found.push(key);
  expect(found).toEqual([
    { partition: early.partition, eventSort: early.eventSort, atMs: midnight - 5 },
    { partition: other.partition, eventSort: other.eventSort, atMs: midnight },
    { partition: late.partition, eventSort: late.eventSort, atMs: midnight + 5 },
  ]);

  const unknown = { partition: 'MSG#nowhere', eventSort: 'R#-#E#x#1' };
  const facts = await createStoredEventsTable(engines.table).lookUp([early, late, unknown]);
  expect(Object.fromEntries(facts)).toEqual({
    [storedName(early)]: { atMs: midnight - 5, source: 'reconcile', broughtByWebhook: false },
    [storedName(late)]: { atMs: midnight + 5, source: 'webhook', broughtByWebhook: true },
  });
});
