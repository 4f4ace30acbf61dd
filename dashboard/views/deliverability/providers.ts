import type { StatsBucket } from '../../../api/responses/ledger.ts';
import {
  JUDGED_SHARES,
  JUDGED_TIME,
  type JudgedShare,
  MIN_JUDGED_MAILS,
  type ProviderStanding,
  percentText,
  providerStanding,
  SHARE_LIMITS,
  SHARE_WORDS,
  type Standing,
  standingText,
  WATCHED_PROVIDERS,
} from '../../../lambdas/domain/recipients/provider-limits.ts';
import { limitBar } from '../../components/chart.ts';
import { type Child, h } from '../../components/dom.ts';
import { csvButton } from '../../components/download.ts';
import { badge, empty, type Mood, panel, visible } from '../../components/parts.ts';
import { table } from '../../components/table.ts';
import { countOf, fineShareText, numberText } from '../../values/numbers.ts';
import { sumBy } from './statistics.ts';

interface Row {
  readonly provider: string;
  readonly counts: Readonly<Record<string, number>>;
  readonly standing: ProviderStanding;
}

const COUNTED = [
  ['delivered', 'delivered'],
  ['failed permanently', 'permanent_fail'],
  ['put off', 'temporary_fail'],
  ['reported as spam', 'complained'],
] as const;

/** Shows the last days' mail by mailbox provider, beside the providers' limits. */
export function providerPanel(buckets: readonly StatsBucket[], domain: string) {
  const title = `By mailbox provider: ${domain}, ${JUDGED_TIME}`;
  const rows = rowsOf(buckets);
  if (rows.length === 0) return panel(title, empty('No event of this span has been compared by provider yet.'));
  return panel(
    title,
    h('ul', { class: 'standings' }, ...rows.filter(isWatched).map((row) => h('li', {}, ...sentence(row)))),
    table(
      rows,
      [
        { head: 'Provider', cell: ({ provider }) => nameOf(provider) },
        ...COUNTED.map(([head, type]) => ({
          head,
          numeric: true,
          cell: ({ counts }: Row) => numberText(countOf(counts, type)),
        })),
        ...JUDGED_SHARES.map((share) => ({
          head: SHARE_WORDS[share],
          numeric: true,
          cell: (row: Row) => shareCell(share, row),
        })),
      ],
      { caption: title, cards: true },
    ),
    h(
      'p',
      { class: 'note' },
      'Gmail and Yahoo want spam reports below 0.1 % of deliveries, and hold mail back from 0.3 % on; other ' +
        'providers publish no share and are judged by theirs. Microsoft refuses mail without SPF, DKIM and DMARC by ' +
        '550 5.7.515. ' +
        'For failures and refusals by policy no provider publishes a limit: those are ours. ' +
        `Shares are judged from ${numberText(MIN_JUDGED_MAILS)} mails on; mail in test mode is left out. ${certainty(buckets)}` +
        (buckets.some(({ cut }) => cut) ? ' Rare providers of busy hours are among all others.' : ''),
    ),
    csvButton(['numbers by provider', `providers-${domain}`], rows, [
      ['provider', ({ provider }) => provider],
      ...COUNTED.map(([, type]) => [type, ({ counts }: Row) => countOf(counts, type)] as const),
      ['refused_by_policy', ({ standing }) => standing.policy.part],
      ...JUDGED_SHARES.map((share) => [`${share}_standing`, ({ standing }: Row) => standing[share].standing] as const),
    ]),
  );
}

function rowsOf(buckets: readonly StatsBucket[]): Row[] {
  const providerOf = ({ provider = 'other' }: StatsBucket) => provider;
  const policies = new Map(
    sumBy(
      buckets.map(({ policy = {}, ...bucket }) => ({ ...bucket, counts: policy })),
      providerOf,
    ),
  );
  const rows = sumBy(buckets, providerOf).map(([provider, counts]) => {
    const standing = providerStanding({ counts, policy: policies.get(provider) ?? {} });
    return { provider, counts, standing };
  });
  return rows.toSorted((a, b) => countOf(b.counts, 'delivered') - countOf(a.counts, 'delivered'));
}

const isWatched = ({ provider }: Row) => Object.hasOwn(WATCHED_PROVIDERS, provider);

function nameOf(provider: string): string {
  if (provider === 'other') return 'all others';
  return Object.entries(WATCHED_PROVIDERS).find(([key]) => key === provider)?.[1] ?? visible(provider);
}

const MOODS: Readonly<Record<Standing, Mood>> = { few: 'unknown', good: 'good', high: 'wait', over: 'bad' };
/** The words for the worst share. */
const SHARE_NAMES: Readonly<Record<JudgedShare, string>> = {
  complaints: 'spam reports',
  bounces: 'permanent failures',
  policy: 'refusals by policy',
};
/** The worst first. */
const ORDER: readonly Standing[] = ['over', 'high', 'good', 'few'];

/** Returns a provider's state as a sentence for screen readers. */
function sentence({ provider, counts, standing }: Row): Child[] {
  const worst = ORDER.find((each) => JUDGED_SHARES.some((share) => standing[share].standing === each)) ?? 'few';
  const share = JUDGED_SHARES.find((each) => standing[each].standing === worst) ?? 'complaints';
  const isCrossed = worst === 'over' || worst === 'high';
  const { complaints, bounces, policy } = standing;
  return [
    h('strong', {}, nameOf(provider)),
    ' ',
    badge(`${isCrossed ? `${SHARE_NAMES[share]} ` : ''}${standingText(worst, share, provider)}`, MOODS[worst]),
    ` ${numberText(countOf(counts, 'delivered'))} delivered, ${fineShareText(complaints.part, complaints.whole)} of them ` +
      `reported as spam; ${fineShareText(bounces.part, bounces.whole)} failed permanently, ` +
      `${numberText(policy.part)} by a policy (5.7.x).`,
  ];
}

function shareCell(share: JudgedShare, { provider, standing }: Row): Child[] {
  const { part, whole, standing: found } = standing[share];
  const mood = MOODS[found];
  const { aim, limit, publishers } = SHARE_LIMITS[share];
  const isOurs = publishers.length === 0;
  const hasLines = isOurs || publishers.some((each) => each === provider);
  const label = `${isOurs ? 'our ' : ''}aim ${percentText(aim)}, limit ${percentText(limit)}`;
  return [
    fineShareText(part, whole),
    ' ',
    badge(standingText(found, share, provider), mood),
    limitBar(
      whole === 0 ? 0 : part / whole,
      hasLines
        ? { lines: [aim, limit], most: limit, label }
        : { lines: [], most: limit, label: 'no limit is published' },
      mood,
    ),
  ];
}

/** Returns a sentence on whether the counted time is complete. */
function certainty(buckets: readonly Pick<StatsBucket, 'open' | 'hour'>[]): string {
  const open = new Set(buckets.filter((bucket) => bucket.open).map(({ hour }) => hour.slice(0, 10)));
  if (open.size === 0) return 'The ledger has settled all of these days: the numbers are exact.';
  const those = open.size === 1 ? 'that day' : 'those days';
  return `The ledger has not settled ${[...open].toSorted().join(', ')} yet: ${those} may still change.`;
}
