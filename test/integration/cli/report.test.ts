import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import type { CampaignResponse } from '../../../api/responses/campaign.ts';
import { createRandom } from '../../../tools/mailgun-twin/random.ts';
import type { EventData, Mail, Moment } from '../../../tools/mailgun-twin/traffic/event-parts.ts';
import * as made from '../../../tools/mailgun-twin/traffic/events.ts';
import { reportLine } from '../../support/json-lines/report.ts';
import { LOCAL_API_KEY, type LocalLedger, startLocalLedger } from '../../support/local-ledger.ts';
import { drained, postWebhook } from '../../support/local-stack.ts';
import { DOMAIN } from '../../support/webhooks.ts';

// A campaign of the twin's own events, of which some webhooks are doubled, mixed up and dropped. The report must equal,
// number by number, what a plain count over the twin's list says.

jest.setTimeout(120_000);

const random = createRandom(25);
const startMs = Math.floor(Date.now() / 60_000) * 60_000 - 420_000;
let local: LocalLedger;
let campaign: Sent[];

/** An event of the list, and its mail. */
interface Sent {
  readonly messageId: string;
  readonly event: EventData;
}

beforeAll(async () => {
  local = await startLocalLedger({
    reconcile: {
      ...{ source: 'events', everySeconds: 600, settleSeconds: 1, sliceSeconds: 60, retentionSeconds: 900 },
      ...{ fromEpochSeconds: startMs / 1000 - 60, mailgunUrl: undefined, apiKey: LOCAL_API_KEY },
    },
  });
  campaign = [...campaignMails(), ...batchMails()];
  const all = [...campaign, ...otherMails()].map(({ event }) => event);
  local.stack.list(all);
  // A third of the webhooks never comes, a third comes twice, all in disorder.
  const posted = all.flatMap((event, nth) => (nth % 3 === 0 ? [] : nth % 3 === 1 ? [event] : [event, event]));
  for (const event of posted.toSorted(() => random.next() - 0.5))
    expect(await postWebhook(local.stack, event)).toBe(200);
  await drained(local.stack);
  for (let pass = 0; pass < 3; pass += 1) {
    await local.stack.reconcile();
    await drained(local.stack);
  }
}, 120_000);
afterAll(() => local?.stack.stop());

function mail(nth: number, tags: readonly string[], to: readonly string[]): Mail {
  const messageId = `${tags[0] ?? 'none'}.${nth}@${DOMAIN}`;
  return { domain: DOMAIN, messageId, from: `hello@${DOMAIN}`, to, subject: 'Spring', tags };
}

const at = (of: Mail, recipient: string, second: number): Moment => ({
  ...{ mail: of, recipient, random },
  epochMs: startMs + second * 1000,
});

/** What becomes of one mail, by its number; the person of every fifth gets two mails. */
function lifeOf(nth: number, of: Mail, recipient: string): Sent[] {
  const moment = (second: number) => at(of, recipient, nth + second);
  const events: EventData[] = [made.accepted(moment(0))];
  const kind = nth % 8;
  if (kind === 1) events.push(made.deferred(1, 600)(moment(1)), made.deferred(2, 600)(moment(20)));
  if (kind === 2) events.push(made.bounced(moment(2)));
  else if (kind === 3) events.push(made.tooOld(moment(90)));
  else if (kind === 4) events.push(made.suppressed(605)(moment(1)));
  else events.push(made.delivered(moment(1 + (nth % 30))));
  // It names no tag, as Mailgun's does.
  if (kind === 5) events.push(made.delayedBounce(moment(100)));
  if (kind === 6) events.push(made.opened()(moment(60)), made.opened('apple')(moment(40)), made.clicked()(moment(61)));
  if (kind === 7) events.push(made.opened('apple')(moment(41)), made.clicked('generic')(moment(42)));
  if (nth % 16 === 6) events.push(made.complained(moment(120)), made.unsubscribed('*')(moment(121)));
  return events.map((event) => ({ messageId: of.messageId, event }));
}

const campaignMails = () =>
  Array.from({ length: 48 }, (_, nth) => {
    const recipient = `Reader-${nth % 5 === 4 ? nth - 1 : nth}@north.example`;
    // Spellings of a tag that differ in case are one.
    return lifeOf(nth, mail(nth, [nth % 2 === 0 ? 'Spring' : 'spring', 'sale'], [recipient]), recipient);
  }).flat();

/** One message to several people. */
function batchMails(): Sent[] {
  const recipients = ['one', 'two', 'three'].map((name) => `batch-${name}@north.example`);
  const of = mail(900, ['spring'], recipients);
  return recipients.flatMap((recipient, nth) => lifeOf([6, 2, 0][nth] as number, of, recipient));
}

const otherMails = () =>
  Array.from({ length: 16 }, (_, nth) =>
    lifeOf(nth, mail(nth, ['receipts'], ['other@north.example']), 'other@north.example'),
  ).flat();

/** A plain count over the list, which shares no code with the product. */
function countOfList(sent: readonly Sent[]) {
  const mails = Map.groupBy(sent, ({ messageId, event }) => `${messageId} ${event.recipient.toLowerCase()}`);
  const people = Map.groupBy(sent, ({ event }) => event.recipient.toLowerCase());
  const is =
    (name: string, more: (event: EventData) => boolean = () => true) =>
    (each: Sent) =>
      each.event.event === name && more(each.event);
  const isBot = (event: EventData) => Boolean((event['client-info'] as { bot?: string } | undefined)?.bot);
  const count = (groups: Map<string, Sent[]>, test: (each: Sent) => boolean) =>
    [...groups.values()].filter((group) => group.some(test)).length;
  const permanent = is('failed', (event) => event.severity === 'permanent');
  const classOf = (event: EventData) =>
    ({ bounce: 'unknown-user', old: 'too-old', 'suppress-bounce': 'suppressed' })[String(event.reason)] ??
    'mailbox-full';
  const failures = [...mails.values()].flatMap((group) => group.find(permanent)?.event ?? []);
  const between = (from: (each: Sent) => boolean, to: (each: Sent) => boolean) => {
    const seconds = [...mails.values()].flatMap((group) => {
      const [first, last] = [from, to].map((test) =>
        Math.min(...group.filter(test).map(({ event }) => Math.floor(event.timestamp * 1000))),
      ) as [number, number];
      return Number.isFinite(first) && Number.isFinite(last) ? [Math.round((last - first) / 1000)] : [];
    });
    const sorted = seconds.toSorted((a, b) => a - b);
    return { p50: sorted[Math.ceil(sorted.length * 0.5) - 1], p95: sorted[Math.ceil(sorted.length * 0.95) - 1] };
  };
  const only = (name: string) =>
    count(people, is(name)) -
    count(
      people,
      is(name, (event) => !isBot(event)),
    );
  return {
    mails: {
      mails: mails.size,
      accepted: count(mails, is('accepted')),
      delivered: count(mails, is('delivered')),
      deferred: count(
        mails,
        is('failed', (event) => event.severity === 'temporary'),
      ),
      failed: failures.length,
      failedByClass: Object.fromEntries(
        [...Map.groupBy(failures, classOf)].map(([name, events]) => [name, events.length]),
      ),
      testMode: 0,
      unconfirmedEvents: 0,
      secondsToDelivery: between(is('accepted'), is('delivered')),
      secondsToFirstOpen: between(
        is('delivered'),
        is('opened', (event) => !isBot(event)),
      ),
    },
    people: {
      people: people.size,
      openers: count(
        people,
        is('opened', (event) => !isBot(event)),
      ),
      clickers: count(
        people,
        is('clicked', (event) => !isBot(event)),
      ),
      machineOpeners: only('opened'),
      machineClickers: only('clicked'),
      complainers: count(people, is('complained')),
      unsubscribers: count(people, is('unsubscribed')),
    },
    failures,
  };
}

async function report(...flags: string[]) {
  const { exitCode, json } = await local.ledger(['report', 'SPRING', '--json', '--from', '20m', ...flags]);
  expect(exitCode).toBe(0);
  return json().map((line) => reportLine.parse(line));
}

async function asRead(query = '') {
  const { apiUrl, apiToken } = local.stack.ready;
  const headers = { authorization: `Bearer ${apiToken}` };
  return (await fetch(`${apiUrl}/mailgun/campaigns/Spring${query}`, { headers })).json() as Promise<CampaignResponse>;
}

test('the report equals a count over the list, number by number, and the ledger calls it complete', async () => {
  const wanted = countOfList(campaign);
  const lines = await report();
  const sum = lines.find((line) => line.event === 'report');
  const { mails, people, completeness } = sum as Extract<typeof sum, { event: 'report' }>;

  expect({ mails, people }).toEqual({ mails: wanted.mails, people: wanted.people });
  expect(completeness).toBe('complete');
  const failed = lines.filter((line) => line.event === 'failed');
  expect(failed.map(({ recipient }) => recipient).toSorted()).toEqual(
    wanted.failures.map(({ recipient }) => recipient).toSorted(),
  );
  expect(failed.find(({ failureClass }) => failureClass === 'unknown-user')).toMatchObject({
    ...{ reason: 'bounce', code: '5.1.1', text: '5.1.1 There is nobody of this name here' },
  });
});

test('the read API says the same', async () => {
  const wanted = countOfList(campaign);
  const { mails, people, failures, completeness, listed } = await asRead();

  expect({ mails, people, completeness }).toEqual({
    ...{ mails: wanted.mails, people: wanted.people },
    completeness: 'complete',
  });
  expect(failures).toHaveLength(wanted.failures.length);
  expect(listed.accepted).toBe(campaign.filter(({ event }) => event.event === 'accepted').length);
  expect((await asRead('?from=2026-01-01T00:00:00Z&to=2026-01-02T00:00:00Z')).mails?.mails).toBe(0);
});

test('the failed recipients are a table, and the numbers go to standard error', async () => {
  const { exitCode, lines, errors } = await local.ledger(['report', 'spring', '--csv', '--from', '20m']);

  expect(exitCode).toBe(0);
  expect(lines[0]).toBe('recipient,messageId,at,failureClass,reason,code,text');
  expect(lines).toHaveLength(1 + countOfList(campaign).failures.length);
  expect(errors.join('\n')).toMatch(/^spring of mg\.example\.com.*: complete: .*\n {2}mails +51\b/s);
});

test('the plan reads nothing but slices, and says how many events and what they cost', async () => {
  const [line] = await report('--plan');

  const own = campaign.length;
  expect(line).toMatchObject({ event: 'plan', events: expect.any(Number) });
  const { events, dollars } = line as Extract<typeof line, { event: 'plan' }>;
  expect(events).toBeGreaterThan(own);
  expect(dollars).toBeCloseTo(events * 0.5 * (0.125 / 1e6), 12);
});

test('an erased recipient stays counted, unnamed', async () => {
  const [erased] = countOfList(campaign).failures.filter(({ reason }) => reason === 'bounce');
  const { recipient } = erased as EventData;
  // Nothing is in flight, so there is no visibility timeout to wait for.
  const { exitCode } = await local.ledger(['erase', recipient, '--yes'], { sleep: async () => {} });
  expect(exitCode).toBe(0);

  const wanted = countOfList(campaign);
  const lines = await report();
  const sum = lines.find((line) => line.event === 'report');
  const { mails, people } = sum as Extract<typeof sum, { event: 'report' }>;
  expect({ mails, people }).toEqual({ mails: wanted.mails, people: wanted.people });
  const failed = lines.filter((line) => line.event === 'failed');
  expect(failed.filter(({ recipient: named }) => named === recipient)).toEqual([]);
  expect(failed.filter(({ recipient: named }) => named === null).length).toBeGreaterThan(0);
});

test('a tag without mail exits with 1 and says so', async () => {
  const { exitCode, lines } = await local.ledger(['report', 'typo', '--from', '20m']);
  expect({ exitCode, lines }).toEqual({
    exitCode: 1,
    lines: [expect.stringMatching(/^No mail was sent under typo of mg\.example\.com/)],
  });
});
