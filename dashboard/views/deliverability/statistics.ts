import type { StatsBucket } from '../../../api/responses/ledger.ts';
import type { CountsByType } from '../../../api/responses/schema.ts';
import { EVENT_NAMES, typeIdsOf } from '../../../lambdas/domain/event-types.ts';
import { inlineBar, legend, stackedBars } from '../../components/chart.ts';
import { h } from '../../components/dom.ts';
import { csvButton } from '../../components/download.ts';
import { badge, empty, panel, visible } from '../../components/parts.ts';
import { table } from '../../components/table.ts';
import { linkTo } from '../../route.ts';
import { countOf, numberText, shareText } from '../../values/numbers.ts';
import { DAY_SECONDS, utcDay } from '../../values/time.ts';

/** The tag that stands for every event. */
export const ALL_TAGS = '*';

interface Day {
  readonly day: string;
  readonly counts: Record<string, number>;
  open: boolean;
}

/** Hours added up to days, the empty ones too. */
export function daysOf(buckets: readonly StatsBucket[], from: number, days: number): Day[] {
  const list: Day[] = Array.from({ length: days }, (_, at) => ({
    day: utcDay(from + at * DAY_SECONDS),
    counts: {},
    open: false,
  }));
  for (const { hour, counts, open } of buckets) {
    const found = list.find(({ day }) => day === hour.slice(0, 10));
    if (found === undefined) continue;
    found.open ||= open;
    add(found.counts, counts);
  }
  return list;
}

/** Returns the counts of all buckets, added up by a name. */
export function sumBy(buckets: readonly StatsBucket[], nameOf: (bucket: StatsBucket) => string) {
  const sums = new Map<string, Record<string, number>>();
  for (const bucket of buckets) {
    const sum = sums.get(nameOf(bucket)) ?? {};
    sums.set(nameOf(bucket), sum);
    add(sum, bucket.counts);
  }
  return [...sums];
}

/** Adds to each day how its failures divide, which statistics by provider know. */
export function divideFailures(list: readonly Day[], byProvider: readonly StatsBucket[]): void {
  for (const { hour, counts } of byProvider) {
    const day = list.find((each) => each.day === hour.slice(0, 10));
    if (day === undefined) continue;
    for (const type of FAILURES) add(day.counts, { [type]: countOf(counts, type) });
  }
}

const FAILED = 'failed';
const [PERMANENT = ''] = typeIdsOf(FAILED, 'permanent');
const [TEMPORARY = ''] = typeIdsOf(FAILED, 'temporary');
const FAILURES = [PERMANENT, TEMPORARY];

function add(sum: Record<string, number>, counts: Readonly<Record<string, number>>): void {
  for (const [type, count] of Object.entries(counts)) {
    const value = countOf(sum, type) + count;
    Object.defineProperty(sum, type, { value, enumerable: true, writable: true, configurable: true });
  }
}

const tagName = (tag: string) => (tag === ALL_TAGS ? 'all tags' : tag === '' ? 'untagged' : visible(tag));

const outcomes = (counts: CountsByType) =>
  [
    ['stored', countOf(counts, 'delivered')],
    ['recovered', countOf(counts, 'failed')],
    ['missing', countOf(counts, 'complained')],
  ] as const;

export function dayPanel(
  list: readonly Day[],
  domain: string,
  tag: string,
  link: (over: Record<string, string>) => string,
) {
  const sum = (type: string) => list.reduce((all, { counts }) => all + countOf(counts, type), 0);
  const title = `By day: ${domain}, ${tagName(tag)}`;
  if (list.every(({ counts }) => Object.keys(counts).length === 0)) {
    return panel(title, empty('No event of this span has been judged yet: statistics follow the ledger.'));
  }
  return panel(
    title,
    h(
      'figure',
      {},
      stackedBars({
        label: `Delivered, failed and complained events by day: ${sum('delivered')} delivered, ${sum('failed')} failed, ${sum('complained')} complained. The table below has the numbers.`,
        bars: list.map(({ day, counts }) => ({
          label: `${day}: ${countOf(counts, 'delivered')} delivered, ${countOf(counts, 'failed')} failed, ${countOf(counts, 'complained')} complained`,
          parts: outcomes(counts),
        })),
        ends: [list[0]?.day, list.at(-1)?.day],
      }),
      legend([
        { kind: 'stored', name: 'Delivered', value: numberText(sum('delivered')) },
        { kind: 'recovered', name: 'Failed or put off', value: numberText(sum('failed')) },
        { kind: 'missing', name: 'Complained', value: numberText(sum('complained')) },
      ]),
    ),
    table(
      list.toReversed().filter(({ counts, open }) => open || Object.keys(counts).length > 0),
      [
        {
          head: 'Day (UTC)',
          cell: ({ day, open }) => [
            h('a', { href: link({ day }) }, day),
            open && [' ', badge('may still change', 'unknown')],
          ],
        },
        ...countColumns(list),
      ],
      { caption: title, cards: true },
    ),
    h(
      'p',
      { class: 'note' },
      'A day may still change until Mailgun’s list of all its time was compared and nothing of it is missing.',
    ),
    countsCsv(`days-${domain}`, list, 'day', ({ day }) => day),
  );
}

const HEADS: Readonly<Record<string, string>> = {
  [FAILED]: 'failed, temporary too',
  [PERMANENT]: 'failed permanently',
  [TEMPORARY]: 'put off',
};

/** What became of mail goes first; what readers did follows where any did. */
const OUTCOMES = ['accepted', 'delivered', 'failed', 'complained'];

interface Counted {
  readonly counts: Readonly<Record<string, number>>;
}

/** One number a type, and the two shares that people watch. */
function countColumns<Row extends Counted>(rows: readonly Row[]) {
  const others = EVENT_NAMES.filter((type) => !OUTCOMES.includes(type));
  const seen = others.filter((type) => rows.some(({ counts }) => countOf(counts, type) > 0));
  const isDivided = rows.some(({ counts }) => FAILURES.some((type) => countOf(counts, type) > 0));
  const share = (part: string, whole: string) => (row: Row) =>
    shareText(countOf(row.counts, part), countOf(row.counts, whole));
  return [
    ...[...OUTCOMES.flatMap((type) => (isDivided && type === FAILED ? FAILURES : type)), ...seen].map((type) => ({
      head: HEADS[type] ?? type,
      numeric: true,
      cell: ({ counts }: Row) => numberText(countOf(counts, type)),
    })),
    { head: 'delivered / accepted', numeric: true, cell: share('delivered', 'accepted') },
    { head: 'complained / delivered', numeric: true, cell: share('complained', 'delivered') },
  ];
}

/** Returns a button for a table of counts, each type in a column. */
function countsCsv<Row extends Counted>(
  file: string,
  rows: readonly Row[],
  head: string,
  nameOf: (row: Row) => string,
) {
  const types = [...new Set(rows.flatMap(({ counts }) => Object.keys(counts)))].toSorted();
  return csvButton(file, rows, [
    [head, nameOf],
    ...types.map((type) => [type, ({ counts }: Row) => countOf(counts, type)] as const),
  ]);
}

export function tagPanel(
  buckets: readonly StatsBucket[],
  { domain, day }: { domain: string; day: string },
  link: (over: Record<string, string>) => string,
) {
  const tags = sumBy(
    buckets.filter(({ tag }) => tag !== ALL_TAGS),
    ({ tag }) => tag,
  );
  const title = `By tag: ${day}`;
  const rows = tags.map(([tag, counts]) => ({ tag, counts }));
  if (rows.length === 0) return panel(title, empty('No event of this day has been judged yet.'));
  rows.sort((a, b) => countOf(b.counts, 'accepted') - countOf(a.counts, 'accepted') || (a.tag < b.tag ? -1 : 1));
  const most = Math.max(...rows.map(({ counts }) => outcomes(counts).reduce((sum, [, count]) => sum + count, 0)));
  return panel(
    title,
    table(
      rows,
      [
        // An address without a tag means all of them.
        { head: 'Tag', cell: ({ tag }) => (tag === '' ? 'untagged' : h('a', { href: link({ tag }) }, visible(tag))) },
        { head: 'Outcomes', cell: ({ counts }) => inlineBar(outcomes(counts), most) },
        ...countColumns(rows),
        {
          head: 'Report',
          cell: ({ tag }) =>
            tag !== '' && h('a', { href: linkTo('campaign', tag, { domain }), class: 'nowrap' }, 'campaign'),
        },
      ],
      { caption: title, tall: true, cards: true },
    ),
    countsCsv(`tags-${domain}-${day}`, rows, 'tag', ({ tag }) => tag),
  );
}
