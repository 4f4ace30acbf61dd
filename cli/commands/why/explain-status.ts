import { EVENT_TYPES, OTHER_EVENT } from '../../../lambdas/domain/event-types.ts';
import { type MailgunEvent, parseEvent } from '../../../lambdas/domain/events/mailgun-event.ts';
import type { JsonObject } from '../../../lambdas/domain/json.ts';
import { failureClassOf } from '../../../lambdas/domain/status/classify-failure.ts';
import { FAILURE_CLASSES } from '../../../lambdas/domain/status/failure-class.ts';
import { statusUpdateOf } from '../../../lambdas/domain/status/status-update.ts';
import type { HistoryEvent, HistoryRecipient } from '../../event-history.ts';
import { plain } from '../../output.ts';

const MAX_DESCRIPTION_CHARACTERS = 200;

/** Returns the event in words that need no manual. */
export function describeEvent(raw: JsonObject): string {
  const event = parseEvent(raw);
  const failureClass = failureClassOf(event) ?? 'other';
  const reason = event.name === 'rejected' ? event.rejectReason : event.reason;
  const notes = [
    ...(failureClass === 'other' ? [] : [FAILURE_CLASSES[failureClass]]),
    ...(REASONED.has(event.name) && reason !== undefined ? [`reason: ${reason}`] : []),
    ...(event.hasGivenUp ? ['Mailgun gave up after trying for too long'] : []),
    ...(event.isByMachine ? ['by a machine and not a person'] : []),
    ...(event.isTestMode ? ['in test mode: nothing was sent'] : []),
    ...(event.isInbound ? ['mail to you, which Mailgun routed on'] : []),
  ];
  const what = event.type === OTHER_EVENT ? event.name : event.type.words;
  return [what, ...notes].join(', ') + replyText(event);
}

const REASONED = new Set(['failed', 'rejected']);

/** Returns the text of the other mail server, or of Mailgun where it sent nothing: written by strangers, so nothing in it may move the cursor. */
function replyText({ code, deliveryMessage, deliveryDescription, rejectDescription }: MailgunEvent): string {
  const parts = [code, deliveryMessage ?? deliveryDescription ?? rejectDescription].filter(
    (part) => part !== undefined && part !== '',
  );
  return parts.length === 0 ? '' : ` (${plain(parts.join(' ')).slice(0, MAX_DESCRIPTION_CHARACTERS)})`;
}

/** Returns the events of a precedence as a noun: "an open or a click". */
function nounOf(precedence: number): string {
  const nouns = Object.values(EVENT_TYPES).filter(
    (type) => type.precedence === precedence && type.event !== 'rejected',
  );
  return nouns.map(({ noun }) => noun).join(' or ') || 'anything else';
}

/** Returns why the deciding event counts more than the others. */
export function explainStatus({
  status,
  decidedBy,
  events,
}: Pick<HistoryRecipient, 'status' | 'decidedBy' | 'events'>): string {
  if (status === null) {
    return events.some(decidedBefore(0))
      ? 'What says what became of it was discarded, since Mailgun never listed it.'
      : 'Nothing that came in says what became of it.';
  }
  const decider = events.find(({ eventKey }) => eventKey === decidedBy);
  if (decider === undefined)
    return `It was decided by the event ${decidedBy}, which is not stored any more, or not yet.`;
  const rank = rankOf(decider);
  if (rank === undefined) return 'It was decided by an event whose content was erased.';
  const others = events.filter((event) => event !== decider && event.distrustedAtMs === undefined).map(rankOf);
  const lower = [...new Set(others.filter((other) => other !== undefined && other > 0 && other < rank))]
    .sort((a, b) => Number(a) - Number(b))
    .reverse();
  const equal = others.filter((other) => other === rank).length;
  const over = lower.map((other) => nounOf(other as number));
  const isDiscarded = events.some(decidedBefore(rank, decider.atMs));
  const sentences = [
    ...(isDiscarded ? ['what counts more was discarded, since Mailgun never listed it'] : []),
    ...(over.length > 0 ? [`${nounOf(rank)} counts more than ${over.join(' and ')}, whichever came in first`] : []),
    ...(equal > 0 ? [`of ${equal + 1} such events the earliest counts`] : []),
  ];
  if (sentences.length === 0) return 'It is the only event that says what became of it.';
  const text = sentences.join('; ');
  return `${text[0]?.toUpperCase()}${text.slice(1)}.`;
}

/**
 * Returns a check for discarded events that would count more. Statuses that were decided before marks of distrust were
 * written show it by a higher rank alone.
 */
const decidedBefore =
  (rank: number, atMs = Number.NEGATIVE_INFINITY) =>
  (event: HistoryEvent) => {
    const own = rankOf(event) ?? 0;
    if (event.distrustedAtMs !== undefined && own === rank) return event.atMs < atMs;
    return event.unconfirmedSinceMs !== undefined && own > rank;
  };

function rankOf({ event }: HistoryEvent): number | undefined {
  return event && statusUpdateOf(parseEvent(event)).precedence;
}
