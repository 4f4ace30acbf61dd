import type { MailEntry } from '../../../api/responses/mails.ts';
import { fitsStatus } from '../../domain/event-types.ts';
import type { TimeRange } from '../../domain/events/day-index.ts';
import { tagsOf } from '../../domain/events/mailgun-event.ts';
import { parseMessageSort } from '../../domain/keys.ts';
import type { DayEvents, IndexedPlace, MailReader, StoredStatus } from '../ports.ts';
import type { ReadEngagement } from '../recipients/engagement.ts';
import { type FoundMail, findMails, mailEntries } from '../recipients/mail-page.ts';
import type { ConfirmedCheck } from './confirmed.ts';
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
    const shown = new Set<string>();
    const { found, place, searched, hasMore } = await findMails<IndexedPlace>({
      limit,
      hasFilter,
      position: position?.place,
      read: async (count, after) => {
        const chunk = await days.newest({ domain, ...range, types: [MAIL_TYPE] }, count, after);
        return { ...chunk, mails: await mails.read(chunk.places.map(mailPlace), isWantedStatus) };
      },
      isWanted: ({ deciding }, at) => {
        // Mailgun may report that it accepted one mail several times.
        if (shown.has(nameOf(at))) return false;
        if (tag !== undefined && !tagsOf(deciding?.event ?? {}).includes(tag)) return false;
        shown.add(nameOf(at));
        return true;
      },
    });
    const described = await mailEntries(found, check, query.engagement ? readEngagement : undefined);
    const entries = described.map((entry, nth): MailEntry => {
      const { mail, place: accepted } = found[nth] as FoundMail<IndexedPlace>;
      return { ...entry, recipient: mail.status.recipient || null, acceptedAt: accepted.atMs / 1000 };
    });
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
