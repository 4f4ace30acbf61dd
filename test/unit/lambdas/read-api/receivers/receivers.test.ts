import type { LoggedDelivery } from '../../../../../lambdas/domain/publishing/delivery.ts';
import type { ReceiverState } from '../../../../../lambdas/domain/publishing/receiver-state.ts';
import type { DeliveryHistory } from '../../../../../lambdas/read-api/ports.ts';
import { createDeliveries, isDeliveriesPosition } from '../../../../../lambdas/read-api/receivers/deliveries.ts';
import { createReceivers } from '../../../../../lambdas/read-api/receivers/receivers.ts';

const HOUR = 3600;
const NOW = Date.UTC(2026, 10, 28, 12, 30) / 1000;

const delivery = (publishedAt: number, over: Partial<LoggedDelivery> = {}): LoggedDelivery => ({
  name: { receiver: 'crm', publishedAt, id: `e${publishedAt}` },
  state: 'acknowledged',
  version: 1,
  attempts: [],
  detailType: 'MessageStatusChanged',
  response: undefined,
  detail: { id: `e${publishedAt}`, messageId: `m${publishedAt % 7}` },
  ...over,
});

/** A log in memory, newest first, of which each read returns a few at most. */
function historyOf(log: readonly LoggedDelivery[], perRead = 7) {
  const history: DeliveryHistory = {
    async newest(_, from, limit, { publishedAt, id }) {
      const behind = log
        .filter(({ name }) => name.publishedAt >= from)
        .filter(({ name }) => (name.publishedAt === publishedAt ? name.id < id : name.publishedAt < publishedAt));
      const deliveries = behind.slice(0, Math.min(limit, perRead));
      const last = deliveries.at(-1)?.name;
      const next =
        deliveries.length < behind.length && last ? { publishedAt: last.publishedAt, id: last.id } : undefined;
      return { deliveries, next };
    },
  };
  return history;
}

const range = { from: NOW - 24 * HOUR, to: NOW + 1 };
const asked = { from: range.from * 1000, to: range.to * 1000 };

describe('the deliveries to a receiver', () => {
  const states = { 1: 'published', 2: 'waiting' } as Readonly<Record<number, LoggedDelivery['state']>>;
  const log = Array.from({ length: 50 }, (_, nth) =>
    delivery(NOW - nth * 60, { state: states[nth % 5] ?? 'acknowledged' }),
  );

  async function walk(query: object, limit: number) {
    const list = createDeliveries(historyOf(log));
    const ids: string[] = [];
    let position: Parameters<typeof list>[0]['position'];
    for (let pages = 0; pages < 100; pages += 1) {
      const { body, next } = await list({ receiver: 'crm', range, limit, position, ...query });
      ids.push(...body.deliveries.map(({ id }) => id));
      if (next === undefined) return ids;
      expect(isDeliveriesPosition(JSON.parse(JSON.stringify(next)), asked, NOW * 1000)).toBe(true);
      position = next;
    }
    throw new Error('a walk without end');
  }

  test.each([1, 3, 7, 100])('are listed newest first, each once, in pages of %i', async (limit) => {
    expect(await walk({}, limit)).toEqual(log.map(({ name }) => name.id));
  });

  test.each([
    { filter: { message: 'm3' }, wanted: (each: LoggedDelivery) => each.detail.messageId === 'm3' },
    {
      filter: { state: 'waiting' },
      wanted: ({ state }: LoggedDelivery) => state === 'published' || state === 'waiting',
    },
    { filter: { state: 'published' }, wanted: ({ state }: LoggedDelivery) => state === 'published' },
    { filter: { state: 'dead' }, wanted: () => false },
    { filter: { id: log[20]?.name.id }, wanted: (each: LoggedDelivery) => each === log[20] },
  ])('are filtered by $filter', async ({ filter, wanted }) => {
    expect(await walk(filter, 2)).toEqual(log.filter(wanted).map(({ name }) => name.id));
  });

  test('are found by the webhook-id that the header carried, in which a dot is escaped', async () => {
    const list = createDeliveries(
      historyOf([delivery(NOW, { name: { receiver: 'crm', publishedAt: NOW, id: 'a.b' } })]),
    );
    const { body } = await list({ receiver: 'crm', range, limit: 1, id: 'a%2Eb' });
    expect(body.deliveries.map(({ id }) => id)).toEqual(['a.b']);
  });

  test.each([
    { range, place: { publishedAt: range.from, id: '' } },
    { range, place: { publishedAt: range.from - 1, id: 'a' } },
    { range, place: { publishedAt: NOW + 1 } },
    { range, place: { publishedAt: range.to, id: 'a' } },
    { range, place: { publishedAt: range.to + 1, id: '' } },
    { range: { ...range, from: range.from - 1 }, place: { publishedAt: NOW, id: 'a' } },
    { range: { ...range, to: range.to + 1 }, place: { publishedAt: NOW, id: 'a' } },
    { place: { publishedAt: NOW, id: 'a' } },
    { range, place: { publishedAt: NOW, id: '\ud800' } },
    null,
  ])('have no page for the cursor %j', (position) => {
    expect(isDeliveriesPosition(position, asked, NOW * 1000)).toBe(false);
  });

  test('of fractions of a second are those of its whole seconds, on every page', () => {
    const fractions = { from: range.from * 1000 + 1, to: range.to * 1000 + 999 };
    const position = { range, place: { publishedAt: range.to, id: '' } };
    expect(isDeliveriesPosition(position, fractions, NOW * 1000)).toBe(true);
  });
});

describe('the receivers', () => {
  const at = { name: 'crm', queueUrl: 'queue', deadLettersUrl: 'dlq' };
  const depths: Record<string, number> = { queue: 4, dlq: 1 };
  const read = (
    log: readonly LoggedDelivery[],
    state: ReceiverState = {},
    messages = async (url: string) => depths[url] ?? 0,
  ) =>
    createReceivers({
      receivers: [at],
      states: { read: async () => state },
      deliveries: historyOf(log, 1000),
      queueAt: (url) => ({ messages: () => messages(url) }),
      now: () => NOW * 1000,
    })({ hours: 2 });

  test('are shown with state, queues and ledger of the current hour and the one before', async () => {
    const failingSince = (NOW - 600) * 1000;
    const log = [delivery(NOW - 60), delivery(NOW - HOUR, { state: 'dead' }), delivery(NOW - 2 * HOUR)];

    expect((await read(log, { failingSince })).receivers).toEqual([
      {
        name: 'crm',
        state: 'failing',
        since: '2026-11-28T12:20:00.000Z',
        reason: null,
        lastStatus: null,
        queue: 4,
        deadLetters: 1,
        ledger: { published: 2, acknowledged: 1, waiting: 0, dead: 1, unaccounted: 0 },
        hours: [
          { hour: '2026-11-28T12:00:00.000Z', published: 1, acknowledged: 1, waiting: 0, dead: 0, unaccounted: 0 },
          { hour: '2026-11-28T11:00:00.000Z', published: 1, acknowledged: 0, waiting: 0, dead: 1, unaccounted: 0 },
        ],
        countedFrom: '2026-11-28T11:00:00.000Z',
        unaccounted: [],
      },
    ]);
  });

  test('are shown if a queue does not respond, and count as unaccounted for only with evidence', async () => {
    const fails = async () => {
      throw new Error('no response');
    };
    const [receiver] = (await read([delivery(NOW - HOUR, { state: 'published' })], {}, fails)).receivers;
    expect(receiver).toMatchObject({ queue: null, deadLetters: null, ledger: { waiting: 1, unaccounted: 0 } });
  });

  test('are shown with the deliveries that they miss', async () => {
    const [receiver] = (await read([delivery(NOW - HOUR, { state: 'published' })], {}, async () => 0)).receivers;
    expect(receiver).toMatchObject({
      ledger: { unaccounted: 1 },
      unaccounted: [{ id: `e${NOW - HOUR}`, publishedAt: '2026-11-28T11:30:00.000Z' }],
    });
  });

  test('are counted hour by hour up to a limit of deliveries, and state since when', async () => {
    const now = Array.from({ length: 3 }, (_, nth) => delivery(NOW - nth));
    const before = Array.from({ length: 10_000 }, (_, nth) => delivery(NOW - HOUR - nth / 10_000));
    const [receiver] = (await read([...now, ...before])).receivers;
    expect(receiver).toMatchObject({ countedFrom: '2026-11-28T12:00:00.000Z', ledger: { published: 3 } });
    expect(receiver?.hours).toHaveLength(1);
  });
});
