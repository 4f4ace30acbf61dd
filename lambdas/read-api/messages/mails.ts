import type { MailEntry } from '../../../api/responses/mails.ts';
import { fitsStatus } from '../../domain/event-types.ts';
import type { TimeRange } from '../../domain/events/day-index.ts';
import { tagsOf } from '../../domain/events/mailgun-event.ts';
import { parseMessageSort } from '../../domain/keys.ts';
import type { DayEvents, IndexedPlace, MailPlace, MailReader, RecipientMessage, StoredStatus } from '../ports.ts';
import type { ReadEngagement } from '../recipients/engagement.ts';
import { messageEntry } from '../recipients/message-entry.ts';
import { type ConfirmedCheck, type JudgedEvent, judgedMail } from './confirmed.ts';
import type { EventsPosition } from './events.ts';

export interface MailsQuery {
  domain: string;
  /** When the mail was accepted. */
  range: TimeRange;
  /** Only mail of this status, or `pending`. */
  status: string | undefined;
  /** Only mail under this tag, in lower case. */
  tag: string | undefined;
  /** Whether opens and clicks are counted, which takes a read for each mail. */
  engagement?: boolean;
  limit: number;
  position?: EventsPosition | undefined;
}

/** The events by which mail is found; Mailgun reports one for each message and recipient. */
export const MAIL_TYPE = 'accepted';

/** Mails that are looked at for one page with a filter, and how many of them at a time. */
const MAX_SEARCHED = 1000;
const MIN_CHUNK = 100;

/**
 * A page of a domain's mail, one entry for each message and recipient, those accepted last first: one query of the day
 * index for each hundred, and two reads. An index of statuses by time would cost a write unit with every change, so a
 * page with a filter looks at a bounded number of mails, and may hold few while more pages follow.
 */
export function createMails(days: DayEvents, mails: MailReader, readEngagement: ReadEngagement, check: ConfirmedCheck) {
  return async (query: MailsQuery) => {
    const { domain, status, tag, limit, position, range: given } = query;
    const range = position?.range ?? given;
    const hasFilter = status !== undefined || tag !== undefined;
    const isWantedStatus = (stored: StoredStatus) => !isPhantom(stored) && fitsStatus(status, stored.status);
    const isWanted = ({ deciding }: RecipientMessage) =>
      tag === undefined || tagsOf(deciding?.event ?? {}).includes(tag);
    const entries: MailEntry[] = [];
    const places: MailPlace[] = [];
    const judged: JudgedEvent[] = [];
    const shown = new Set<string>();
    let place = position?.place;
    let searched = 0;
    let hasMore = true;
    while (hasMore && entries.length < limit && searched < MAX_SEARCHED) {
      const left = limit - entries.length;
      // Without a filter the first chunk mostly fills the page; erased mail behind it is not read one by one.
      const chunk = hasFilter || searched > 0 ? Math.max(left, MIN_CHUNK) : left;
      const found = await days.newest({ domain, ...range, types: [MAIL_TYPE] }, chunk, place);
      hasMore = found.hasMore;
      const read = await mails.read(found.places.map(mailPlace), isWantedStatus);
      for (const [nth, at] of found.places.entries()) {
        if (entries.length === limit) {
          hasMore = true;
          break;
        }
        const mail = read[nth];
        place = at;
        searched += 1;
        const name = nameOf(at);
        if (mail === undefined || shown.has(name) || !isWanted(mail)) continue;
        // Mailgun may report that it accepted one mail several times.
        shown.add(name);
        places.push(mailPlace(at));
        judged.push(judgedMail(mail));
        entries.push({
          ...messageEntry(mail),
          recipient: mail.status.recipient || null,
          acceptedAt: at.atMs / 1000,
        });
      }
    }
    const confirmed = await check(judged);
    for (const [nth, entry] of entries.entries()) entry.confirmed = confirmed[nth] ?? false;
    if (query.engagement) {
      for (const [nth, counts] of (await readEngagement(places)).entries()) {
        Object.assign(entries[nth] ?? {}, { engagement: counts });
      }
    }
    const until = searched === 0 || place === undefined ? null : place.atMs / 1000;
    return {
      body: { mails: entries, searched: hasFilter ? { messages: searched, until } : null },
      next: hasMore && place ? { range, place } : undefined,
    };
  };
}

const mailPlace = ({ partition, sort }: IndexedPlace) => ({
  partition,
  recipientKey: parseMessageSort(sort).recipientKey,
});

const nameOf = ({ partition, sort }: IndexedPlace) => `${partition} ${parseMessageSort(sort).recipientKey}`;

/** A batch send yields one more `accepted` without a recipient, of which nothing will ever become anything. */
export const isPhantom = ({ recipient, status }: StoredStatus) => recipient === '' && status === 'ACCEPTED';
