import type { RecipientStatus } from '../../../api/responses/message.ts';
import { EVERY_RECIPIENT, parseMessageSort } from '../../domain/keys.ts';
import { isKeyText } from '../http/cursor.ts';
import { PageRoom } from '../http/page-room.ts';
import type { EventOrigin, MessageHistory, StoredEvent, StoredStatus } from '../ports.ts';
import { type JudgedEntry, type JudgedEventEntry, judgedStatus, shownEvent } from './confirmed.ts';
import { type EventRetention, expiredEvents, mayBeGone } from './expired-events.ts';
import { isPhantom } from './mails.ts';
import { count, isRecipientCounts, noCounts, type RecipientCounts } from './recipient-counts.ts';

/** Behind which key a page begins; the tally is of that key's recipient, where more of its events follow. */
export interface MessagePosition {
  after: string;
  tally?: RecipientCounts;
}

interface MessageQuery {
  messageId: string;
  limit: number;
  position?: MessagePosition | undefined;
}

export function isMessagePosition(value: unknown): value is MessagePosition {
  const { after, tally } = (value ?? {}) as Partial<MessagePosition>;
  return isKeyText(after) && after.startsWith(EVERY_RECIPIENT) && (tally === undefined || isRecipientCounts(tally));
}

/**
 * Returns a page of a message's history; undefined if nothing is stored of the message. Pages are ordered by recipient,
 * like the items, since an index by time would cost another write unit per event; the events within a page are ordered
 * by time. A page takes one query, and up to four reads for recipients whose events span pages.
 */
export function createMessages(history: MessageHistory, retention: EventRetention) {
  return async ({ messageId, limit, position }: MessageQuery) => {
    const page = takePage(await history.page(messageId, 2 * limit + 1, position?.after), limit);
    if (position === undefined && page.recipientKeys.size === 0 && !page.hasMore) return undefined;
    const last = page.last ?? position?.after ?? '';
    const split =
      page.hasMore && !page.statuses.has(parseMessageSort(last).recipientKey)
        ? parseMessageSort(last).recipientKey
        : '';
    const carried = position?.tally && {
      recipientKey: parseMessageSort(position.after).recipientKey,
      tally: position.tally,
    };

    const recipients: { entry: RecipientStatus; judged: JudgedEntry['judged'] }[] = [];
    const shown: StoredStatus[] = [];
    let splitTally = carried?.recipientKey === split ? carried.tally : undefined;
    for (const recipientKey of page.recipientKeys) {
      const own = page.events.filter(({ stored }) => stored.recipientKey === recipientKey);
      const tally = carried?.recipientKey === recipientKey ? carried.tally : noCounts();
      for (const { stored } of own) count(tally, stored.event);
      if (recipientKey === split) splitTally = tally;
      const status = page.statuses.get(recipientKey) ?? (await history.status(messageId, recipientKey));
      if (status === undefined || isPhantom(status)) continue;
      shown.push(status);
      const { decidedBy } = status;
      const deciding = own.find(({ stored }) => stored.eventKey === decidedBy)?.stored;
      const isGone = own.length === 0 && mayBeGone(status, retention);
      const origin = deciding ?? (isGone ? undefined : await history.originOf(messageId, recipientKey, decidedBy));
      const entry: RecipientStatus = {
        ...recipientEntry(status, origin, tally, recipientKey !== split),
        testMode: own.some((each) => each.entry.testMode),
        direction: own.some((each) => each.entry.direction === 'inbound') ? 'inbound' : 'outbound',
      };
      recipients.push({ entry, judged: judgedStatus(status, origin) });
    }
    const next: MessagePosition | undefined = page.hasMore
      ? { after: last, ...(splitTally && { tally: splitTally }) }
      : undefined;
    const events = page.events.toSorted(byTime);
    const body = {
      messageId,
      recipients: recipients.map(({ entry }) => entry),
      events: events.map(({ entry }) => entry),
      ...expiredEvents(shown, retention),
    };
    return { body, judged: [...recipients, ...events], next };
  };
}

interface ShownEvent extends JudgedEventEntry {
  stored: StoredEvent;
}

const byTime = (a: ShownEvent, b: ShownEvent) => a.stored.atMs - b.stored.atMs || (a.entry.key < b.entry.key ? -1 : 1);

/** Takes what fits; statuses take no room. */
function takePage(page: Awaited<ReturnType<MessageHistory['page']>>, limit: number) {
  const room = new PageRoom(limit);
  const events: ShownEvent[] = [];
  const statuses = new Map<string, StoredStatus>();
  const recipientKeys = new Set<string>();
  let taken: string | undefined;
  for (const found of page.entries) {
    if ('event' in found) {
      if (room.isFull) return { events, statuses, recipientKeys, last: taken, hasMore: true };
      const shown = shownEvent(found.event);
      room.take(shown.entry);
      events.push({ stored: found.event, ...shown });
      recipientKeys.add(found.event.recipientKey);
    } else {
      statuses.set(found.status.recipientKey, found.status);
      recipientKeys.add(found.status.recipientKey);
    }
    taken = found.sort;
  }
  return { events, statuses, recipientKeys, last: page.last, hasMore: page.hasMore };
}

function recipientEntry(
  status: StoredStatus,
  origin: EventOrigin | undefined,
  tally: RecipientCounts,
  countsComplete: boolean,
): Omit<RecipientStatus, 'testMode' | 'direction'> {
  return {
    recipient: status.recipient || null,
    domain: status.domain,
    status: status.status,
    reason: status.reason,
    statusAt: status.statusAtMs / 1000,
    decidedBy: status.decidedBy,
    source: origin?.source ?? null,
    unconfirmed: origin?.unconfirmedSinceMs !== undefined,
    confirmed: false,
    opens: tally.opens,
    clicks: tally.clicks,
    machineOpens: tally.machineOpens,
    machineClicks: tally.machineClicks,
    unsubscribed: tally.unsubscribedFrom.length > 0,
    unsubscribedFrom: tally.unsubscribedFrom,
    countsComplete,
  };
}
