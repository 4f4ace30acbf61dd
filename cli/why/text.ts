import { utc } from '../ago.ts';
import { plain } from './explain.ts';
import type { WhyEvent, WhyRecipient } from './lines.ts';

/** One recipient's story. */
export function recipientText(line: WhyRecipient): string[] {
  const { recipient, status, reason, statusAt, because, events, mayBeForged } = line;
  const since = statusAt === null || status === null ? '' : ` since ${time(statusAt)}`;
  return [
    '',
    `${plain(recipient)}: ${status ?? 'no status'}${reason === null ? '' : ` (${plain(reason)})`}${since}`,
    ...events.flatMap(eventText),
    `  Why: ${because}`,
    ...(mayBeForged > 0
      ? [`  ! ${mayBeForged === 1 ? 'One event' : `${mayBeForged} events`} may be forged: do not trust this record.`]
      : []),
  ];
}

function eventText({ at, says, decides, erased, source, receivedAt, webhookAt, reconciled }: WhyEvent): string[] {
  const came = erased ? 'its recipient was erased' : cameIn(source, receivedAt, webhookAt);
  return [`${decides ? '  > ' : '    '}${time(at)}  ${plain(says)}`, `      ${came}; ${listedText(reconciled)}`];
}

function cameIn(source: WhyEvent['source'], receivedAt: string | null, webhookAt: string | null): string {
  if (receivedAt === null) return 'how it came in is not kept';
  if (source === 'webhook') return `came by webhook at ${time(receivedAt)}`;
  const recovered = `found at Mailgun by reconciliation at ${time(receivedAt)}`;
  return webhookAt === null ? `${recovered}, no webhook came` : `${recovered}, and by webhook at ${time(webhookAt)}`;
}

function listedText({ slice, listed, why }: WhyEvent['reconciled']): string {
  if (listed === 'yes')
    return slice === 'open' ? 'Mailgun lists it (others of that time are missing)' : 'Mailgun lists it';
  if (listed === 'never') return 'Mailgun never listed this event: it may be forged';
  if (listed === 'not yet') return 'Mailgun does not list it so far; it is looked for once more';
  return `whether Mailgun lists it is not known: ${why}`;
}

const time = (iso: string) => utc(Date.parse(iso));
