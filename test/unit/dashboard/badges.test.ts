import { join } from 'node:path';
import { STATUSES } from '../../../lambdas/domain/event-types.ts';
import { JUDGED_SHARES, standingText, WATCHED_PROVIDERS } from '../../../lambdas/domain/recipients/provider-limits.ts';
import { avoidedWords, findAvoided } from '../../support/avoided-words.ts';
import { installTextDom, textOf } from '../../support/pages/text-dom.ts';

// What a badge says is read at a glance, by people who know mail and not this ledger.

/** Words that anyone knows who sends mail. */
const KNOWN = new Set(
  [
    'accepted, on its way delivered delayed Mailgun tries again failed reported as spam no status',
    'not on Mailgun’s list, may be forged test mode, not sent inbound, routed on',
    'complete incomplete up to later time not compared yet unknown exact may still change none is on',
    'enabled failing disabled acknowledged waiting published dead',
    'too few to judge good over above our the limit aim of and Gmail Yahoo Microsoft',
  ].flatMap(wordsOf),
);

function wordsOf(text: string): string[] {
  return text.match(/[\p{L}’]+/gu) ?? [];
}

let remove: () => void;
beforeAll(() => {
  remove = installTextDom();
});
afterAll(() => remove());

// Not by a literal name: the dashboard's files are for a browser, and compiled as such.
const load = (file: string) => import(join(import.meta.dirname, '../../../dashboard', file));

interface Shown {
  readonly attributes?: Readonly<Record<string, string>>;
  readonly parts?: readonly (Shown | string)[];
}

/** The texts of all badges in what is shown. */
function badgesIn(shown: unknown): string[] {
  if (Array.isArray(shown)) return shown.flatMap(badgesIn);
  if (typeof shown !== 'object' || shown === null) return [];
  const { attributes = {}, parts = [] } = shown as Shown;
  if (attributes.class?.startsWith('badge ')) return [textOf(shown).trim()];
  return parts.flatMap(badgesIn);
}

const RECEIVER = {
  name: 'crm',
  url: 'https://crm.example.net',
  since: null,
  reason: null,
  lastStatus: null,
  queue: null,
  deadLetters: null,
  unaccounted: [],
  hours: [],
  countedFrom: 0,
  ledger: { published: 0, acknowledged: 0, waiting: 0, dead: 0, unaccounted: 0 },
};
const CAMPAIGN = {
  domain: 'mg.example.com',
  mails: null,
  people: null,
  archive: 'none',
  asOf: 0,
  tag: 'news',
  from: 0,
  to: 86_400,
};

/** Every badge of the views that word their own, in each of its states. */
async function allBadges(): Promise<string[]> {
  const { statusBadge, marks } = await load('components/parts.ts');
  const { statePanel } = await load('views/receiver/state.ts');
  const { receiverView } = await load('views/receiver.ts');
  const { domainPanel } = await load('views/health/completeness.ts');
  const { alarmsPanel } = await load('views/health/alarms.ts');
  const { numbersPanel } = await load('views/campaign/numbers.ts');
  const context = { settings: { target: '--local' } };
  const deliveries = ['published', 'waiting', 'acknowledged', 'dead'].map((state, nth) => ({
    id: `d${nth}`,
    state,
    publishedAt: 0,
    type: 'message.status.changed',
    messageId: null,
    attempts: [],
  }));
  const responses: Readonly<Record<string, unknown>> = {
    '/receivers': { receivers: [{ ...RECEIVER, state: 'enabled' }] },
    '/receivers/deliveries': { deliveries, next: null },
  };
  const api = { get: async (path: string) => responses[path] };
  const receiver = await receiverView({ ...context, api, subject: 'crm', parameters: new URLSearchParams() });
  const ledgers = ['complete', 'incomplete', 'unknown'].map((completeness) => ({
    completeness,
    comparedTo: null,
    slices: [],
  }));
  const totals = { unconfirmed: 3, due: 0 };
  return [
    ...[...STATUSES, null].flatMap((status) => badgesIn(statusBadge(status))),
    ...badgesIn(marks({ unconfirmed: true, testMode: true, direction: 'inbound' })),
    ...['enabled', 'failing', 'disabled'].flatMap((state) => badgesIn(statePanel({ ...RECEIVER, state }, undefined))),
    ...badgesIn(receiver.content),
    ...ledgers.flatMap((ledger) => badgesIn(domainPanel('mg.example.com', { ...ledger, totals }, 1_770_000_000))),
    ...[null, []].flatMap((alarms) => badgesIn(alarmsPanel({ ledger: 'mail', alarms }, context))),
    ...['complete', 'incomplete', 'unknown'].flatMap((completeness) =>
      badgesIn(numbersPanel({ ...CAMPAIGN, completeness }, undefined)),
    ),
    ...(['few', 'good', 'high', 'over'] as const).flatMap((standing) =>
      JUDGED_SHARES.flatMap((share) =>
        Object.keys(WATCHED_PROVIDERS).map((provider) => standingText(standing, share, provider)),
      ),
    ),
  ];
}

test('every badge of the dashboard is in everyday words', async () => {
  const badges = [...new Set(await allBadges())];

  expect(badges.length).toBeGreaterThan(25);
  expect(badges.filter((text) => wordsOf(text).some((word) => !KNOWN.has(word)))).toEqual([]);
  expect(findAvoided(badges.join('. '), avoidedWords())).toEqual([]);
});

test('the terms of the ledger are not everyday words', () => {
  for (const word of ['settled', 'unlisted', 'polled', 'stuck', 'unconfirmed', 'altered', 'DEFERRED', 'COMPLAINED']) {
    expect(KNOWN.has(word)).toBe(false);
  }
});
