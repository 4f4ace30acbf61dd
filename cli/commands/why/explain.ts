import type { JsonObject } from '../../../lambdas/domain/canonical.ts';
import { deliveryCode, eventName, textAt } from '../../../lambdas/domain/event.ts';
import { EVENT_TYPES, eventTypeOf, OTHER_EVENT } from '../../../lambdas/domain/event-types.ts';
import { statusUpdateOf } from '../../../lambdas/domain/status.ts';
import type { HistoryEvent, HistoryRecipient } from './history.ts';

const MAX_DESCRIPTION_CHARACTERS = 200;

/** What happened, in words that need no manual. */
export function saying(event: JsonObject): string {
  const name = eventName(event);
  const what = name === 'failed' ? failure(event) : wordsOf(event, name);
  const byMachine = textAt(event, 'client-info', 'bot') === undefined ? '' : ', by a machine and not a person';
  return `${what}${byMachine}${answerOf(event)}`;
}

function wordsOf(event: JsonObject, name: string): string {
  const type = eventTypeOf(name, textAt(event, 'severity')?.toLowerCase());
  return type === OTHER_EVENT ? name : type.words;
}

function failure(event: JsonObject): string {
  const reason = textAt(event, 'reason');
  const why = reason === undefined ? '' : `, reason: ${reason}`;
  return `${wordsOf(event, 'failed')}${why}`;
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
  return event && statusUpdateOf(event).precedence;
}
