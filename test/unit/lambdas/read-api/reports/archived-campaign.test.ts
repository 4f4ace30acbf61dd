import { type ArchiveRow, rowOf } from '../../../../../lambdas/domain/archive/archive-row.ts';
import { objectKey } from '../../../../../lambdas/domain/archive/object-keys.ts';
import type { TaggedSlice } from '../../../../../lambdas/domain/campaign/tagged-slices.ts';
import type { ListedObject, ObjectReading } from '../../../../../lambdas/read-api/ports.ts';
import {
  type ArchivedCampaignDeps,
  createArchivedCampaigns,
} from '../../../../../lambdas/read-api/reports/archived-campaign.ts';
import { ERASURE_KEY } from '../../../../support/fixtures/erasures.ts';
import { DOMAIN, deliveredEvent, NOW_MS } from '../../../../support/fixtures/webhooks.ts';

// Conditions under which a report does without the archive, and the objects it reads otherwise.

const SLICE_SECONDS = 900;
const FROM = Math.floor(NOW_MS / 86_400_000) * 86_400;
const CAMPAIGN = { domain: DOMAIN, tag: 'spring', time: { fromMs: FROM * 1000, toMs: (FROM + 86_400) * 1000 } };
const RANGE = { from: FROM, to: FROM + 86_400 };

/** Objects of rows in memory, with the size that they are said to have. */
class Objects {
  readonly rows = new Map<string, ArchiveRow[]>();
  readonly versions = new Map<string, number>();
  reads = 0;
  bytes = 100;
  failure: Error | undefined;
  hangs: 'listing' | 'reading' | undefined;

  add(slice: number, ...tags: string[]): string {
    const start = FROM + slice * SLICE_SECONDS;
    const key = objectKey(DOMAIN, start, 0);
    const events = tags.map((tag, nth) => {
      const id = `${start}-${nth}`;
      const event = deliveredEvent({ id, tags: [tag], message: { headers: { 'message-id': `${id}@${DOMAIN}` } } });
      const facts = { name: id, key: `delivered#${id}`, atMs: start * 1000, receivedAtMs: start * 1000 };
      return rowOf({ ...facts, byWebhook: true, source: 'webhook' }, event, '0'.repeat(32));
    });
    this.rows.set(key, events);
    return key;
  }

  async *list(prefix: string, signal: AbortSignal): AsyncGenerator<ListedObject> {
    if (this.hangs === 'listing') await ended(signal);
    for (const key of this.rows.keys())
      if (key.startsWith(prefix)) yield { key, bytes: this.bytes, tag: String(this.versions.get(key) ?? 0) };
  }

  async open({ key, bytes }: ListedObject, { signal, take }: ObjectReading) {
    this.reads += 1;
    take(bytes);
    if (this.failure) throw this.failure;
    if (this.hangs === 'reading') await ended(signal);
    return [{ read: async () => this.rows.get(key) ?? [] }];
  }
}

const ended = (signal: AbortSignal) =>
  new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));

let objects: Objects;
let failures: unknown[];
let deadline: AbortController;
let read: (slices?: readonly TaggedSlice[]) => ReturnType<ReturnType<typeof createArchivedCampaigns>>;

beforeEach(() => {
  objects = new Objects();
  failures = [];
  deadline = new AbortController();
  const deps: ArchivedCampaignDeps = {
    objects,
    erasures: { among: async () => [] },
    erasureKey: { read: async () => ERASURE_KEY },
    onFailure: (error) => failures.push(error),
  };
  const readCampaign = createArchivedCampaigns(deps);
  read = (slices = []) => readCampaign(CAMPAIGN, RANGE, slices, new Set(), deadline.signal);
});

const messagesIn = (found: Awaited<ReturnType<typeof read>>) => (typeof found === 'object' ? found.events.size : found);

test('an archived campaign has only messages of the tag, and lists the slices with objects', async () => {
  objects.add(0, 'spring', 'receipts');
  objects.add(1, 'spring');
  const found = await read();

  expect(messagesIn(found)).toBe(2);
  expect(found).toMatchObject({ archived: new Set([FROM, FROM + SLICE_SECONDS]), erasureKey: ERASURE_KEY });
});

test.each<[string, () => void]>([
  ['objects', () => Array.from({ length: 1001 }, (_, nth) => objects.rows.set(objectKey(DOMAIN, FROM, nth), []))],
  [
    'bytes',
    () => {
      objects.bytes = 30 * 2 ** 20;
      for (const slice of [0, 1, 2]) objects.add(slice, 'spring');
    },
  ],
  [
    'events',
    () => {
      const key = objects.add(0, 'spring');
      objects.rows.set(key, Array<ArchiveRow>(25_001).fill(objects.rows.get(key)?.[0] as ArchiveRow));
    },
  ],
  ['messages', () => objects.add(0, ...Array.from({ length: 5001 }, () => 'spring'))],
])('reading an archived campaign refuses too many %s', async (_, fill) => {
  fill();

  expect(await read()).toBe('too-large');
  expect(failures).toEqual([]);
});

test('reading an archived campaign refuses too many objects before it reads one', async () => {
  for (let nth = 0; nth < 1001; nth += 1) objects.rows.set(objectKey(DOMAIN, FROM, nth), []);
  await read();

  expect(objects.reads).toBe(0);
});

test.each(['listing', 'reading'] as const)(
  'reading an archived campaign reports that %s took too long',
  async (hangs) => {
    objects.add(0, 'spring');
    objects.hangs = hangs;
    const waiting = read();
    setImmediate(() => deadline.abort());
    expect(await waiting).toBe('too-slow');
    expect(failures).toEqual([]);
  },
);

test('reading an archived campaign reports a failing archive', async () => {
  objects.add(0, 'spring');
  objects.failure = new Error('slow down');
  expect(await read()).toBe('unavailable');
  expect(failures).toEqual([objects.failure]);
});

test('an archived campaign is cached until an object is replaced or added', async () => {
  const key = objects.add(0, 'spring');
  await read();
  const once = objects.reads;
  expect([messagesIn(await read()), objects.reads]).toEqual([1, once]);

  objects.versions.set(key, 1);
  objects.rows.set(key, []);
  expect(messagesIn(await read())).toBe(0);

  objects.add(1, 'spring', 'spring');
  expect(messagesIn(await read())).toBe(2);
});

test('an archived campaign is not cached after a failed read', async () => {
  objects.add(0, 'spring');
  objects.failure = new Error('slow down');
  await read();
  objects.failure = undefined;

  expect(messagesIn(await read())).toBe(1);
});

test('an archived campaign omits slices without the tag, except neighbours of those with it', async () => {
  for (let slice = 0; slice < 6; slice += 1) objects.add(slice, 'spring');
  const slices = Array.from({ length: 6 }, (_, nth) => {
    const start = FROM + nth * SLICE_SECONDS;
    return { start, end: start + SLICE_SECONDS, mayHoldTrace: nth === 2 } as TaggedSlice;
  });

  expect(messagesIn(await read(slices))).toBe(3);
});
