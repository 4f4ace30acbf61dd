import type { LedgerResponse } from '../../../api/responses/ledger.ts';
import { legend, stackedBars } from '../../components/chart.ts';
import { type Child, h } from '../../components/dom.ts';
import { badge, empty, shortTime } from '../../components/parts.ts';
import { table } from '../../components/table.ts';
import { type Bin, binsOf, type LedgerSums, noteworthyFirst, sumsOf } from '../../values/ledger-bins.ts';
import { numberText } from '../../values/numbers.ts';
import { timeElement, timeText } from '../../values/time.ts';

/** Shows whether a domain's ledger is complete, in words, in a picture and in numbers. */
export function domainPanel(domain: string, ledger: LedgerResponse | undefined, nowSeconds: number): HTMLElement {
  if (ledger === undefined) {
    const title = h('h2', {}, domain, ' ', badge('unknown', 'unknown'));
    return h('section', { class: 'panel', 'data-domain': domain }, title, empty('Its ledger could not be read.'));
  }
  const sums = sumsOf(ledger);
  const bins = binsOf(ledger.slices, nowSeconds);
  return h(
    'section',
    { class: 'panel', 'data-domain': domain },
    h('h2', {}, domain, ' ', verdict(ledger), forged(ledger)),
    ledger.slices.length === 0
      ? empty(
          'Unknown: no slice of the last 24 hours has been judged. The ledger starts with the first webhook and needs a Mailgun API key.',
        )
      : [
          h('p', { class: 'sentence' }, ...sentence(sums)),
          note(ledger, sums),
          witness(domain, ledger),
          picture(domain, bins),
        ],
  );
}

/** Orders ledgers: those with something missing or unconfirmed first, then those of which not all is known. */
export function worstFirst(one: LedgerResponse | undefined, other: LedgerResponse | undefined): number {
  return rank(one) - rank(other);
}

function rank(ledger: LedgerResponse | undefined): number {
  if (ledger === undefined) return 1;
  const { completeness, totals } = ledger;
  return completeness === 'incomplete' || totals.unconfirmed > 0 ? 0 : completeness === 'unknown' ? 1 : 2;
}

/** A gap among the compared slices does not change the result for the time before it. */
function verdict({ completeness, comparedTo }: LedgerResponse): Child {
  if (completeness === 'incomplete') return badge('incomplete', 'bad');
  if (completeness === 'complete') return badge('complete', 'good');
  if (comparedTo === null) return badge('unknown', 'unknown');
  return [
    badge(`complete up to ${timeText(comparedTo, 'short')}`, 'good'),
    ' ',
    badge('later time unknown', 'unknown'),
  ];
}

/** Warns of unconfirmed events, which even a complete ledger may contain. */
function forged({ totals: { unconfirmed } }: LedgerResponse): Child {
  return unconfirmed > 0 && [' ', badge(`${numberText(unconfirmed)} not on Mailgun’s list, may be forged`, 'bad')];
}

/** Returns the sums as a sentence that breaks lines only between its parts. */
function sentence({ events, webhooksAlone, recovered, polled, unaccounted }: LedgerSums): Child[] {
  const parts = [
    `${numberText(events)} events`,
    `webhooks alone ${numberText(webhooksAlone)}`,
    `recovered ${numberText(recovered)}`,
    ...(polled > 0 ? [`polled ${numberText(polled)}`] : []),
    `unaccounted ${numberText(unaccounted)}`,
  ];
  return parts.flatMap((part, at) => [at > 0 && ' · ', h('span', {}, part)]);
}

function note(ledger: LedgerResponse, { unconfirmed }: LedgerSums): HTMLElement {
  const { slices, totals, comparedTo } = ledger;
  const sentences: Child[] =
    comparedTo === null
      ? ['The beginning of the last 24 hours was not compared with Mailgun’s list. ']
      : ['Of the last 24 hours, Mailgun’s list and the table compared up to ', shortTime(comparedTo), '. '];
  if (totals.due > 0) sentences.push(`${countText(totals.due, 'slice')} due and not judged yet. `);
  if (unconfirmed > 0)
    sentences.push(`${countText(unconfirmed, 'stored event')} not on Mailgun’s list (unconfirmed). `);
  if (totals.undecided > 0)
    sentences.push(`${countText(totals.undecided, 'stored event')} not listed so far; the second pass decides. `);
  if (slices.some(({ state }) => state === 'unlisted'))
    sentences.push('Some of the time is no longer listed by Mailgun. ');
  return h('p', { class: 'note' }, ...sentences);
}

/** Shows hours for which Mailgun counts more than the ledger; nothing if the counts agree. */
function witness(domain: string, { witness: hours }: LedgerResponse): Child {
  const lacking = hours.filter(({ lacks }) => lacks > 0).toReversed();
  return (
    lacking.length > 0 &&
    table(
      lacking,
      [
        { head: 'Hour from', cell: ({ start }) => timeElement(start) },
        { head: 'Witness', cell: ({ lacks }) => `lacks ${numberText(lacks)}` },
        { head: 'May be', cell: ({ causes }) => causes.map((cause) => CAUSES[cause]).join(', ') },
      ],
      { caption: `Hours of ${domain} of which Mailgun itself counts more events than the ledger has`, cards: true },
    )
  );
}

const CAUSES: Readonly<Record<LedgerResponse['witness'][number]['causes'][number], string>> = {
  'opens-and-clicks': 'opens and clicks counted differently',
  'batch-or-routed': 'batch or routed mail, or events not listed',
};

/** `1 slice is`, `2 slices are` */
const countText = (count: number, what: string) => `${numberText(count)} ${what}${count === 1 ? ' is' : 's are'}`;

function picture(domain: string, bins: readonly Bin[]): HTMLElement {
  const sum = (name: 'listed' | 'stored' | 'recovered' | 'missing' | 'unconfirmed') =>
    numberText(bins.reduce((all, bin) => all + bin[name], 0));
  const [first, last] = [bins[0] as Bin, bins.at(-1) as Bin];
  return h(
    'figure',
    {},
    stackedBars({
      label: `Events of ${domain} by slice: ${sum('listed')} listed, ${sum('stored')} stored, ${sum('missing')} missing. The table below has the numbers.`,
      bars: bins.map((bin) => ({
        label: binText(bin),
        parts: [
          ['stored', bin.stored - bin.recovered - bin.unconfirmed],
          ['recovered', bin.recovered],
          ['unconfirmed', bin.unconfirmed],
          ['missing', bin.missing],
        ],
        mark: markOf(bin),
      })),
      ends: [timeElement(first.start), timeElement(last.end, 'short')],
    }),
    legend([
      { kind: 'none', name: 'Listed', value: sum('listed') },
      { kind: 'stored', name: 'Stored', value: sum('stored') },
      { kind: 'recovered', name: 'of them recovered', value: sum('recovered') },
      { kind: 'unconfirmed', name: 'of them unconfirmed', value: sum('unconfirmed') },
      { kind: 'missing', name: 'Missing', value: sum('missing') },
      { kind: 'mark-due', name: 'Due, not judged', value: numberText(bins.filter(isWaiting).length) },
      { kind: 'mark-pending', name: 'Not due yet', value: numberText(bins.filter(isEarly).length) },
    ]),
    h(
      'details',
      {},
      h('summary', {}, 'Numbers by slice'),
      table(
        noteworthyFirst(bins.toReversed().filter((bin) => bin.judged + bin.due > 0)),
        [
          { head: 'From', cell: ({ start }) => timeElement(start) },
          { head: 'Listed', numeric: true, cell: (bin) => known(bin, bin.listed) },
          { head: 'Stored', numeric: true, cell: (bin) => known(bin, bin.stored) },
          { head: 'Recovered', numeric: true, cell: (bin) => known(bin, bin.recovered) },
          { head: 'Missing', numeric: true, cell: (bin) => known(bin, bin.missing) },
          { head: 'Unconfirmed', numeric: true, cell: (bin) => known(bin, bin.unconfirmed) },
        ],
        {
          caption: `Slices of ${domain}, those that need attention first, then newest first`,
          tall: true,
          cards: true,
        },
      ),
    ),
  );
}

const isWaiting = ({ due }: Bin) => due > 0;
const isEarly = ({ judged, due }: Bin) => judged === 0 && due === 0;

const known = ({ judged }: Bin, value: number): string => (judged === 0 ? 'unknown' : numberText(value));

function markOf({ judged, due, missing, unconfirmed }: Bin): string {
  if (missing > 0) return 'mark-missing';
  if (due > 0) return 'mark-due';
  if (unconfirmed > 0) return 'mark-unconfirmed';
  return judged > 0 ? 'mark-good' : 'mark-pending';
}

function binText(bin: Bin): string {
  const time = timeText(bin.start);
  if (bin.judged === 0) return `${time}: ${bin.due > 0 ? 'due, not judged yet' : 'not due yet'}`;
  const { listed, stored, recovered, missing, unconfirmed } = bin;
  return `${time}: ${listed} listed, ${stored} stored, ${recovered} recovered, ${missing} missing, ${unconfirmed} unconfirmed`;
}
