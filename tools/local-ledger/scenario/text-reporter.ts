import { testButtonMessageId } from '../../mailgun-twin/api/test-button.ts';
import { DEFAULT_PORT } from '../options/send-arguments.ts';
import type { ReadyLine } from '../ready-line.ts';
import {
  type AccountedEvent,
  isExcused,
  isLost,
  type MessageOutcome,
  type RecipientOutcome,
} from './message-outcome.ts';
import type { PlayedMessage } from './play.ts';
import { curlCommand } from './read-stack.ts';
import type { Phase, Print, ScenarioReporter } from './reporter.ts';
import type { Ledger, LedgerRow, Summary } from './totals.ts';

const HEADINGS: Readonly<Record<Phase, string>> = {
  reporting: '1/5  Mailgun reports what happens: late, twice, in the wrong order',
  retrying: '2/5  The last repeats and retries arrive',
  draining: '3/5  The queue empties',
  reconciling: '4/5  Reconciliation finds what the webhooks missed',
  reading: '5/5  Every message is read back through the read API',
};

const PROGRESS_COLUMNS = ['mail time', 'sent', 'acknowledged', 'repeats', 'retries', 'failed'] as const;
const progressRow = (cells: readonly (string | number)[]) =>
  `     ${cells.map((cell, column) => String(cell).padStart(PROGRESS_COLUMNS[column]?.length ?? 0)).join('   ')}`;

/** Prints plain lines for a person, in a terminal or a file. */
export function createTextReporter(print: Print): ScenarioReporter {
  return {
    opening: ({ run, messages, timelines, events, daySeconds, compression }) => {
      const hours = Math.round(daySeconds / 3600);
      const seconds = Math.round(daySeconds / compression);
      print(`Run ${run}: ${messages} messages follow ${timelines} timelines with ${events} events,`);
      print(`${hours} hours of mail in ${seconds} seconds.`);
    },
    phase: (phase) => {
      print('');
      print(HEADINGS[phase]);
      if (phase === 'reporting') print(progressRow(PROGRESS_COLUMNS));
    },
    progress: (_phase, mailSeconds, { sent, acknowledged, repeats, retries, rejected, unacknowledged }) =>
      print(progressRow([mailTime(mailSeconds), sent, acknowledged, repeats, retries, rejected + unacknowledged])),
    waiting: (waiting) => print(waiting === 0 ? '     empty' : `     ${waiting} waiting`),
    drained: ({ waiting, deadLetters }) => {
      if (waiting > 0) print(`     no progress any more; left in the queue: ${waiting}`);
      if (deadLetters > 0) print(`     ${deadLetters} in the dead-letter queue`);
    },
    missed: (events) => {
      const types = Object.entries(events).map(([type, count]) => `${count} ${type}`);
      print(`     ${types.length === 0 ? 'No event was missed.' : `No webhook brought: ${types.join(', ')}.`}`);
      print('     The ledger waits until Mailgun has indexed its events.');
    },
    reconciled: ({ by, missing, sent, settled, slices }) =>
      print(
        `     ${by === 'schedule' ? 'on schedule' : 'a run'.padEnd(11)}   ${missing} missing, ${sent} sent to the queue; ` +
          `${settled} of ${slices} slices settled`,
      ),
    ledger: (ledger) => {
      for (const line of createLedgerLines(ledger)) print(line);
    },
    result: (outcomes, summary) => {
      for (const line of createResultLines(outcomes, summary)) print(line);
    },
    commands: (commands) => {
      for (const { does, command } of commands) {
        print('');
        print(`# ${does}`);
        print(command);
      }
    },
    trouble: (error) => {
      print('');
      print(`The run could not be finished: ${error instanceof Error ? error.message : String(error)}`);
    },
  };
}

function mailTime(seconds: number): string {
  const minutes = Math.round(seconds / 60);
  return `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, '0')}`;
}

/** Returns the table of timelines and their outcomes, the deviations, and the totals. */
function createResultLines(outcomes: readonly MessageOutcome[], summary: Summary): string[] {
  const timelines = Map.groupBy(outcomes, ({ timeline }) => timeline);
  const width = Math.max(...[...timelines.keys()].map((timeline) => timeline.length));
  return [
    `     ${'timeline'.padEnd(width)}  messages  events  became`,
    ...[...timelines].map(([timeline, messages]) => timelineLine(timeline.padEnd(width), messages)),
    ...outcomes.flatMap(findings),
    ...neverAcknowledged(outcomes),
    '',
    ...sums(summary),
  ];
}

function timelineLine(timeline: string, messages: readonly MessageOutcome[]): string {
  const recipients = messages.flatMap((message) => message.recipients);
  const events = messages.flatMap(({ account }) => account.events);
  const stored = events.filter((event) => event.stored > 0).length;
  const became = Map.groupBy(
    recipients,
    ({ status, reason }) => `${status ?? 'unknown'}${reason ? ` (${reason})` : ''}`,
  );
  const statuses = [...became].map(([status, those]) => `${those.length} ${status}`).join(', ');
  const count = `${stored}/${events.length}`;
  return `  ${mark(messages)}  ${timeline}  ${String(messages.length).padStart(8)}  ${count.padStart(6)}  ${statuses}`;
}

function mark(messages: readonly MessageOutcome[]): string {
  const isFaulty = ({ recipients, account }: MessageOutcome) =>
    recipients.some(({ judgement }) => judgement === 'wrong') ||
    account.unknown.length > 0 ||
    account.events.some((event) => isLost(event) || event.refused || event.stored > 1);
  if (messages.some(isFaulty)) return '✘';
  const isWaiting = ({ recipients }: MessageOutcome) =>
    recipients.some(({ judgement }) => judgement === 'never-acknowledged');
  return messages.some(isWaiting) ? '?' : '✔';
}

function findings({ timeline, messageId, recipients, account }: MessageOutcome): string[] {
  const lines = [
    ...recipients.filter(({ differences }) => differences.length > 0).map(recipientFinding),
    ...account.events.filter(isLost).map((event) => `LOST: ${reproach(event)} and not stored: ${describe(event)}`),
    ...account.events
      .filter(({ stored }) => stored > 1)
      .map((event) => `stored ${event.stored} times: ${describe(event)}`),
    ...account.events.filter(({ refused }) => refused).map((event) => `refused with 406: ${describe(event)}`),
    ...account.unknown.map((key) => `stored, though Mailgun never sent it: ${key}`),
  ];
  return lines.length === 0 ? [] : ['', `${timeline}: ${messageId}`, ...lines.map((line) => `  ${line}`)];
}

function recipientFinding({ recipient, judgement, differences }: RecipientOutcome): string {
  const sign = judgement === 'wrong' ? '✘' : '? (an event was never acknowledged)';
  return `${sign} ${recipient}: ${differences.join('; ')}`;
}

function neverAcknowledged(outcomes: readonly MessageOutcome[]): string[] {
  const lines = outcomes.flatMap(({ messageId, account }) =>
    account.events
      .filter(isExcused)
      .map((event) => `  ${describe(event)} of ${messageId}: ${event.statuses.map(statusText).join(', ')}`),
  );
  return lines.length === 0 ? [] : ['', 'Never acknowledged, so not promised:', ...lines];
}

const reproach = ({ acknowledged }: AccountedEvent) => (acknowledged ? 'acknowledged' : 'listed by Mailgun');
const statusText = (status: number | null) => status ?? 'no response';
const describe = ({ event, key, recipient }: AccountedEvent) => `${key ?? event} for ${recipient}`;

function sums(summary: Summary): string[] {
  const { events, acknowledged, storedOnce, lost, storedTwice, unknown, refused, neverAcknowledged, wrong } = summary;
  const { recovered, waiting, deadLetters } = summary;
  return [
    `${events} different events: ${acknowledged} acknowledged, ${recovered} recovered, ${storedOnce} stored once, ${lost} lost,`,
    `${storedTwice} stored twice, ${unknown} never sent, ${refused} refused, ${neverAcknowledged} never acknowledged; ${wrong} records wrong.`,
    ...(lost > 0 && waiting + deadLetters > 0
      ? [`Of those lost, some may be among ${waiting} waiting and ${deadLetters} dead letters.`]
      : []),
    summary.ok
      ? '✔ Whatever was acknowledged is stored exactly once, and every record matches its timeline.'
      : '✘ Something is not accounted for.',
  ];
}

const LEDGER_COLUMNS = ['sent', 'webhooks', 'recovered', 'unaccounted', 'listed', 'ledger', 'statistics'] as const;

/** Returns the ledger of a run: a table by event type, and the totals. */
function createLedgerLines(ledger: Ledger): string[] {
  const width = Math.max(...ledger.types.map(({ type }) => type.length), 'event'.length);
  const row = (name: string, cells: readonly (string | number)[]) =>
    `     ${name.padEnd(width)}${cells.map((cell, nth) => String(cell).padStart((LEDGER_COLUMNS[nth]?.length ?? 0) + 3)).join('')}`;
  return [
    '',
    row('event', LEDGER_COLUMNS),
    ...ledger.types.map((each) => row(each.type, cellsOf(each)) + (isExact(each) ? '' : '   ✘ differs')),
    ...unconfirmedWords(ledger),
    ...(ledger.exact ? [] : ['', '✘ The stack counts other events than Mailgun lists.']),
    '',
    `sent ${ledger.sent} · webhooks alone ${ledger.webhooksAlone} · recovered ${ledger.recovered} · unaccounted ${ledger.unaccounted}`,
  ];
}

const cellsOf = (row: LedgerRow) => [
  row.sent,
  row.webhooksAlone,
  row.recovered,
  row.unaccounted,
  row.listed,
  row.ledger,
  row.stats,
];

const isExact = ({ listed, ledger, stats }: LedgerRow) => ledger === listed && stats === listed;

function unconfirmedWords({ sent, listed, unconfirmed }: Ledger): string[] {
  if (sent === listed) return [];
  return [
    '',
    `Mailgun's API does not list ${sent - listed} of them: presses of the test button, or webhooks of the old format.`,
    ...(unconfirmed === 0
      ? []
      : [`Of these, ${unconfirmed} are unconfirmed in the ledger, as a forged event would be; expect that alarm.`]),
  ];
}

const NEEDS_NO_QUOTES = /^[\w.@+-]+$/;

/** Returns commands to try next, ready to paste. */
export function commandsToPaste(ready: ReadyLine, played: readonly PlayedMessage[]) {
  const testMessage = played.find(
    ({ scheduled }) => scheduled.mail.messageId === testButtonMessageId(scheduled.mail.domain),
  );
  const exampleMessage = played.find(
    ({ scheduled: { mail } }) => mail.to.length > 1 && NEEDS_NO_QUOTES.test(mail.messageId),
  );
  const read = (does: string, message?: PlayedMessage) =>
    message ? [{ does, command: curlCommand(ready, message.scheduled.mail.messageId) }] : [];
  const port = new URL(ready.webhookUrl).port;
  const portFlag = port === String(DEFAULT_PORT) ? '' : ` --port ${port}`;
  const ledger = (words: string) => `npm run ledger -- ${words} --local --port ${port}`;
  return [
    ...read("The message of the dashboard's test button", testMessage),
    {
      does: 'An event signed and sent by hand',
      command: `npm run send -- --event delivered --recipient a@b.example${portFlag}`,
    },
    ...read('A message of this run, with four recipients', exampleMessage),
    ...(exampleMessage
      ? [
          {
            does: 'What became of that message, event by event',
            command: ledger(`why ${exampleMessage.scheduled.mail.messageId}`),
          },
        ]
      : []),
    { does: 'The health of the stack, on one screen', command: ledger('status') },
  ];
}
