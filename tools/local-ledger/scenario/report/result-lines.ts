import { type AccountedEvent, isExcused, isLost } from '../account.ts';
import type { MessageVerdict, RecipientVerdict } from '../judge.ts';
import type { Summary } from './summary.ts';

/** The table of what became of each timeline, everything that is not as it should be, and the sum. */
export function createResultLines(verdicts: readonly MessageVerdict[], summary: Summary): string[] {
  const timelines = Map.groupBy(verdicts, ({ timeline }) => timeline);
  const width = Math.max(...[...timelines.keys()].map((timeline) => timeline.length));
  return [
    `     ${'timeline'.padEnd(width)}  messages  events  became`,
    ...[...timelines].map(([timeline, messages]) => timelineLine(timeline.padEnd(width), messages)),
    ...verdicts.flatMap(findings),
    ...neverAcknowledged(verdicts),
    '',
    ...sums(summary),
  ];
}

function timelineLine(timeline: string, messages: readonly MessageVerdict[]): string {
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

function mark(messages: readonly MessageVerdict[]): string {
  const isFaulty = ({ recipients, account }: MessageVerdict) =>
    recipients.some(({ judgement }) => judgement === 'wrong') ||
    account.unknown.length > 0 ||
    account.events.some((event) => isLost(event) || event.refused || event.stored > 1);
  if (messages.some(isFaulty)) return '✘';
  const isWaiting = ({ recipients }: MessageVerdict) =>
    recipients.some(({ judgement }) => judgement === 'never-acknowledged');
  return messages.some(isWaiting) ? '?' : '✔';
}

function findings({ timeline, messageId, recipients, account }: MessageVerdict): string[] {
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

function recipientFinding({ recipient, judgement, differences }: RecipientVerdict): string {
  const sign = judgement === 'wrong' ? '✘' : '? (an event was never acknowledged)';
  return `${sign} ${recipient}: ${differences.join('; ')}`;
}

function neverAcknowledged(verdicts: readonly MessageVerdict[]): string[] {
  const lines = verdicts.flatMap(({ messageId, account }) =>
    account.events
      .filter(isExcused)
      .map((event) => `  ${describe(event)} of ${messageId}: ${event.answers.map(answer).join(', ')}`),
  );
  return lines.length === 0 ? [] : ['', 'Never acknowledged, so not promised:', ...lines];
}

const reproach = ({ acknowledged }: AccountedEvent) => (acknowledged ? 'acknowledged' : 'listed by Mailgun');
const answer = (status: number | null) => status ?? 'no answer';
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
      ? '✔ Whatever was acknowledged is stored exactly once, and every record is as its timeline says.'
      : '✘ Something is not accounted for.',
  ];
}
