import {
  confirmEntries,
  createConfirmedCheck,
  type JudgedEvent,
  judgedEvent,
} from '../../../../../lambdas/read-api/messages/confirmed.ts';
import type { ComparedSlice } from '../../../../../lambdas/read-api/ports.ts';
import { DOMAIN } from '../../../../support/fixtures/webhooks.ts';

const SLICE = 900;
/** A slice that starts then was compared an hour after its end. */
const START = 1_770_000_300;
const compared: ComparedSlice = {
  ...{ start: START, end: START + SLICE, passedAt: (START + SLICE + 3600) * 1000 },
  ...{ startedAt: (START + SLICE + 3590) * 1000, unlisted: false, unconfirmed: {}, altered: {}, finalAt: null },
};
const event: JudgedEvent = {
  ...{ domain: DOMAIN, name: 'delivered', source: 'webhook', isUnconfirmed: false },
  ...{ atMs: (START + 60) * 1000, receivedAtMs: (START + 62) * 1000 },
};

/** Asks of events, with these slices by their start; returns what was read too. */
async function ask(events: readonly JudgedEvent[], slices: readonly ComparedSlice[] = [], ledgerStart?: number) {
  const reads: number[][] = [];
  const facts = async (places: readonly { domain: string; start: number }[]) => {
    reads.push(places.map(({ start }) => start));
    return places.map(({ start }) => slices.find((slice) => slice.start === start));
  };
  const readWatermarks = async () => ({ position: START, second: START, ...(ledgerStart && { start: ledgerStart }) });
  const confirmed = await createConfirmedCheck({ facts }, { readWatermarks }, SLICE)(events);
  return { confirmed, reads };
}

describe('an event', () => {
  test.each<
    [name: string, event: Partial<JudgedEvent>, slice: Partial<ComparedSlice> | undefined, isConfirmed: boolean]
  >([
    ['whose time was compared since it came in', {}, {}, true],
    ['whose time was not compared yet', {}, undefined, false],
    ['that came in after its time was compared', { receivedAtMs: compared.passedAt + 1 }, {}, false],
    ['that came in while its time was compared', { receivedAtMs: compared.passedAt - 1 }, {}, false],
    ['that came in just before the comparison', { receivedAtMs: compared.passedAt - 10_000 }, {}, true],
    ['compared by an earlier version', { receivedAtMs: compared.passedAt }, { startedAt: null }, true],
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
    const { confirmed } = await ask([{ ...event, ...over }], slice === undefined ? [] : [{ ...compared, ...slice }]);
    expect(confirmed).toEqual([isConfirmed]);
  });

  test('of the first slice of a ledger, which begins between two others, is confirmed from there on', async () => {
    const first = { ...compared, start: START + 30 };
    const before = { ...event, atMs: (START + 10) * 1000 };
    expect(await ask([event, before], [first], START + 30)).toEqual({
      confirmed: [true, false],
      reads: [[START], [START + 30]],
    });
    expect((await ask([event], [first], START + SLICE)).confirmed).toEqual([false]);
  });
});

test('an event that was stored late is judged by that time', () => {
  const stored = {
    ...{ eventKey: 'delivered#1', recipientKey: 'a@b', domain: DOMAIN, event: { event: 'delivered' } },
    ...{ source: 'webhook' as const, atMs: event.atMs, receivedAtMs: event.receivedAtMs },
  };
  expect(judgedEvent(stored)).toEqual(event);
  expect(judgedEvent({ ...stored, storedAtMs: compared.passedAt })).toMatchObject({ receivedAtMs: compared.passedAt });
});

test('the slice of many events is read once, and none of what needs no slice', async () => {
  const later = { ...event, atMs: event.atMs + SLICE * 1000 };
  const { reads } = await ask(
    [event, { ...event, atMs: event.atMs + 1 }, later, { ...event, atMs: 0, source: 'reconcile' }],
    [compared, { ...compared, start: START + SLICE, end: START + 2 * SLICE }],
  );
  expect(reads).toEqual([[START, START + SLICE]]);
});

test('a status is confirmed as the event of the page that decided it, another by its own time', async () => {
  const entry = {
    key: 'delivered#1',
    recipient: 'Ada@north.example',
    event: 'delivered',
    domain: DOMAIN,
    source: 'webhook',
  };
  const late = new Date(compared.passedAt + 1).toISOString();
  const events = [{ ...entry, timestamp: START + 60, receivedAt: late, unconfirmed: false, confirmed: false }];
  const outcome = (recipient: string) => ({
    ...{ recipient, domain: DOMAIN, decidedBy: 'delivered#1', source: 'webhook', statusAt: START + 60 },
    ...{ unconfirmed: false, confirmed: false },
  });
  const recipients = [outcome('ada@north.example'), outcome('bob@north.example')];
  const check = createConfirmedCheck(
    { facts: async (places) => places.map(() => compared) },
    { readWatermarks: async () => undefined },
    SLICE,
  );
  await confirmEntries(check, { events, recipients } as unknown as Parameters<typeof confirmEntries>[1]);
  expect(events.map(({ confirmed }) => confirmed)).toEqual([false]);
  expect(recipients.map(({ confirmed }) => confirmed)).toEqual([false, true]);
});
