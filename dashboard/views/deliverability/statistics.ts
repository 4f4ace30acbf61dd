import type { StatsBucket } from '../../../api/responses/ledger.ts';
import type { CountsByType } from '../../../api/responses/schema.ts';
import { EVENT_NAMES, typeIdsOf } from '../../../lambdas/domain/event-types.ts';
import { inlineBar, legend, stackedBars } from '../../components/chart.ts';
import { type Child, h } from '../../components/dom.ts';
import { type CsvFile, csvButton } from '../../components/download.ts';
import { badge, empty, panel, visible } from '../../components/parts.ts';
import { table } from '../../components/table.ts';
import { linkTo } from '../../route.ts';
import { countOf, numberText, shareText } from '../../values/numbers.ts';
import { DAY_SECONDS, utcDay } from '../../values/time.ts';

/** The tag that stands for every event. */
export const ALL_TAGS = '*';

interface Day {
  readonly day: string;
  readonly counts: CountsByType;
  readonly open: boolean;
}

/** Returns every day of a span by its bucket, the empty ones too. */
export function daysOf(buckets: readonly StatsBucket[], from: number, days: number): Day[] {
  return Array.from({ length: days }, (_, at) => {
    const day = utcDay(from + at * DAY_SECONDS);
    const { counts, open } = buckets.find(({ hour }) => hour.startsWith(day)) ?? { counts: {}, open: false };
    return { day, counts, open };
  });
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

/** Returns a bucket with failures by severity among its counts; `failed` keeps those whose severity was not counted. */
export function withSeverities(bucket: StatsBucket): StatsBucket {
  const { failures = {} } = bucket;
  const { [FAILED]: failed = 0, ...others } = bucket.counts;
  const unknown = failed - FAILURES.reduce((sum, type) => sum + countOf(failures, type), 0);
  return { ...bucket, counts: { ...others, ...failures, ...(unknown > 0 && { [FAILED]: unknown }) } };
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

/** An outcome of mail: its colour, its type, and its words. */
const OUTCOMES = [
  ['stored', 'delivered', 'delivered'],
  ['recovered', TEMPORARY, 'put off'],
  ['missing', PERMANENT, 'failed permanently'],
  ['pending', FAILED, 'failed, severity unknown'],
  ['unconfirmed', 'complained', 'reported as spam'],
] as const;

const outcomes = (counts: CountsByType) => OUTCOMES.map(([kind, type]) => [kind, countOf(counts, type)] as const);

/** Returns the outcomes that there are; failures of unknown severity are rare. */
const outcomesIn = (counts: CountsByType) =>
  OUTCOMES.filter(([, type]) => type !== FAILED || countOf(counts, type) > 0).map(([kind, type, words]) => ({
    kind,
    words,
    value: numberText(countOf(counts, type)),
  }));

const capitalized = (words: string) => words.charAt(0).toUpperCase() + words.slice(1);

const outcomesText = (counts: CountsByType) =>
  outcomesIn(counts)
    .map(({ value, words }) => `${value} ${words}`)
    .join(', ');

export function dayPanel(
  list: readonly Day[],
  domain: string,
  tag: string,
  link: (over: Record<string, string>) => string,
) {
  const sums = {};
  for (const { counts } of list) add(sums, counts);
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
        label: `What became of mail by day: ${outcomesText(sums)}. The table below has the numbers.`,
        bars: list.map(({ day, counts }) => ({
          label: `${day}: ${outcomesText(counts)}`,
          parts: outcomes(counts),
        })),
        ends: [list[0]?.day, list.at(-1)?.day],
      }),
      legend(outcomesIn(sums).map(({ kind, words, value }) => ({ kind, name: capitalized(words), value }))),
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
    countsCsv(['numbers by day', `days-${domain}`], list, 'day', ({ day }) => day),
  );
}

interface Counted {
  readonly counts: Readonly<Record<string, number>>;
}

/** Returns the columns of outcomes, one number a column. */
export function outcomeColumns<Row extends Counted>(rows: readonly Row[]) {
  return [['accepted', 'accepted'] as const, ...OUTCOMES.map(([, type, words]) => [type, words] as const)]
    .filter(([type]) => type !== FAILED || isSeen(rows, type))
    .map(([type, head]) => countColumn<Row>(type, head));
}

const isSeen = (rows: readonly Counted[], type: string) => rows.some(({ counts }) => countOf(counts, type) > 0);

function countColumn<Row extends Counted>(type: string, head: string) {
  return { head, numeric: true, cell: ({ counts }: Row): Child => numberText(countOf(counts, type)) };
}

/** Returns the columns: first the two most watched shares, since others may need scrolling, then a number per type. */
function countColumns<Row extends Counted>(rows: readonly Row[]) {
  const known = ['accepted', ...OUTCOMES.map(([, type]): string => type)];
  const others = EVENT_NAMES.filter((type) => isSeen(rows, type) && !known.includes(type));
  const share = (part: string, whole: string) => (row: Row) =>
    shareText(countOf(row.counts, part), countOf(row.counts, whole));
  return [
    { head: 'delivered / accepted', numeric: true, cell: share('delivered', 'accepted') },
    { head: 'reported as spam / delivered', numeric: true, cell: share('complained', 'delivered') },
    ...outcomeColumns(rows),
    ...others.map((type) => countColumn<Row>(type, type)),
  ];
}

/** Returns a button for a table of counts, each type in a column. */
function countsCsv<Row extends Counted>(
  file: CsvFile,
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

/** Returns a note on the tags that counts leave out, or nothing. */
export const rareTagsNote = (buckets: readonly StatsBucket[]): Child =>
  buckets.some(({ cut }) => cut) && h('p', { class: 'note' }, 'Where very many tags are used, rare ones are left out.');

/** Shows the tags of a day by their buckets; undefined if these could not be read. */
export function tagPanel(
  buckets: readonly StatsBucket[] | undefined,
  { domain, day }: { domain: string; day: string },
  link: (over: Record<string, string>) => string,
) {
  const title = `By tag: ${day}`;
  if (buckets === undefined) return panel(title, empty('Tags could not be listed. Type one above.'));
  const rows = buckets.filter(({ tag }) => tag !== ALL_TAGS);
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
        {
          head: 'Report',
          cell: ({ tag }) =>
            tag !== '' && h('a', { href: linkTo('campaign', tag, { domain }), class: 'nowrap' }, 'campaign'),
        },
        { head: 'Outcomes', cell: ({ counts }) => inlineBar(outcomes(counts), most) },
        ...countColumns(rows),
      ],
      { caption: title, tall: true, cards: true },
    ),
    rareTagsNote(buckets),
    countsCsv(['numbers by tag', `tags-${domain}-${day}`], rows, 'tag', ({ tag }) => tag),
  );
}
