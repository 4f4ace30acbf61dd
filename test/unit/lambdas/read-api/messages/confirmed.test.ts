import {
  confirmEntries,
  createConfirmedCheck,
  type JudgedEntry,
  type JudgedEvent,
} from '../../../../../lambdas/read-api/messages/confirmed.ts';
import { createEvents } from '../../../../../lambdas/read-api/messages/events.ts';
import { createMessages } from '../../../../../lambdas/read-api/messages/messages.ts';
import type {
  ComparedSlice,
  DayEvents,
  HistoryEntry,
  MessageHistory,
  RecipientHistory,
  StoredEvent,
  StoredStatus,
} from '../../../../../lambdas/read-api/ports.ts';
import { createRecipientSearch } from '../../../../../lambdas/read-api/recipients/recipient-search.ts';
import { createRecipients } from '../../../../../lambdas/read-api/recipients/recipients.ts';
import { createTail } from '../../../../../lambdas/read-api/tail/tail.ts';
import { tailStart } from '../../../../../lambdas/read-api/tail/tail-position.ts';
import { DOMAIN, deliveredEvent } from '../../../../support/fixtures/webhooks.ts';

const SLICE = 900;
/** A slice that starts then was compared an hour after its end. */
const START = 1_770_000_300;
const compared: ComparedSlice = {
  start: START,
  end: START + SLICE,
  passedAt: (START + SLICE + 3600) * 1000,
  startedAt: (START + SLICE + 3590) * 1000,
  unlisted: false,
  unconfirmed: {},
  altered: {},
  finalAt: null,
};
const event: JudgedEvent = {
  domain: DOMAIN,
  name: 'delivered',
  source: 'webhook',
  isUnconfirmed: false,
  atMs: (START + 60) * 1000,
  storedAtMs: (START + 62) * 1000,
};

const DAYS = 90;
const NOW_MS = (START + SLICE) * 1000 + 86_400_000;
/** Of a time of which the table keeps no events any more. */
const OLD = { atMs: event.atMs - DAYS * 86_400_000 };
const OLD_SLICE = { start: START - DAYS * 86_400, end: START + SLICE - DAYS * 86_400, finalAt: 1 };
const SETTINGS = { sliceSeconds: SLICE, settleSeconds: 1800, retentionDays: DAYS, now: () => NOW_MS };

/** Judges events with these slices, by their start; returns what was read too. */
async function judge(events: readonly JudgedEvent[], slices: readonly ComparedSlice[] = [], ledgerStart?: number) {
  const reads: number[][] = [];
  const facts = async (places: readonly { domain: string; start: number }[]) => {
    reads.push(places.map(({ start }) => start));
    return places.map(({ start }) => slices.find((slice) => slice.start === start));
  };
  const readWatermarks = async () => ({ position: START, second: START, ...(ledgerStart && { start: ledgerStart }) });
  const confirmed = await createConfirmedCheck({ facts }, { readWatermarks }, SETTINGS)(events);
  return { confirmed, reads };
}

describe('an event', () => {
  test.each<
    [name: string, event: Partial<JudgedEvent>, slice: Partial<ComparedSlice> | undefined, isConfirmed: boolean]
  >([
    ['whose time was compared since it came in', {}, {}, true],
    ['whose time was not compared yet', {}, undefined, false],
    ['that came in after its time was compared', { storedAtMs: compared.passedAt + 1 }, {}, false],
    ['that came in while its time was compared', { storedAtMs: compared.passedAt - 1 }, {}, false],
    ['that the comparison may have missed in the index', { storedAtMs: compared.passedAt - 99_999 }, {}, false],
    ['that came in just before the comparison', { storedAtMs: compared.passedAt - 100_000 }, {}, true],
    ['compared by an earlier version', { storedAtMs: compared.passedAt - 90_000 }, { startedAt: null }, true],
    ['that is not stored yet', { storedAtMs: undefined }, { finalAt: 1 }, false],
    ['that has left the table since', { ...OLD, storedAtMs: undefined }, OLD_SLICE, true],
    [
      'that has left the table, of a type of which some were unlisted',
      { ...OLD, storedAtMs: undefined },
      { ...OLD_SLICE, unconfirmed: { delivered: 1 } },
      false,
    ],
    ['of a time that Mailgun no longer listed', {}, { unlisted: true }, false],
    ['that Mailgun does not list', { isUnconfirmed: true }, {}, false],
    ['that reconciliation brought, whatever was compared', { source: 'reconcile' }, undefined, true],
    ['of a type of which some are not listed so far', {}, { unconfirmed: { delivered: 1 } }, false],
    ['of a type of which some are listed otherwise', {}, { altered: { delivered: 1 }, finalAt: 1 }, false],
    ['of a type of which none is listed otherwise', {}, { altered: { opened: 1 } }, true],
    ['of a type without a name, of which some are not listed', { name: '' }, { unconfirmed: { '-': 1 } }, false],
    ['of a type of which all are listed', {}, { unconfirmed: { opened: 1 } }, true],
    ['beside others that the second pass has marked', {}, { unconfirmed: { delivered: 1 }, finalAt: 1 }, true],
    ['after the end of a shorter slice', {}, { end: START + 30 }, false],
  ])('%s', async (_, over, slice, isConfirmed) => {
    const { confirmed } = await judge([{ ...event, ...over }], slice === undefined ? [] : [{ ...compared, ...slice }]);
    expect(confirmed).toEqual([isConfirmed]);
  });

  test('of the first slice of a ledger, which begins between two others, is confirmed from there on', async () => {
    const first = { ...compared, start: START + 30 };
    const before = { ...event, atMs: (START + 10) * 1000 };
    expect(await judge([event, before], [first], START + 30)).toEqual({
      confirmed: [true, false],
      reads: [[START], [START + 30]],
    });
    expect((await judge([event], [first], START + SLICE)).confirmed).toEqual([false]);
  });
});

test('the slice of several events is read once, and no slice that is not needed', async () => {
  const later = { ...event, atMs: event.atMs + SLICE * 1000 };
  const { reads } = await judge(
    [event, { ...event, atMs: event.atMs + 1 }, later, { ...event, atMs: 0, source: 'reconcile' }],
    [compared, { ...compared, start: START + SLICE, end: START + 2 * SLICE }],
  );
  expect(reads).toEqual([[START, START + SLICE]]);
});

test('an event that is gone is not confirmed where the retention of events is not known', async () => {
  const old = { ...event, ...OLD, storedAtMs: undefined };
  const reader = { facts: async () => [{ ...compared, ...OLD_SLICE }, compared] };
  const check = (retentionDays: number | undefined) =>
    createConfirmedCheck(
      reader,
      { readWatermarks: async () => undefined },
      { ...SETTINGS, retentionDays },
    )([old, event]);
  expect(await check(DAYS)).toEqual([true, true]);
  expect(await check(undefined)).toEqual([false, true]);
});

test('where slices settle in seconds, an event waits no longer for the index', async () => {
  const check = createConfirmedCheck(
    { facts: async (places) => places.map(() => compared) },
    { readWatermarks: async () => undefined },
    { ...SETTINGS, settleSeconds: 2 },
  );
  const times = [12_000, 11_999].map((ms) => ({ ...event, storedAtMs: compared.passedAt - ms }));
  expect(await check(times)).toEqual([true, false]);
});

describe('an event that waited behind a backlog until its time was compared is not shown as confirmed', () => {
  const stored: StoredEvent = {
    eventKey: 'delivered#1',
    recipientKey: 'ada@north.example',
    domain: DOMAIN,
    source: 'webhook',
    event: deliveredEvent({ recipient: 'Ada@north.example', id: '1' }),
    atMs: event.atMs,
    receivedAtMs: event.atMs + 2000,
  };
  const late = { ...stored, storedAtMs: compared.passedAt + 1 };
  const status: StoredStatus = {
    recipientKey: 'ada@north.example',
    recipient: 'Ada@north.example',
    status: 'DELIVERED',
    reason: null,
    statusAtMs: event.atMs,
    decidedBy: 'delivered#1',
    domain: DOMAIN,
    firstAtMs: event.atMs,
  };
  const place = { type: 'delivered', partition: 'M', sort: 'S', atMs: event.atMs };
  const range = { fromMs: 0, toMs: NOW_MS };
  const days = (found: StoredEvent): DayEvents => ({
    newest: async () => ({ places: [place], hasMore: false, queries: 1 }),
    async *read(places) {
      for (const _ of places) yield found;
    },
  });
  const recipient = (found: StoredEvent): RecipientHistory => ({
    newest: async () => ({ places: [{ partition: 'M', atMs: event.atMs }], hasMore: false }),
    messages: async () => [{ messageId: 'm', status, deciding: found }],
    events: async () => ({ entries: [{ sort: 'S', event: found }], last: 'S', hasMore: false }),
  });
  const message = (entries: HistoryEntry[], origin: StoredEvent | undefined): MessageHistory => ({
    page: async () => ({ entries, last: entries.at(-1)?.sort, hasMore: false }),
    status: async () => status,
    originOf: async () => origin,
  });
  const filter = { domains: [DOMAIN], types: ['delivered'], isWantedPlace: () => true, isWanted: () => true };
  const retention = { days: DAYS, archiveBucket: undefined, now: () => NOW_MS };
  const messages = (history: MessageHistory) =>
    createMessages(history, retention)({ messageId: 'm', limit: 10 }) as Promise<Shown>;

  /** Reads a tail from before an event on until its tier was looked at. */
  async function tailOf(found: StoredEvent): Promise<Shown> {
    const storedAtMs = found.storedAtMs ?? found.receivedAtMs;
    let position = tailStart(storedAtMs - 1);
    for (;;) {
      const page = await createTail(days(found))({ ...filter, limit: 10, position, nowMs: storedAtMs + 600_000 });
      if (page.judged.length > 0 || !page.body.behind) return page;
      position = page.next;
    }
  }
  type Shown = { judged: readonly JudgedEntry[] };
  const lists: [name: string, read: (found: StoredEvent) => Promise<Shown>][] = [
    ['events', (found) => createEvents(days(found))({ domain: DOMAIN, range, predicate: undefined, limit: 10 })],
    ['tail', tailOf],
    [
      'search',
      (found) =>
        createRecipientSearch(recipient(found))({
          keys: ['ada@north.example'],
          ...range,
          predicate: undefined,
          limit: 10,
        }),
    ],
    ['message', (found) => messages(message([{ sort: 'R#S', event: found }], undefined))],
    ['message whose deciding event is on another page', (found) => messages(message([{ sort: 'R#T', status }], found))],
  ];

  const check = createConfirmedCheck(
    { facts: async (places) => places.map(() => compared) },
    { readWatermarks: async () => undefined },
    SETTINGS,
  );
  const confirmedIn = async ({ judged }: Shown) => {
    await confirmEntries(check, judged);
    return new Set(judged.map(({ entry }) => entry.confirmed));
  };

  test.each(lists)('by the list: %s', async (_, read) => {
    expect(await confirmedIn(await read(late))).toEqual(new Set([false]));
    expect(await confirmedIn(await read(stored))).toEqual(new Set([true]));
  });

  test('by the mails of a recipient, nor while the event that decided one is not stored', async () => {
    const read = (deciding: StoredEvent | undefined) =>
      createRecipients(
        { ...recipient(stored), messages: async () => [{ messageId: 'm', status, deciding }] },
        check,
      )({
        recipient: 'ada@north.example',
        keys: ['ada@north.example'],
        range,
        limit: 10,
        status: undefined,
        tag: undefined,
        position: undefined,
      });
    const confirmed = async (deciding: StoredEvent | undefined) => (await read(deciding)).body.messages[0]?.confirmed;
    expect(await Promise.all([late, undefined, stored].map(confirmed))).toEqual([false, false, true]);
    expect(await confirmedIn(await messages(message([{ sort: 'R#T', status }], undefined)))).toEqual(new Set([false]));
  });
});
