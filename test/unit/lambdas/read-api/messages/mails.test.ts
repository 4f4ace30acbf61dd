import type { Status } from '../../../../../lambdas/domain/event-types.ts';
import type { EventsPosition } from '../../../../../lambdas/read-api/messages/events.ts';
import { createMails } from '../../../../../lambdas/read-api/messages/mails.ts';
import type { DayEvents, IndexedPlace, MailPlace, MailReader } from '../../../../../lambdas/read-api/ports.ts';
import { DOMAIN, deliveredEvent } from '../../../../support/fixtures/webhooks.ts';

interface StoredMail {
  readonly recipient: string;
  readonly status: Status | null;
  readonly tags?: readonly string[];
}

const COUNT = 2500;
const range = { fromMs: 0, toMs: COUNT };

/** Mail n was accepted in millisecond n; reads what is wanted, and records each call. */
function mailsOf(mailAt: (n: number) => StoredMail | undefined, accepted = Array.from({ length: COUNT }, (_, n) => n)) {
  const places: IndexedPlace[] = accepted
    .map((n, nth) => ({ type: 'accepted', partition: `MSG#${n}`, sort: `R#a@b#E#accepted#${nth}`, atMs: nth }))
    .toReversed();
  const calls: string[][] = [];
  const days: DayEvents = {
    async newest({ types }, limit, after) {
      expect(types).toEqual(['accepted']);
      const start = after === undefined ? 0 : places.findIndex(({ atMs }) => atMs === after.atMs) + 1;
      return { places: places.slice(start, start + limit), hasMore: start + limit < places.length, queries: 1 };
    },
    read() {
      throw new Error('no event is read by its place');
    },
  };
  const mails: MailReader = {
    async read(wanted, isWanted) {
      calls.push(wanted.map(({ partition }) => partition));
      return wanted.map(({ partition, recipientKey }) => {
        const n = Number(partition.split('#')[1]);
        const mail = mailAt(n);
        if (mail === undefined) return undefined;
        const status = {
          recipientKey,
          recipient: mail.recipient,
          status: mail.status,
          reason: null,
          statusAtMs: n,
          decidedBy: 'accepted#0',
          domain: DOMAIN,
          firstAtMs: n,
        };
        if (!isWanted(status)) return undefined;
        const event = deliveredEvent({ event: 'accepted', tags: [...(mail.tags ?? [])] });
        const facts = { eventKey: 'accepted#0', recipientKey, domain: DOMAIN, event, source: 'webhook' as const };
        return { messageId: String(n), status, deciding: { ...facts, receivedAtMs: n, atMs: n } };
      });
    },
  };
  const readEngagement = async (wanted: readonly MailPlace[]) =>
    wanted.map(({ partition }) => ({
      opens: Number(partition.split('#')[1]),
      clicks: 0,
      machineOpens: 0,
      machineClicks: 0,
      countsComplete: true,
    }));
  return { read: createMails(days, mails, readEngagement, async (events) => events.map(() => true)), calls };
}

/** Follows every page. */
async function walk(
  read: ReturnType<typeof createMails>,
  query: { status?: string; tag?: string; limit?: number; engagement?: boolean },
) {
  const pages = [];
  for (let position: EventsPosition | undefined, isFirst = true; isFirst || position; isFirst = false) {
    const { status, tag, limit = 100, engagement = false } = query;
    const page = await read({ domain: DOMAIN, range, status, tag, engagement, limit, position });
    pages.push(page.body);
    position = page.next;
  }
  return { pages, ids: pages.flatMap(({ mails }) => mails.map(({ messageId }) => Number(messageId))) };
}

const everyHundredth = (n: number): StoredMail => ({
  recipient: 'a@b',
  status: n % 200 === 0 ? 'ACCEPTED' : n % 100 === 0 ? 'DEFERRED' : 'DELIVERED',
});
const hundreds = Array.from({ length: 25 }, (_, n) => 2400 - n * 100);

test.each([1, 7, 100])('pending mail is what is accepted or deferred, newest first, in pages of %d', async (limit) => {
  const { pages, ids } = await walk(mailsOf(everyHundredth).read, { status: 'pending', limit });
  expect(ids).toEqual(hundreds);
  const looked = pages.map(({ searched }) => searched?.messages ?? 0);
  expect(looked.reduce((sum, mails) => sum + mails, 0)).toBe(COUNT);
  expect(Math.max(...looked)).toBeLessThanOrEqual(1000);
  expect(pages.at(-1)?.searched?.until).toBe(0);
});

test('a status without mail gives empty pages that state how far each searched', async () => {
  const { pages } = await walk(mailsOf(everyHundredth).read, { status: 'failed' });
  expect(pages).toEqual([
    { mails: [], searched: { messages: 1000, until: 1.5 } },
    { mails: [], searched: { messages: 1000, until: 0.5 } },
    { mails: [], searched: { messages: 500, until: 0 } },
  ]);
});

test('a tag is compared in any case, with or without a status', async () => {
  const { read } = mailsOf((n) => ({ ...everyHundredth(n), tags: n % 300 === 0 ? ['Spring'] : [] }));
  const tagged = hundreds.filter((n) => n % 300 === 0);
  expect((await walk(read, { tag: 'spring' })).ids).toEqual(tagged);
  expect((await walk(read, { tag: 'spring', status: 'accepted' })).ids).toEqual(tagged.filter((n) => n % 200 === 0));
});

test('a page of mail without a filter is full, and reads only what it shows', async () => {
  const { read, calls } = mailsOf(everyHundredth);
  const { pages, ids } = await walk(read, { limit: 500 });
  expect(ids).toEqual(Array.from({ length: COUNT }, (_, n) => COUNT - 1 - n));
  expect(pages.map(({ searched }) => searched)).toEqual([null, null, null, null, null]);
  expect(calls.map((each) => each.length)).toEqual([500, 500, 500, 500, 500]);
});

test('mail without a status and batches are omitted, and mail that was accepted twice is shown once', async () => {
  const mailAt = (n: number): StoredMail | undefined => {
    if (n === 1) return undefined;
    return n === 2 ? { recipient: '', status: 'ACCEPTED' } : { recipient: 'a@b', status: 'ACCEPTED' };
  };
  const { read } = mailsOf(mailAt, [0, 1, 2, 3, 3]);
  const { pages, ids } = await walk(read, {});
  expect(ids).toEqual([3, 0]);
  expect(pages[0]?.mails[0]).toMatchObject({ recipient: 'a@b', acceptedAt: 0.004 });
});

test.each([1, 100])(
  'mail that is no longer shown, as after an erasure, is skipped in few reads, by %d',
  async (limit) => {
    const { read, calls } = mailsOf((n) => (n >= 2400 ? undefined : everyHundredth(n)));
    const { mails } = (await read({ domain: DOMAIN, range, status: undefined, tag: undefined, limit })).body;
    expect(mails.length).toBe(limit);
    expect(calls.length).toBeLessThanOrEqual(3);
  },
);

test('opens and clicks are counted for each shown mail, if requested', async () => {
  const { read } = mailsOf(everyHundredth);
  const shown = async (engagement: boolean) => {
    const { pages } = await walk(read, { status: 'accepted', engagement });
    return pages.flatMap(({ mails }) => mails.map((each) => each.engagement?.opens ?? null));
  };
  const accepted = hundreds.filter((n) => n % 200 === 0);
  expect(await shown(true)).toEqual(accepted);
  expect(await shown(false)).toEqual(accepted.map(() => null));
});
