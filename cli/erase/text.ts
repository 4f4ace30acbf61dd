import { number } from '../answer.ts';
import type { EraseLine } from './lines.ts';

/** A line as people read it. */
export function textOf(line: EraseLine): string[] {
  switch (line.event) {
    case 'plan':
      return [
        'Plan: nothing was changed.',
        `  messages      ${number(line.messages)} with a status of this recipient`,
        `  events        ${number(line.events)}, each to become a tombstone`,
        `  statuses      ${number(line.statuses)}, to be deleted`,
        `  suppressions  ${number(line.suppressions)}, to be deleted: whoever sends by them must not write again`,
        `  mentions      ${number(line.mentions)} events of others that name the address, to be rewritten without it`,
        `  dead letters  ${number(line.deadLetters)} in all, to be looked through`,
        `  takes         ${line.waitSeconds} s of waiting, and two readings of ${number(line.items)} items`,
        `  costs         at most $${line.cost.toFixed(4)}`,
      ];
    case 'marked':
      return [
        line.isNew
          ? 'Marked as erased: from now on only tombstones are stored.'
          : 'Marked as erased already; going through all of it again.',
      ];
    case 'waiting':
      return [`Waiting ${line.seconds} s for what is in hand …`];
    case 'scanning':
      return [`  ${number(line.items)} items read`];
    case 'swept':
      return [
        `Sweep ${line.sweep}: ${number(line.events)} events, ${number(line.statuses)} statuses, ` +
          `${number(line.suppressions)} suppressions, ${number(line.mentions)} mentions, ` +
          `in ${number(line.items)} items`,
      ];
    case 'dead-letters':
      return [
        `Dead letters: ${number(line.received)} received, ${number(line.sentBack)} sent back to the queue, ` +
          `${number(line.deleted)} deleted`,
      ];
    case 'stopped':
      return ['Stopped. What is done stays done; go on with:', `  ${line.again}`];
    case 'erased':
      return erasedText(line);
    default:
      return line satisfies never;
  }
}

function erasedText({
  events,
  statuses,
  suppressions,
  mentions,
  deadLetters,
  hidden,
  kept,
  queued,
}: EraseLine & { event: 'erased' }) {
  const isNothing = events + statuses + suppressions + mentions + deadLetters === 0;
  const lines = [
    isNothing
      ? 'Erased: nothing was stored of this recipient. The marker stays, so nothing will be.'
      : `Erased: ${number(events)} events are tombstones, ${number(statuses)} statuses and ` +
        `${number(suppressions)} suppressions are deleted, ${number(mentions)} mentions and ` +
        `${number(deadLetters)} dead letters are gone.`,
  ];
  if (hidden > 0) {
    lines.push(`${number(hidden)} dead letters are in somebody else's hands, and were not looked at.`);
  }
  if (kept > 0) {
    lines.push(`${number(kept)} items hold the address in a message id, an event id or a tag; these stay.`);
  }
  if (queued > 0) {
    lines.push(
      `${number(queued)} messages are in the queue; those of the recipient become tombstones as they are stored.`,
    );
  }
  lines.push('Elsewhere: backups for up to 35 days, what was published, and Mailgun itself. See docs/guarantees.md.');
  return lines;
}
