import { randomUUID } from 'node:crypto';
import { createDayIndexRepository } from '../../../../lambdas/adapters/table/day-index-repository.ts';
import { createLastCountsRepository } from '../../../../lambdas/adapters/table/domain-repository.ts';
import { createEventRepository } from '../../../../lambdas/adapters/table/event-repository.ts';
import { createLeaseRepository } from '../../../../lambdas/adapters/table/lease-repository.ts';
import { createMessageHistory } from '../../../../lambdas/adapters/table/recipient-repository.ts';
import {
  createListingNoteRepository,
  createPartRepository,
  createReconciliationStateRepository,
  createRequeueRepository,
  createStragglerRepository,
} from '../../../../lambdas/adapters/table/reconciliation-state-repository.ts';
import { createSliceReader, createSliceRepository } from '../../../../lambdas/adapters/table/slice-repository.ts';
import { createStoredEventRepository } from '../../../../lambdas/adapters/table/stored-event-repository.ts';
import { identify } from '../../../../lambdas/domain/events/identity.ts';
import type { Source } from '../../../../lambdas/domain/events/queue-message.ts';
import { DRIFT_KEY, parseMessageSort, REDACTION_KEY } from '../../../../lambdas/domain/keys.ts';
import { placeName } from '../../../../lambdas/domain/ledger/ledger-name.ts';
import { MAX_REQUEUES, sendLimits } from '../../../../lambdas/domain/ledger/requeue.ts';
import type { Slice } from '../../../../lambdas/domain/ledger/slice.ts';
import { emptyTally, slicePassed } from '../../../../lambdas/domain/ledger/tally.ts';
import { createProcess } from '../../../../lambdas/process/process.ts';
import type { SliceRowNames } from '../../../../lambdas/read-api/ports.ts';
import { LONE_PROCESS } from '../../../support/fixtures/erasures.ts';
import { deliveredEvent, NOW_MS } from '../../../support/fixtures/webhooks.ts';
import { startTestEngines, type TestEngines } from '../../../support/stacks/engines.ts';

let engines: TestEngines;
beforeAll(async () => {
  engines = await startTestEngines();
}, 60_000);
afterAll(() => engines?.close());

const newDomain = () => `${randomUUID()}.example.com`;
const sliceOf = (domain: string, start: number, passes = 0) => ({
  ...slicePassed({ domain, start, end: start + 900 }, undefined, emptyTally(), {
    startedAtMs: NOW_MS,
    nowMs: NOW_MS,
    unlisted: false,
    isOld: false,
  }),
  passes,
});

test('the last counts of a thousand domains with the longest names are read as written, each kind apart', async () => {
  const [drift, redaction] = [DRIFT_KEY, REDACTION_KEY].map((key) => createLastCountsRepository(engines.table, key));
  expect(await drift?.read()).toEqual(new Map());
  const names = Array.from({ length: 1000 }, (_, nth) => `${nth}.`.padEnd(253, 'x'));
  const counts = new Map(names.map((name, nth) => [name, { count: nth, atMs: NOW_MS + nth }]));
  await drift?.write(counts);
  expect(await drift?.read()).toEqual(counts);
  expect(await redaction?.read()).toEqual(new Map());
});

test('a slice is written only if its version is unchanged', async () => {
  const slices = createSliceRepository(engines.table);
  const domain = newDomain();
  const first = sliceOf(domain, 0);
  const second = { ...first, version: first.version + 1, stuck: 1 };

  expect(await slices.write(first, undefined)).toBe(true);
  expect(await slices.write({ ...first, stuck: 9 }, undefined)).toBe(false);
  expect(await slices.write(second, first)).toBe(true);
  expect(await slices.write({ ...second, version: second.version + 1 }, first)).toBe(false);
  expect(await slices.read(domain, 0)).toEqual(second);
});

test('a slice whose write is repeated after a lost reply counts as written', async () => {
  const slices = createSliceRepository(engines.table);
  const slice = sliceOf(newDomain(), 900);
  expect(await slices.write(slice, undefined)).toBe(true);
  expect(await slices.write(slice, undefined)).toBe(true);
  expect(await slices.write({ ...slice, stuck: 1 }, undefined)).toBe(false);
});

test('slices are listed by their start, ascending, the end left out', async () => {
  const slices = createSliceRepository(engines.table);
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

test('reports read the figures of slices, with the rows that they ask for, and no names', async () => {
  const domain = newDomain();
  const names = ['delivered#1', 'opened#2'];
  const slice: Slice = { ...sliceOf(domain, 900), unconfirmedNames: names, isJudgedEarly: true, finalAt: 7, stuck: 3 };
  await createSliceRepository(engines.table).write(slice, undefined);
  const read = async (rows: SliceRowNames[]) => {
    for await (const found of createSliceReader(engines.table).list(domain, 0, 1800, rows)) return found;
    return undefined;
  };
  const {
    tags,
    dimensions,
    unconfirmedNames: _,
    listed,
    sends,
    firstAt,
    settledAt,
    kinds,
    version,
    ...figures
  } = slice;
  expect(await read(['tags'])).toMatchObject({ ...figures, tags });
  expect(await read(['dimensions'])).toMatchObject({ ...figures, dimensions });
  expect(JSON.stringify(await read([]))).not.toContain(names[0]);
});

test('each watermark moves only from the value that was read', async () => {
  const ledger = createReconciliationStateRepository(engines.table);
  const domain = newDomain();
  const [first, second] = [
    { position: 900, second: 900, start: 900 },
    { position: 1800, second: 900, start: 900 },
  ];
  expect(await ledger.readWatermarks(domain)).toBeUndefined();
  expect(await ledger.moveWatermarks(domain, first, undefined)).toBe(true);
  expect(await ledger.moveWatermarks(domain, { position: 5, second: 5 }, undefined)).toBe(false);
  expect(await ledger.moveWatermarks(domain, second, first)).toBe(true);
  expect(await ledger.moveWatermarks(domain, { position: 2700, second: 900 }, first)).toBe(false);
  expect(await ledger.moveWatermarks(domain, { position: 2700, second: 1800 }, { ...second, second: 1800 })).toBe(
    false,
  );
  expect(await ledger.readWatermarks(domain)).toEqual(second);
  expect(await createStragglerRepository(engines.table, Date.now).ledgerStart(domain)).toBe(900);
});

test('markers of open slices are kept by domain, in order, until they are deleted', async () => {
  const ledger = createReconciliationStateRepository(engines.table);
  const domain = newDomain();
  const open = (start: number) => ({ start, end: start + 900, nextAt: 1, since: 2, stuck: 0 });
  await ledger.putOpen(domain, open(1_770_000_300));
  await ledger.putOpen(domain, open(900));
  await ledger.putOpen(newDomain(), open(0));
  expect((await ledger.readMarkers(domain)).open).toEqual([open(900), open(1_770_000_300)]);
  await ledger.dropOpen(domain, 900);
  expect((await ledger.readMarkers(domain)).open).toEqual([open(1_770_000_300)]);
});

test('slices with unconfirmed events are kept by domain, separately from open ones', async () => {
  const ledger = createReconciliationStateRepository(engines.table);
  const domain = newDomain();
  for (const start of [1800, 900, 900]) await ledger.putDoubt(domain, start);
  await ledger.putDoubt(newDomain(), 0);
  expect(await ledger.readDoubts(domain)).toEqual([900, 1800]);
  await ledger.dropDoubt(domain, 900);
  expect([await ledger.readDoubts(domain), (await ledger.readMarkers(domain)).open]).toEqual([[1800], []]);
});

test('the first and the last webhook of each doubtful type are recorded', async () => {
  const ledger = createReconciliationStateRepository(engines.table);
  const domain = newDomain();
  expect(await ledger.readPostedKinds(domain)).toEqual(new Map());
  for (const atMs of [2000, 1000, 3000, 1500]) await ledger.notePostedKind(domain, 'routed-delivered', atMs);
  await ledger.notePostedKind(domain, 'batch-accepted', 5000);
  await ledger.notePostedKind(newDomain(), 'routed-delivered', 1);
  expect(await ledger.readPostedKinds(domain)).toEqual(
    new Map([
      ['batch-accepted', { first: 5000, last: 5000 }],
      ['routed-delivered', { first: 1000, last: 3000 }],
    ]),
  );
});

test('the marker of a straggler is kept beside them, and not deleted after a renewal', async () => {
  const ledger = createReconciliationStateRepository(engines.table);
  const stragglers = createStragglerRepository(engines.table, Date.now);
  const domain = newDomain();
  await stragglers.note(domain, { at: 950, notedAt: 1 });
  const [read] = (await ledger.readMarkers(domain)).stragglers;
  expect(read).toEqual({ at: 950, notedAt: 1 });
  await stragglers.note(domain, { at: 950, notedAt: 2 });
  await ledger.dropStraggler(domain, read!);
  expect((await ledger.readMarkers(domain)).stragglers).toEqual([{ at: 950, notedAt: 2 }]);
  await ledger.dropStraggler(domain, { at: 950, notedAt: 2 });
  expect(await ledger.readMarkers(domain)).toEqual({ open: [], stragglers: [] });
});

test('parts are kept for one pass of one slice', async () => {
  const parts = createPartRepository(engines.table, () => NOW_MS);
  const slice = { domain: newDomain(), start: 900 };
  const part = { from: 900, to: 1000, startedAtMs: NOW_MS, tally: emptyTally() };
  await parts.put(slice, 1, part);
  await parts.put(slice, 10, { ...part, from: 1000, to: 1100 });
  expect(await parts.done(slice, 1)).toEqual([part]);
  expect(await parts.done(slice, 0)).toEqual([]);
  expect(await parts.done({ ...slice, start: 1800 }, 1)).toEqual([]);
});

test('a begun part is apart from the compared ones, also for versions that read those alone', async () => {
  const parts = createPartRepository(engines.table, () => NOW_MS);
  const slice = { domain: newDomain(), start: 900 };
  const part = { from: 900, to: 1000, startedAtMs: NOW_MS, tally: emptyTally() };
  const begun = { ...part, begun: { of: 'digest', read: 2, names: ['name'] } };
  await parts.putBegun(slice, 1, begun);
  expect([await parts.done(slice, 1), await parts.begun(slice, 1)]).toEqual([[], [begun]]);
  expect([await parts.begun(slice, 10), await parts.begun({ ...slice, start: 1800 }, 1)]).toEqual([[], []]);
  await parts.put(slice, 1, part);
  expect([await parts.done(slice, 1), await parts.begun(slice, 1)]).toEqual([[part], [begun]]);
});

test('requeues of a missing event are counted once a run, up to five, and found by their time', async () => {
  const requeues = createRequeueRepository(engines.table);
  const slice = { domain: newDomain(), start: 900 };
  const requeue = { name: 'name', atMs: 959_999, type: 'delivered', sentAtMs: NOW_MS };
  const count = (run: string, name = 'name') => requeues.count(slice, { ...requeue, name }, sendLimits(run));
  for (const run of ['a', 'a', 'b', 'c', 'd', 'e', 'e']) expect(await count(run)).toBe(true);
  expect(await count('f')).toBe(false);
  expect(await requeues.listUpTo(1, slice, 959_999, 960_000)).toEqual([{ ...requeue, sends: 5 }]);
  expect(await requeues.listUpTo(0, slice, 959_999, 960_000)).toBeUndefined();
  expect(await requeues.listUpTo(0, slice, 960_000, 990_000)).toEqual([]);
  expect(await requeues.listUpTo(0, slice, 900_000, 959_999)).toEqual([]);

  await requeues.put(slice, { ...requeue, name: 'too large', sends: MAX_REQUEUES });
  expect(await count('a', 'too large')).toBe(false);
});

test('an event is marked as unconfirmed from the first time until it is listed, and a deleted one stays deleted', async () => {
  const stored = createStoredEventRepository(engines.table);
  const place = { partition: `MSG#${randomUUID()}`, eventSort: 'R#-#E#opened#1' };
  for (const sinceMs of [1, undefined]) await stored.markUnconfirmed(place, sinceMs);
  expect((await stored.lookUp([place])).size).toBe(0);
});

test('an event that was stored late is read back with the time of storing, one that was stored promptly without', async () => {
  const messageId = `${randomUUID()}@mg.example.com`;
  const storedAfter = async (ms: number) => {
    const data = deliveredEvent({ id: randomUUID(), message: { headers: { 'message-id': messageId } } });
    const now = () => NOW_MS + ms;
    const records = createEventRepository(engines.table);
    const process = createProcess({ records, retentionDays: 30, ...LONE_PROCESS, now });
    await process({ source: 'webhook', receivedAt: NOW_MS, domain: 'mg.example.com', event: data });
    const identity = identify(data, 'mg.example.com');
    const found = await createStoredEventRepository(engines.table).lookUp([identity]);
    const { recipientKey } = parseMessageSort(identity.eventSort);
    const origin = await createMessageHistory(engines.table).originOf(messageId, recipientKey, identity.eventKey);
    return [found.get(placeName(identity)), origin].map((each) => [each?.receivedAtMs, each?.storedAtMs]);
  };
  expect(await storedAfter(3_600_000)).toEqual(Array(2).fill([NOW_MS, NOW_MS + 3_600_000]));
  expect(await storedAfter(1000)).toEqual(Array(2).fill([NOW_MS, undefined]));
});

test('one run holds the lease until it releases it or it expires', async () => {
  const lease = createLeaseRepository(engines.table);
  expect(await lease.hold('a', 0, 100)).toBe(true);
  expect(await lease.hold('b', 99, 200)).toBe(false);
  expect(await lease.hold('a', 99, 200)).toBe(true);
  expect(await lease.hold('b', 200, 300)).toBe(true);
  await lease.release('a');
  expect(await lease.hold('a', 201, 300)).toBe(false);
  await lease.release('b');
  expect(await lease.hold('a', 202, 300)).toBe(true);
});

test('the day index lists stored events of all types and days, ascending by time', async () => {
  const domain = newDomain();
  const midnight = Date.UTC(2026, 1, 2);
  const store = async (event: string, atMs: number, source: Source) => {
    const data = deliveredEvent({ event, id: randomUUID(), timestamp: atMs / 1000, domain: { name: domain } });
    await createProcess({ records: createEventRepository(engines.table), retentionDays: 30, ...LONE_PROCESS })({
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
  for await (const key of createDayIndexRepository(engines.table).stored(domain, midnight - 5, midnight + 5))
    found.push(key);
  expect(found).toEqual([
    { partition: early.partition, eventSort: early.eventSort, atMs: midnight - 5 },
    { partition: other.partition, eventSort: other.eventSort, atMs: midnight },
    { partition: late.partition, eventSort: late.eventSort, atMs: midnight + 5 },
  ]);

  const unknown = { partition: 'MSG#nowhere', eventSort: 'R#-#E#x#1' };
  const facts = await createStoredEventRepository(engines.table).lookUp([early, late, unknown]);
  expect([...facts.keys()].sort()).toEqual([placeName(early), placeName(late)].sort());
  expect(facts.get(placeName(early))).toMatchObject({
    atMs: midnight - 5,
    source: 'reconcile',
    broughtByWebhook: false,
  });
  expect(facts.get(placeName(late))).toMatchObject({
    atMs: midnight + 5,
    source: 'webhook',
    broughtByWebhook: true,
    receivedAtMs: NOW_MS,
    event: { event: 'opened' },
  });
  const keys = await createDayIndexRepository(engines.table).keys(domain, midnight - 5, midnight + 5);
  expect(keys.map(({ atMs }) => atMs).sort()).toEqual([midnight - 5, midnight, midnight + 5]);
});

test('the switch to the Logs API is recorded once, also after a lost reply, until an operator reverts it', async () => {
  const notes = createListingNoteRepository(engines.table);
  expect(await notes.read()).toEqual({});
  expect([await notes.fall(1), await notes.fall(1), await notes.fall(2)]).toEqual([true, true, false]);
  const announced = { api: 'events', sunset: 'tomorrow', at: 3 } as const;
  await notes.announce(announced);
  expect(await notes.read()).toEqual({ fellBackAt: 1, announced });
  expect([await notes.goBack(), await notes.goBack()]).toEqual([true, false]);
  await notes.announce(undefined);
  expect(await notes.read()).toEqual({});
});
