import type { RecipientMessageEntry } from '../../../api/responses/recipient.ts';
import { fitsStatus } from '../../domain/event-types.ts';
import type { TimeRange } from '../../domain/events/day-index.ts';
import { tagsOf } from '../../domain/events/mailgun-event.ts';
import { type ConfirmedCheck, type JudgedEvent, judgedMail } from '../messages/confirmed.ts';
import type { MailPlace, RecipientHistory, RecipientMessage } from '../ports.ts';
import { createEngagement } from './engagement.ts';
import { messageEntry } from './message-entry.ts';
import { messagesAt, newestPlaces, type RecipientPlace } from './recipient-places.ts';

export interface RecipientQuery {
  recipient: string;
  /** The keys under which the recipient may be stored, today's first. */
  keys: readonly string[];
  range: TimeRange;
  /** Only messages of this status, or `pending`. */
  status: string | undefined;
  /** Only messages under this tag, in lower case. */
  tag: string | undefined;
  /** Whether opens and clicks are counted, which takes a read for each message. */
  engagement?: boolean;
  limit: number;
  position: RecipientPlace | undefined;
}

/** Messages that are looked at for one page with a filter, and how many of them at a time. */
const MAX_SEARCHED = 1000;
const MIN_CHUNK = 100;

/**
 * Returns a page of a recipient's messages, newest first: one query, and two reads per hundred messages. With a filter
 * a page reads a bounded number of messages, so it may hold few while more pages follow.
 */
export function createRecipients(history: RecipientHistory, check: ConfirmedCheck) {
  const readEngagement = createEngagement(history);
  return async (query: RecipientQuery) => {
    const { recipient, keys, range, status, tag, limit, position } = query;
    const hasFilter = status !== undefined || tag !== undefined;
    const isWanted = (message: RecipientMessage) =>
      fitsStatus(status, message.status.status) &&
      (tag === undefined || tagsOf(message.deciding?.event ?? {}).includes(tag));
    const messages: RecipientMessageEntry[] = [];
    const places: MailPlace[] = [];
    const judged: JudgedEvent[] = [];
    let place = position;
    let searched = 0;
    let hasMore = true;
    while (hasMore && messages.length < limit && searched < MAX_SEARCHED) {
      const left = limit - messages.length;
      const found = await newestPlaces(history, keys, range, hasFilter ? Math.max(left, MIN_CHUNK) : left, place);
      hasMore = found.hasMore;
      const read = await messagesAt(history, keys, found.places);
      for (const [nth, at] of found.places.entries()) {
        if (messages.length === limit) {
          hasMore = true;
          break;
        }
        const message = read[nth];
        place = at;
        searched += 1;
        if (message === undefined || !isWanted(message)) continue;
        messages.push(messageEntry(message));
        judged.push(judgedMail(message));
        places.push({ partition: at.partition, recipientKey: message.status.recipientKey });
      }
    }
    const confirmed = await check(judged);
    for (const [nth, entry] of messages.entries()) entry.confirmed = confirmed[nth] ?? false;
    if (query.engagement) {
      for (const [nth, counts] of (await readEngagement(places)).entries()) {
        Object.assign(messages[nth] ?? {}, { engagement: counts });
      }
    }
    const until = place === undefined ? null : place.atMs / 1000;
    return {
      body: { recipient, messages, searched: hasFilter ? { messages: searched, until } : null },
      next: hasMore ? place : undefined,
    };
  };
}
