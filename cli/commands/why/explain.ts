import type { JsonObject } from '../../../lambdas/domain/canonical.ts';
import { deliveryCode, textAt } from '../../../lambdas/domain/event.ts';
import { EVENT_TYPES, OTHER_EVENT } from '../../../lambdas/domain/event-types.ts';
import { parseEvent } from '../../../lambdas/domain/mailgun-event.ts';
import { statusUpdateOf } from '../../../lambdas/domain/status.ts';
import type { HistoryEvent, HistoryRecipient } from './history.ts';

const MAX_DESCRIPTION_CHARACTERS = 200;

/** What happened, in words that need no manual. */
export function saying(raw: JsonObject): string {
  const event = parseEvent(raw);
  const notes = [
    ...(event.name === 'failed' && event.reason !== undefined ? [`reason: ${event.reason}`] : []),
    ...(event.hasGivenUp ? ['Mailgun gave up after trying for too long'] : []),
    ...(event.isByMachine ? ['by a machine and not a person'] : []),
    ...(event.isTestMode ? ['in test mode: nothing was sent'] : []),
    ...(event.isInbound ? ['mail to you, which Mailgun routed on'] : []),
  ];
  const what = event.type === OTHER_EVENT ? event.name : event.type.words;
  return [what, ...notes].join(', ') + answerOf(raw);
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

/** What holds a precedence: "an open or a click". */
function nounOf(precedence: number): string {
  const nouns = Object.values(EVENT_TYPES).filter(
    (type) => type.precedence === precedence && type.event !== 'rejected',
  );
  return nouns.map(({ noun }) => noun).join(' or ') || 'anything else';
}

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
  const over = lower.map((other) => nounOf(other as number));
  const sentences = [
    ...(over.length > 0 ? [`${nounOf(rank)} counts more than ${over.join(' and ')}, whichever came in first`] : []),
    ...(equal > 0 ? [`of ${equal + 1} such events the earliest counts`] : []),
  ];
  if (sentences.length === 0) return 'It is the only event that says what became of it.';
  const text = sentences.join('; ');
  return `${text[0]?.toUpperCase()}${text.slice(1)}.`;
}

function rankOf({ event }: HistoryEvent): number | undefined {
  return event && statusUpdateOf(parseEvent(event)).precedence;
}
