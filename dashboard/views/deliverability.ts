import { inlineBar, legend, stackedBars } from '../chart.ts';
import { h } from '../dom.ts';
import { countOf, numberText, shareText } from '../numbers.ts';
import {
  badge,
  EVENT_TYPES,
  empty,
  eventText,
  field,
  goForm,
  panel,
  recipientLink,
  select,
  table,
  textIn,
  visible,
} from '../parts.ts';
import { linkTo } from '../route.ts';
import type { Counts, EventPage, LedgerEvent, Stats, StatsBucket } from '../shapes.ts';
import { timeElement, utcDay } from '../time.ts';
import { chosenDomain, type View, type ViewContext } from '../view.ts';

const DAY_SECONDS = 86_400;
const SPANS = [7, 14, 30] as const;
const ALL_TAGS = '*';

interface Day {
  readonly day: string;
  readonly counts: Record<string, number>;
  open: boolean;
}

/** How mail fares by day and tag. The tags are of one day, since their number has no bound. */
export const deliverabilityView: View = async (context) => {
  const { api, parameters } = context;
  const { domains, domain, tag, days, day } = choiceOf(await context.health(), parameters);
  const midnight = Math.floor(Date.now() / 1000 / DAY_SECONDS) * DAY_SECONDS;
  const from = midnight - (days - 1) * DAY_SECONDS;
  const dayStart = Date.parse(day) / 1000;
  const [byDay, byTag, failed, complained] = await Promise.all([
    api.get<Stats>('/stats', { domain, tag, from, to: midnight + DAY_SECONDS }),
    api.get<Stats>('/stats', { domain, from: dayStart, to: dayStart + DAY_SECONDS }),
    api.get<EventPage>('/events', { domain, day, type: 'failed', limit: 100 }),
    api.get<EventPage>('/events', { domain, day, type: 'complained', limit: 100 }),
  ]);
  const list = daysOf(byDay.buckets, from, days);
  const link = (over: Record<string, string>) =>
    linkTo('deliverability', '', { domain, tag, days: String(days), day, ...over });
  return {
    title: 'Deliverability',
    content: [
      panel(
        'Choose',
        goForm(
          'Show',
          (values) =>
            link({
              domain: textIn(values, 'domain'),
              tag: textIn(values, 'tag') || ALL_TAGS,
              days: textIn(values, 'days'),
              day: textIn(values, 'day') || day,
            }),
          field(
            'Domain',
            select(
              'domain',
              domains.map((each) => [each, each] as const),
              domain,
            ),
          ),
          field(
            'Tag',
            h('input', { name: 'tag', value: tag === ALL_TAGS ? '' : tag, placeholder: 'all', autocomplete: 'off' }),
          ),
          field(
            'Span',
            select(
              'days',
              SPANS.map((span) => [String(span), `${span} days`] as const),
              String(days),
            ),
          ),
          field('Day (UTC)', h('input', { type: 'date', name: 'day', value: day })),
        ),
      ),
      dayPanel(list, domain, tag, link),
      tagPanel(byTag.buckets, day, link),
      peoplePanel(failed, complained, domain, day),
    ],
  };
};

function choiceOf(health: Awaited<ReturnType<ViewContext['health']>>, parameters: URLSearchParams) {
  const days = SPANS.find((span) => String(span) === parameters.get('days')) ?? SPANS[0];
  const day = parameters.get('day') ?? '';
  const isDay = /^\d{4}-\d{2}-\d{2}$/.test(day) && !Number.isNaN(Date.parse(day));
  return {
    domains: health.domains,
    domain: chosenDomain(health, parameters),
    tag: parameters.get('tag') || ALL_TAGS,
    days,
    day: isDay ? day : utcDay(Date.now() / 1000),
  };
}

/** Hours added up to days, the empty ones too. */
function daysOf(buckets: readonly StatsBucket[], from: number, days: number): Day[] {
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

function add(sum: Record<string, number>, counts: Readonly<Record<string, number>>): void {
  for (const [type, count] of Object.entries(counts)) {
    const value = countOf(sum, type) + count;
    Object.defineProperty(sum, type, { value, enumerable: true, writable: true, configurable: true });
  }
}

const tagName = (tag: string) => (tag === ALL_TAGS ? 'all tags' : tag === '' ? 'untagged' : visible(tag));

const outcomes = (counts: Counts) =>
  [
    ['stored', countOf(counts, 'delivered')],
    ['recovered', countOf(counts, 'failed')],
    ['missing', countOf(counts, 'complained')],
  ] as const;

function dayPanel(list: readonly Day[], domain: string, tag: string, link: (over: Record<string, string>) => string) {
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
        { kind: 'recovered', name: 'Failed, for now or for good', value: numberText(sum('failed')) },
        { kind: 'missing', name: 'Complained', value: numberText(sum('complained')) },
      ]),
    ),
    table(
      list.toReversed().filter(({ counts, open }) => open || Object.keys(counts).length > 0),
      [
        {
          head: 'Day (UTC)',
          cell: ({ day, open }) => [h('a', { href: link({ day }) }, day), open && [' ', badge('open', 'unknown')]],
        },
        ...countColumns<Day>(),
      ],
      { caption: title },
    ),
  );
}

/** One number a type, and the two shares that people watch. */
function countColumns<Row extends { readonly counts: Readonly<Record<string, number>> }>() {
  const share = (part: string, whole: string) => (row: Row) =>
    shareText(countOf(row.counts, part), countOf(row.counts, whole));
  return [
    ...EVENT_TYPES.map((type) => ({
      head: type,
      numeric: true,
      cell: ({ counts }: Row) => numberText(countOf(counts, type)),
    })),
    { head: 'delivered / accepted', numeric: true, cell: share('delivered', 'accepted') },
    { head: 'complained / delivered', numeric: true, cell: share('complained', 'delivered') },
  ];
}

function tagPanel(buckets: readonly StatsBucket[], day: string, link: (over: Record<string, string>) => string) {
  const tags = new Map<string, Record<string, number>>();
  for (const { tag, counts } of buckets) {
    if (tag === ALL_TAGS) continue;
    const row = tags.get(tag) ?? {};
    tags.set(tag, row);
    add(row, counts);
  }
  const title = `By tag: ${day}`;
  const rows = [...tags].map(([tag, counts]) => ({ tag, counts }));
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
        ...countColumns<(typeof rows)[number]>(),
      ],
      { caption: title, tall: true },
    ),
  );
}

/** Whom mail did not reach for good, and who called it spam; each leads to the recipient and its suppressions. */
function peoplePanel(failed: EventPage, complained: EventPage, domain: string, day: string) {
  const isForGood = ({ event, severity }: LedgerEvent) => event !== 'failed' || severity !== 'temporary';
  const rows = [...failed.events.filter(isForGood), ...complained.events].sort((a, b) => b.timestamp - a.timestamp);
  const title = `Bounces and complaints: ${day}`;
  const more = (type: string) => h('a', { href: linkTo('events', '', { domain, day, type }) }, `all ${type} events`);
  const isCut = failed.next !== null || complained.next !== null;
  return panel(
    title,
    rows.length === 0
      ? empty('None is stored for this day.')
      : table(
          rows,
          [
            { head: 'Time', cell: ({ timestamp }) => timeElement(timestamp) },
            { head: 'Recipient', cell: ({ recipient }) => recipientLink(recipient) },
            { head: 'What', cell: eventText },
          ],
          { caption: title, cards: true, tall: true },
        ),
    h('p', { class: 'note' }, isCut && 'Only the newest are shown. ', more('failed'), ' · ', more('complained')),
    h('p', { class: 'note' }, 'A recipient’s page shows its suppressions, and how to lift them.'),
  );
}
