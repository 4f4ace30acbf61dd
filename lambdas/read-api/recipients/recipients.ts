import type { RecipientMessageEntry } from '../../../api/responses/recipient.ts';
import type { TimeRange } from '../../domain/events/day-index.ts';
import { parseEvent, tagsOf } from '../../domain/events/mailgun-event.ts';
import type { MessagePlace, RecipientHistory, RecipientMessage } from '../ports.ts';
import { messagesAt, newestPlaces, type RecipientPlace } from './recipient-places.ts';

export interface RecipientQuery {
  recipient: string;
  /** The keys under which the recipient may be stored, today's first. */
  keys: readonly string[];
  range: TimeRange;
  /** Only messages of this status. */
  status: string | undefined;
  /** Only messages under this tag, in lower case. */
  tag: string | undefined;
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
export function createRecipients(history: RecipientHistory) {
  return async ({ recipient, keys, range, status, tag, limit, position }: RecipientQuery) => {
    const hasFilter = status !== undefined || tag !== undefined;
    const isWanted = (message: RecipientMessage) =>
      (status === undefined || message.status.status === status) &&
      (tag === undefined || tagsOf(message.deciding?.event ?? {}).includes(tag));
    const messages: RecipientMessageEntry[] = [];
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
        if (message !== undefined && isWanted(message)) messages.push(entryOf(message, at));
      }
    }
    const until = place === undefined ? null : place.atMs / 1000;
    return {
      body: { recipient, messages, searched: hasFilter ? { messages: searched, until } : null },
      next: hasMore ? place : undefined,
    };
  };
}

/** Returns what distinguishes one mail from another; most of it is in the deciding event, if that is stored already. */
function entryOf({ messageId, status, deciding }: RecipientMessage, { atMs }: MessagePlace): RecipientMessageEntry {
  const { subject = null, tags, isTestMode, isInbound } = parseEvent(deciding?.event ?? {});
  return {
    messageId,
    status: status.status,
    reason: status.reason,
    statusAt: status.statusAtMs / 1000,
    firstAt: atMs / 1000,
    subject,
    tags,
    domain: deciding?.domain ?? null,
    testMode: isTestMode,
    direction: isInbound ? 'inbound' : 'outbound',
    unconfirmed: deciding?.unconfirmedSinceMs !== undefined,
  };
}
