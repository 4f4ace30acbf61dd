import type { CampaignResponse } from '../../../api/responses/campaign.ts';
import { durations } from '../../../lambdas/domain/campaign/durations.ts';
import { FAILURE_CLASSES } from '../../../lambdas/domain/status/failure-class.ts';
import { type Child, h } from '../../components/dom.ts';
import { csvButton } from '../../components/download.ts';
import { badge, type Mood, panel } from '../../components/parts.ts';
import { table } from '../../components/table.ts';
import { countOf, fineShareText, numberText } from '../../values/numbers.ts';
import { timeElement } from '../../values/time.ts';
import { reportCommand } from './report-command.ts';

const STATES: Readonly<Record<CampaignResponse['completeness'], readonly [badge: string, mood: Mood, text: string]>> = {
  complete: ['exact', 'good', 'The ledger of its time is settled, and everything is accounted for.'],
  incomplete: ['incomplete', 'bad', 'Events of its time that Mailgun lists are missing, and are being recovered.'],
  unknown: ['may still change', 'unknown', 'The ledger of its time is not settled, so events may be missing.'],
};

interface Row {
  readonly name: string;
  readonly count: number;
  readonly whole: number;
  readonly of: string;
}

type Mails = NonNullable<CampaignResponse['mails']>;
type People = NonNullable<CampaignResponse['people']>;

/** Shows the numbers of a campaign, and how exact they are. */
export function numbersPanel(report: CampaignResponse, target: string | undefined): HTMLElement {
  const [text, mood, explanation] = STATES[report.completeness];
  const { mails, people } = report;
  // Null together, where the campaign is too large for one response.
  const counted = mails && people && { mails, rows: rowsOf(mails, people) };
  if (mails !== null && mails.mails + mails.testMode === 0) {
    return panel('Numbers', h('p', {}, 'No mail was sent under this tag in this time.'), ...lacking(report, target));
  }
  const print = h('button', { type: 'button', class: 'quiet', click: () => window.print() }, 'Print');
  return panel(
    'Numbers',
    h('p', {}, badge(text, mood), ` ${explanation}`),
    h(
      'p',
      { class: 'note' },
      ...['Counted at ', timeElement(report.asOf), `, of mail from ${report.domain}`],
      report.archive === 'counted' ? ', from table and archive.' : '.',
    ),
    ...lacking(report, target),
    ...(counted ? numbers(counted.mails, counted.rows) : tooLarge(report, target)),
    h('div', { class: 'actions' }, print, counted && numbersCsv(report.tag, counted.rows)),
  );
}

/** Why the archive does not fill in for the table, and whether the command line can. */
const UNCOUNTED: Readonly<Record<NonNullable<CampaignResponse['archive']> | 'none', readonly [string, boolean]>> = {
  none: ['are no longer in the table, and there is no archive.', false],
  counted: ['are in neither table nor archive.', false],
  'too-large': ['have left the table, and are too many in the archive to be counted here. This counts them:', true],
  'too-slow': ['have left the table, and the archive took too long. Reload this page, or count them by this:', true],
  unavailable: [
    'have left the table, and the archive could not be read. Reload this page, or count them by this:',
    true,
  ],
};

/** Shows what is not counted, if known. */
function lacking(report: CampaignResponse, target: string | undefined): Child[] {
  if (report.completeFrom === null) return [];
  const [words, isCountedByCommand] = UNCOUNTED[report.archive ?? 'none'];
  return [
    h('p', {}, 'Events before ', timeElement(report.completeFrom), ` ${words}`),
    report.completeFrom <= report.from &&
      h('p', {}, 'Mail that was accepted before then, and sent later, counts as not accepted.'),
    isCountedByCommand && reportCommand(report, target),
  ];
}

const tooLarge = (report: CampaignResponse, target: string | undefined): Child[] => [
  h('p', {}, 'The campaign is too large to be counted here. This counts it, with every failed recipient:'),
  reportCommand(report, target),
];

function numbers(mails: Mails, rows: readonly Row[]): Child[] {
  const title = 'Mails and people';
  return [
    table(
      rows,
      [
        { head: 'What', cell: ({ name }) => name },
        { head: 'Count', numeric: true, cell: ({ count }) => numberText(count) },
        { head: 'Share', numeric: true, cell: ({ count, whole, of }) => `${fineShareText(count, whole)} of ${of}` },
      ],
      { caption: title, cards: true },
    ),
    h(
      'p',
      { class: 'note' },
      'Opens and clicks by machines, such as mail proxies, are counted separately. Each mail counts once here; the list of ' +
        'tags counts events, so a mail that was deferred three times counts three times there.',
    ),
    h(
      'p',
      { class: 'note' },
      `Time to delivery: ${durations(mails.secondsToDelivery)}. To the first open: ${durations(mails.secondsToFirstOpen)}.`,
      mails.testMode > 0 && ` ${numberText(mails.testMode)} mails in test mode are left out.`,
      mails.unconfirmedEvents > 0 &&
        ` ${numberText(mails.unconfirmedEvents)} events counted here are not on Mailgun’s list, and may be forged.`,
    ),
  ];
}

function rowsOf(mails: Mails, people: People): Row[] {
  const ofMails = (name: string, count: number) => ({ name, count, whole: mails.mails, of: 'mails' });
  const ofPeople = (name: string, count: number) => ({ name, count, whole: people.people, of: 'people' });
  const failedLater = mails.delivered + mails.failed + mails.withoutOutcome - mails.mails;
  return [
    ofMails('mails sent', mails.mails),
    ofMails('accepted by Mailgun', mails.accepted),
    ofMails('delivered', mails.delivered),
    ofMails('put off at least once', mails.deferred),
    ofMails('failed permanently', mails.failed),
    ...(failedLater > 0 ? [ofMails('delivered, then failed: in both', failedLater)] : []),
    ofMails('not decided yet', mails.withoutOutcome),
    ofPeople('people', people.people),
    ofPeople('opened', people.openers),
    ofPeople('clicked', people.clickers),
    ofPeople('opened by machines alone', people.machineOpeners),
    ofPeople('clicked by machines alone', people.machineClickers),
    ofPeople('reported as spam', people.complainers),
    ofPeople('unsubscribed', people.unsubscribers),
  ];
}

const numbersCsv = (tag: string, rows: readonly Row[]) =>
  csvButton(['numbers', `campaign-${tag}`], rows, [
    ['what', ({ name }) => name],
    ['count', ({ count }) => count],
    ['of', ({ whole }) => whole],
  ]);

/** Shows why mail failed, by class. */
export function reasonsPanel({ mails }: CampaignResponse): Child {
  if (mails === null || mails.failed === 0) return null;
  const title = 'Why mail failed';
  const rows = Object.entries(FAILURE_CLASSES)
    .map(([name, words]) => ({ name, words, count: countOf(mails.failedByClass, name) }))
    .filter(({ count }) => count > 0)
    .toSorted((a, b) => b.count - a.count);
  return panel(
    title,
    table(
      rows,
      [
        { head: 'Reason', cell: ({ words }) => words },
        { head: 'Class', cell: ({ name }) => name },
        { head: 'Mails', numeric: true, cell: ({ count }) => numberText(count) },
        { head: 'Of the failed', numeric: true, cell: ({ count }) => fineShareText(count, mails.failed) },
      ],
      { caption: title, cards: true },
    ),
  );
}
