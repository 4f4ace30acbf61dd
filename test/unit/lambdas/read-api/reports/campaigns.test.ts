import { recipientMail } from '../../../../../lambdas/domain/campaign/recipient-mail.ts';
import { READS_AT_ONCE } from '../../../../../lambdas/domain/concurrency.ts';
import { emptyTally, slicePassed } from '../../../../../lambdas/domain/ledger/tally.ts';
import { type CampaignDeps, createCampaigns } from '../../../../../lambdas/read-api/reports/campaigns.ts';
import { countInFlight } from '../../../../support/doubles/in-flight.ts';
import { DOMAIN } from '../../../../support/fixtures/webhooks.ts';

// A mail that was accepted two days before it was sent, and what a report says where its acceptance has left the table.

const DAY = 86_400;
const SLICE_SECONDS = 21_600;
const RETENTION_DAYS = 90;
const NOW = 1_770_076_800;
/** The table ends a day before the mail was sent, and a day after it was accepted. */
const SENT_AT = NOW - (RETENTION_DAYS - 1) * DAY;
const ACCEPTED_AT = SENT_AT - 2 * DAY;
const RETAINED_FROM = NOW - RETENTION_DAYS * DAY + 3600;
const PARTITION = `MSG#1@${DOMAIN}`;

const slice = (start: number) => {
  const bounds = { domain: DOMAIN, start, end: start + SLICE_SECONDS };
  const tally = { ...emptyTally(), listed: { delivered: 1 }, stored: { delivered: 1 } };
  const at = NOW * 1000 - 1;
  const passed = { startedAtMs: at, nowMs: at, unlisted: false, isOld: true };
  return slicePassed(
    bounds,
    undefined,
    { ...tally, tags: { '*': { delivered: 1 }, spring: { delivered: 1 } } },
    passed,
  );
};

/** The report of the mail; `calls` takes what is read for it. */
async function report(
  names: readonly string[],
  over: Partial<CampaignDeps> = {},
  sentAt = SENT_AT,
  calls: string[] = [],
) {
  const event = (name: string) => {
    const at = name === 'accepted' ? sentAt - 2 * DAY : sentAt;
    const recipient = 'ada@example.org';
    return { recipientKey: recipient, eventKey: `${name}#1`, atMs: at * 1000, event: { event: name, recipient } };
  };
  const campaigns = createCampaigns({
    campaigns: {
      async *messages() {
        calls.push('messages');
        yield { partitions: [PARTITION], read: 1 };
      },
      async *recipients() {},
      async *mails(partition) {
        const mail = recipientMail(partition, names.map(event));
        if (mail !== undefined) yield mail;
      },
    },
    slices: {
      async *list(_domain, from, to) {
        calls.push('slices');
        const first = Math.ceil(from / SLICE_SECONDS) * SLICE_SECONDS;
        for (let start = first; start < to; start += SLICE_SECONDS) {
          const found = slice(start);
          if (found !== undefined) yield found;
        }
      },
    },
    ends: new Map(),
    retentionDays: RETENTION_DAYS,
    sliceSeconds: SLICE_SECONDS,
    settleSeconds: 1800,
    now: () => NOW * 1000,
    ...over,
  });
  const { completeFrom, completeness, archive, mails } = await campaigns({
    domain: DOMAIN,
    tag: 'spring',
    from: sentAt - DAY / 4,
    to: sentAt + DAY,
  });
  return { completeFrom, completeness, archive, accepted: mails?.accepted };
}

test('a mail without its accepted event is not counted in full', async () => {
  expect(ACCEPTED_AT).toBeLessThan(RETAINED_FROM);
  expect(await report(['delivered'])).toMatchObject({
    completeFrom: RETAINED_FROM,
    completeness: 'unknown',
    accepted: 0,
    archive: undefined,
  });
});

test.each(['too-large', 'too-slow', 'unavailable'] as const)(
  'a mail without its accepted event is not counted in full if the archive is %s',
  async (why) => {
    const startDeadline = () => new AbortController().signal;

    expect(await report(['delivered'], { archive: { read: async () => why, startDeadline } })).toMatchObject({
      completeFrom: RETAINED_FROM,
      completeness: 'unknown',
      archive: why,
    });
  },
);

test('a mail with its accepted event is counted in full, with the ledger from then on', async () => {
  expect(await report(['accepted', 'delivered'], {}, NOW - 5 * DAY)).toMatchObject({
    completeFrom: null,
    completeness: 'complete',
    accepted: 1,
  });
});

test.each([
  { name: 'its end', end: NOW - 2 * DAY, completeness: 'complete' },
  { name: 'a slice before its end', end: NOW - 2 * DAY + 1, completeness: 'unknown' },
])('a campaign of a former domain whose ledger reaches $name is $completeness', async ({ end, completeness }) => {
  const slices: CampaignDeps['slices'] = {
    async *list(_domain, from) {
      const first = Math.ceil(from / SLICE_SECONDS) * SLICE_SECONDS;
      for (let start = first; start < NOW - 2 * DAY; start += SLICE_SECONDS) yield slice(start);
    },
  };
  const over = { slices, ends: new Map([[DOMAIN, end]]) };
  expect(await report(['accepted', 'delivered'], over, NOW - 5 * DAY)).toMatchObject({ completeness });
  expect(await report(['accepted', 'delivered'], { slices }, NOW - 5 * DAY)).toMatchObject({ completeness: 'unknown' });
});

test('the time limit for the archive begins before the first read', async () => {
  let before: readonly string[] | undefined;
  const calls: string[] = [];
  const startDeadline = () => {
    before = [...calls];
    return new AbortController().signal;
  };
  await report(['delivered'], { archive: { read: async () => 'too-slow', startDeadline } }, SENT_AT, calls);

  expect([before, calls]).toEqual([[], ['slices', 'messages']]);
});

test('the messages of a campaign are read a few at a time', async () => {
  const inFlight = countInFlight();
  const partitions = Array.from({ length: 60 }, (_, n) => `MSG#${n}@${DOMAIN}`);

  const { accepted } = await report([], {
    campaigns: {
      async *messages() {
        yield { partitions, read: partitions.length };
      },
      async *recipients() {},
      async *mails(partition) {
        await inFlight.work();
        const event = { event: 'accepted', recipient: 'ada@example.org' };
        const mail = recipientMail(partition, [
          { recipientKey: 'ada@example.org', eventKey: 'accepted#1', atMs: SENT_AT * 1000, event },
        ]);
        if (mail !== undefined) yield mail;
      },
    },
  });

  expect(accepted).toBe(60);
  expect(inFlight.most).toBe(READS_AT_ONCE);
});
