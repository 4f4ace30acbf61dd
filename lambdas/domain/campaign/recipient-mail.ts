import { messageIdOf } from '../events/event.ts';
import { recipientOf } from '../events/mailgun-event.ts';
import type { JsonObject } from '../json.ts';
import { eventSort, messageIdInPartition, namesRecipient, parseMessageSort } from '../keys.ts';
import { tombstoneIdentity } from '../recipients/erasure.ts';
import { type MailOutcome, mailOutcome } from './mail-outcome.ts';

/** One message to one recipient, with its outcome. */
export interface RecipientMail {
  readonly recipientKey: string;
  /** As sent; null if the recipient was erased. */
  readonly recipient: string | null;
  readonly messageId: string | null;
  readonly firstAtMs: number;
  /** Number of its events. */
  readonly events: number;
  readonly mail: MailOutcome;
}

/** An event of a mail, of the table or the archive. */
export interface RecipientEvent {
  readonly recipientKey: string;
  readonly eventKey: string;
  readonly event: JsonObject;
  readonly atMs: number;
  /** Undefined where Mailgun lists it, or may still. */
  readonly unconfirmedSinceMs?: number | undefined;
}

/**
 * Returns the mail that the events of one message and recipient are of; undefined for a batch's own acceptance, which has
 * no recipient.
 */
export function recipientMail(partition: string, events: readonly RecipientEvent[]): RecipientMail | undefined {
  const [first] = events;
  if (first === undefined || first.recipientKey === '-') return undefined;
  const named = events.find((each) => recipientOf(each.event) !== undefined);
  return {
    recipientKey: first.recipientKey,
    recipient: namesRecipient(first.recipientKey) && named ? (recipientOf(named.event) ?? null) : null,
    messageId: messageIdInPartition(partition) ?? idIn(events) ?? null,
    firstAtMs: Math.min(...events.map(({ atMs }) => atMs)),
    events: events.length,
    mail: mailOutcome(
      events.map(({ event, eventKey, atMs, unconfirmedSinceMs }) => ({
        event,
        eventKey,
        atMs,
        isUnconfirmed: unconfirmedSinceMs !== undefined,
      })),
    ),
  };
}

/** Returns the message id in the events, for one that is too long for keys. */
const idIn = (events: readonly RecipientEvent[]) =>
  events.map(({ event }) => messageIdOf(event)).find((id) => id !== undefined);

/**
 * Yields the mails of a message, each from all events that table or archive holds, one that both hold as the table has
 * it. Their recipients go by the names of tombstones, as an erasure may have come to one of the two alone.
 */
export async function* mergedMails(
  partition: string,
  archived: readonly RecipientEvent[],
  stored: AsyncIterable<readonly RecipientEvent[]>,
  erasureKey: string,
): AsyncGenerator<RecipientMail> {
  const people = new Map<string, Map<string, RecipientEvent>>();
  const take = (event: RecipientEvent) => {
    const person = personOf(event, erasureKey);
    const events = people.get(person) ?? new Map<string, RecipientEvent>();
    people.set(person, events.set(event.eventKey, event));
  };
  for (const event of archived) take(event);
  // Later, so that the table's copy counts: what was erased is so there first, what was corrected later there alone.
  for await (const events of stored) for (const event of events) take(event);
  for (const [person, events] of people) {
    const all = [...events.values()];
    const mail = recipientMail(partition, all);
    if (mail === undefined) continue;
    const isErased = all.some(({ recipientKey }) => !namesRecipient(recipientKey));
    yield { ...(isErased ? unnamed(mail) : mail), recipientKey: person };
  }
}

function personOf({ recipientKey, eventKey }: RecipientEvent, erasureKey: string): string {
  const { eventSort: sort } = tombstoneIdentity({ eventSort: eventSort(recipientKey, eventKey) }, erasureKey);
  return parseMessageSort(sort).recipientKey ?? recipientKey;
}

/** Removes the recipient's name from a mail. */
export function unnamed({ mail, ...rest }: RecipientMail): RecipientMail {
  // A server's text often quotes the address.
  const failure = mail.failure && { ...mail.failure, text: null };
  return { ...rest, recipient: null, mail: { ...mail, failure } };
}
