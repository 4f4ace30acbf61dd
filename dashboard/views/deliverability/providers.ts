import type { StatsBucket } from '../../../api/responses/ledger.ts';
import { h } from '../../components/dom.ts';
import { badge, empty, type Mood, panel, visible } from '../../components/parts.ts';
import { table } from '../../components/table.ts';
import { countOf, numberText, shareText } from '../../values/numbers.ts';
import { sumBy } from './statistics.ts';

/**
 * Shares of spam reports among deliveries. Gmail wants senders to stay below the first, and Gmail and Yahoo hold back
 * mail of those who reach the second. https://support.google.com/a/answer/81126,
 * https://senders.yahooinc.com/best-practices/
 */
const COMPLAINTS_AIM = 0.001;
const COMPLAINTS_LIMIT = 0.003;
/** Of fewer deliveries one report is already a high share. */
const MIN_DELIVERIES = 1000;

/** How mail fares at each mailbox provider, in a span of days. */
export function providerPanel(buckets: readonly StatsBucket[], days: number, domain: string) {
  const title = `By mailbox provider: ${domain}, ${days} days`;
  const rows = sumBy(buckets, ({ provider = 'other' }) => provider).map(([provider, counts]) => ({ provider, counts }));
  if (rows.length === 0) return panel(title, empty('No event of this span has been compared by provider yet.'));
  rows.sort((a, b) => countOf(b.counts, 'delivered') - countOf(a.counts, 'delivered'));
  type Row = (typeof rows)[number];
  const number = (head: string, type: string) => ({
    head,
    numeric: true,
    cell: ({ counts }: Row) => numberText(countOf(counts, type)),
  });
  return panel(
    title,
    table(
      rows,
      [
        { head: 'Provider', cell: ({ provider }) => (provider === 'other' ? 'all others' : visible(provider)) },
        number('delivered', 'delivered'),
        number('failed permanently', 'permanent_fail'),
        number('put off', 'temporary_fail'),
        number('complained', 'complained'),
        {
          head: 'failed / ended',
          numeric: true,
          cell: ({ counts }: Row) => shareText(countOf(counts, 'permanent_fail'), ended(counts)),
        },
        {
          head: 'complained / delivered',
          numeric: true,
          cell: ({ counts }: Row) => [
            shareText(countOf(counts, 'complained'), countOf(counts, 'delivered')),
            ' ',
            complaintBadge(counts),
          ],
        },
      ],
      { caption: title, cards: true },
    ),
    h(
      'p',
      { class: 'note' },
      'Gmail wants spam reports below 0.1 % of deliveries; Gmail and Yahoo hold back mail from 0.3 % on. ' +
        `Shares are judged from ${numberText(MIN_DELIVERIES)} deliveries on; mail in test mode is left out.`,
    ),
  );
}

type Counts = Readonly<Record<string, number>>;

/** Mail that was delivered or given up. */
const ended = (counts: Counts) => countOf(counts, 'delivered') + countOf(counts, 'permanent_fail');

function complaintBadge(counts: Counts) {
  const delivered = countOf(counts, 'delivered');
  if (delivered < MIN_DELIVERIES) return badge('too few to judge', 'unknown');
  const share = countOf(counts, 'complained') / delivered;
  const [text, mood]: [string, Mood] =
    share >= COMPLAINTS_LIMIT
      ? ['over the limit', 'bad']
      : share >= COMPLAINTS_AIM
        ? ['high', 'wait']
        : ['good', 'good'];
  return badge(text, mood);
}
