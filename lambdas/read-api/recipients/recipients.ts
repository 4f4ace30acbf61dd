import { fitsStatus } from '../../domain/event-types.ts';
import type { TimeRange } from '../../domain/events/day-index.ts';
import { tagsOf } from '../../domain/events/mailgun-event.ts';
import type { ConfirmedCheck } from '../messages/confirmed.ts';
import type { RecipientHistory, RecipientMessage } from '../ports.ts';
import { createEngagement } from './engagement.ts';
import { findMails, mailEntries } from './mail-page.ts';
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
    const { found, place, searched, hasMore } = await findMails<RecipientPlace>({
      limit,
      position,
      hasFilter,
      isWanted,
      read: async (count, after) => {
        const chunk = await newestPlaces(history, keys, range, count, after);
        return { ...chunk, mails: await messagesAt(history, keys, chunk.places) };
      },
    });
    const messages = await mailEntries(found, check, query.engagement ? readEngagement : undefined);
    const until = place === undefined ? null : place.atMs / 1000;
    return {
      body: { recipient, messages, searched: hasFilter ? { messages: searched, until } : null },
      next: hasMore ? place : undefined,
    };
  };
}
