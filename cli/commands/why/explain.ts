import type { JsonObject } from '../../../lambdas/domain/canonical.ts';
import { deliveryCode, eventName, textAt } from '../../../lambdas/domain/event.ts';
import { isPermanent, statusUpdateOf } from '../../../lambdas/domain/status.ts';
import type { HistoryEvent, HistoryRecipient } from './history.ts';

const MAX_DESCRIPTION_CHARACTERS = 200;

const DESCRIPTIONS: Readonly<Record<string, string>> = {
  accepted: 'accepted by Mailgun for sending',
  delivered: "taken by the recipient's mail server",
  opened: 'opened',
  clicked: 'a link was clicked',
  unsubscribed: 'the recipient unsubscribed',
  complained: 'the recipient reported it as spam',
  rejected: 'refused by Mailgun before sending',
};

/** What happened, in words that need no manual. */
export function saying(event: JsonObject): string {
  const name = eventName(event);
  const what = name === 'failed' ? failure(event) : (DESCRIPTIONS[name] ?? name);
  const byMachine = textAt(event, 'client-info', 'bot') === undefined ? '' : ', by a machine and not a person';
  return `${what}${byMachine}${answerOf(event)}`;
}

function failure(event: JsonObject): string {
  const reason = textAt(event, 'reason');
  const why = reason === undefined ? '' : `, reason: ${reason}`;
  return isPermanent(event) ? `failed for good${why}` : `not delivered yet, Mailgun tries again${why}`;
}

/** What the other mail server said: written by strangers, so nothing in it may move the cursor. */
function answerOf(event: JsonObject): string {
  const message = textAt(event, 'delivery-status', 'message') ?? textAt(event, 'delivery-status', 'description');
  const code = deliveryCode(event);
  const parts = [code, message].filter((part) => part !== undefined && part !== '');
  return parts.length === 0 ? '' : ` (${plain(parts.join(' ')).slice(0, MAX_DESCRIPTION_CHARACTERS)})`;
}

/** Text without control characters. */
export function plain(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}]+/gu, ' ').trim();
}

const RANKS: Readonly<Record<number, string>> = {
  50: 'a spam report',
  40: 'a final failure',
  30: 'a delivery',
  25: 'an open or a click',
  20: 'a passing failure',
  10: 'an acceptance',
};

/** Why the deciding event counts more than the others. */
export function because({
  status,
  decidedBy,
  events,
}: Pick<HistoryRecipient, 'status' | 'decidedBy' | 'events'>): string {
  if (status === null) return 'Nothing that came in says what became of it.';
  const decider = events.find(({ eventKey }) => eventKey === decidedBy);
  if (decider === undefined)
    return `It was decided by the event ${decidedBy}, which is not stored any more, or not yet.`;
  const rank = rankOf(decider);
  if (rank === undefined) return 'It was decided by an event whose content was erased.';
  const others = events.filter((event) => event !== decider).map(rankOf);
  const lower = [...new Set(others.filter((other) => other !== undefined && other > 0 && other < rank))]
    .sort((a, b) => Number(a) - Number(b))
    .reverse();
  const equal = others.filter((other) => other === rank).length;
  const over = lower.map((other) => RANKS[other as number] ?? 'anything else');
  const sentences = [
    ...(over.length > 0 ? [`${RANKS[rank]} counts more than ${over.join(' and ')}, whichever came in first`] : []),
    ...(equal > 0 ? [`of ${equal + 1} such events the earliest counts`] : []),
  ];
  if (sentences.length === 0) return 'It is the only event that says what became of it.';
  const text = sentences.join('; ');
  return `${text[0]?.toUpperCase()}${text.slice(1)}.`;
}

function rankOf({ event }: HistoryEvent): number | undefined {
  return event && statusUpdateOf(event).precedence;
}
