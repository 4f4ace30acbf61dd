import type { RecipientMessageEntry } from '../../../api/responses/recipient.ts';
import { type ConfirmedCheck, judgedStatus } from '../messages/confirmed.ts';
import type { MessagePlace, RecipientMessage } from '../ports.ts';
import type { ReadEngagement } from './engagement.ts';
import { messageEntry } from './message-entry.ts';

/** Mails that are looked at for one page, and how many of them at a time. */
const MAX_SEARCHED = 1000;
const MIN_CHUNK = 100;

/** A mail, and its place in the list. */
export interface FoundMail<Place> {
  readonly place: Place;
  readonly mail: RecipientMessage;
}

/** Places behind another one, in the order of the list; a mail is undefined where there is none to show. */
interface MailChunk<Place> {
  readonly places: readonly Place[];
  readonly mails: readonly (RecipientMessage | undefined)[];
  readonly hasMore: boolean;
}

interface MailSearch<Place> {
  readonly limit: number;
  readonly position: Place | undefined;
  readonly hasFilter: boolean;
  readonly read: (count: number, after: Place | undefined) => Promise<MailChunk<Place>>;
  readonly isWanted: (mail: RecipientMessage, place: Place) => boolean;
}

/** Finds the mails of a page among a bounded number of places; `place` is the last one that was looked at. */
export async function findMails<Place>({ limit, position, hasFilter, read, isWanted }: MailSearch<Place>) {
  const found: FoundMail<Place>[] = [];
  let place = position;
  let searched = 0;
  let hasMore = true;
  while (hasMore && found.length < limit && searched < MAX_SEARCHED) {
    const left = limit - found.length;
    // Without a filter the first chunk mostly fills the page; what is not shown behind it is not read one by one.
    const chunk = await read(hasFilter || searched > 0 ? Math.max(left, MIN_CHUNK) : left, place);
    hasMore = chunk.hasMore;
    for (const [nth, at] of chunk.places.entries()) {
      if (found.length === limit) {
        hasMore = true;
        break;
      }
      const mail = chunk.mails[nth];
      place = at;
      searched += 1;
      if (mail !== undefined && isWanted(mail, at)) found.push({ place: at, mail });
    }
  }
  return { found, place, searched, hasMore };
}

/** Returns the entries of found mails; opens and clicks are counted only with a reader, which takes a read for each. */
export async function mailEntries(
  found: readonly FoundMail<MessagePlace>[],
  check: ConfirmedCheck,
  readEngagement: ReadEngagement | undefined,
): Promise<RecipientMessageEntry[]> {
  const confirmed = await check(found.map(({ mail: { status, deciding } }) => judgedStatus(status, deciding)));
  const engagement = await readEngagement?.(
    found.map(({ place: { partition }, mail }) => ({ partition, recipientKey: mail.status.recipientKey })),
  );
  return found.map(({ mail }, nth) =>
    messageEntry(mail, { confirmed: confirmed[nth] ?? false, engagement: engagement?.[nth] ?? null }),
  );
}
