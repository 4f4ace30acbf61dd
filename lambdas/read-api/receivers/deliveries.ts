import type { DeliveryEntry } from '../../../api/responses/receivers.ts';
import { type DeliveryState, deliveredType, isInState, type LoggedDelivery } from '../../domain/publishing/delivery.ts';
import { isNamed } from '../../domain/publishing/standard-webhook.ts';
import { PageRoom } from '../http/page-room.ts';
import { isRangeOf, type RangeQuery } from '../http/range.ts';
import type { DeliveryHistory, DeliveryPlace } from '../ports.ts';

interface DeliveriesQuery {
  receiver: string;
  /** Epoch seconds; the end does not belong to it. */
  range: DeliveryRange;
  state?: DeliveryState | undefined;
  id?: string | undefined;
  /** Message id. */
  message?: string | undefined;
  limit: number;
  position?: DeliveriesPosition | undefined;
}

interface DeliveryRange {
  from: number;
  to: number;
}

/** Start of a page; fixes the range, which without `from` or `to` would move with the clock between pages. */
interface DeliveriesPosition {
  range: DeliveryRange;
  place: DeliveryPlace;
}

/** Returns true if a value of a cursor is a position in the range of this query. */
export function isDeliveriesPosition(value: unknown, query: RangeQuery, nowMs: number): value is DeliveriesPosition {
  const { range, place } = (value ?? {}) as Partial<DeliveriesPosition>;
  const { from = Number.NaN, to = Number.NaN } = range ?? {};
  const ofQuery = { day: query.day, from: wholeSecond(query.from), to: wholeSecond(query.to) };
  if (!isRangeOf({ fromMs: from * 1000, toMs: to * 1000 }, ofQuery, nowMs)) return false;
  const { publishedAt, id } = (place ?? {}) as Partial<DeliveryPlace>;
  if (!isSecond(publishedAt) || typeof id !== 'string') return false;
  if (id === '') return publishedAt > from && publishedAt <= to;
  return publishedAt >= from && publishedAt < to && id.isWellFormed() && Buffer.byteLength(id) <= 1000;
}

const wholeSecond = (ms: number | undefined) => (ms === undefined ? undefined : Math.floor(ms / 1000) * 1000);

const isSecond = (value: unknown): value is number =>
  Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) < 1e10;

/** Size and number of reads for a filtered page. */
const CHUNK = 250;
const MAX_READS = 10;

/**
 * Returns a page of a receiver's delivery log, newest first. With a filter a page reads a bounded number of deliveries.
 */
export function createDeliveries(history: DeliveryHistory) {
  return async ({ receiver, range: given, limit, position, ...filters }: DeliveriesQuery) => {
    const range = position?.range ?? given;
    const isWanted = predicateOf(filters);
    const room = new PageRoom(limit);
    const deliveries: DeliveryEntry[] = [];
    let place: DeliveryPlace | undefined = position?.place ?? { publishedAt: range.to, id: '' };
    let searched = 0;
    let until: number | null = null;
    let reads = 0;
    do {
      reads += 1;
      const chunk = isWanted ? CHUNK : limit;
      const page: Awaited<ReturnType<DeliveryHistory['newest']>> = await history.newest(
        receiver,
        range.from,
        chunk,
        place,
      );
      place = page.next;
      for (const delivery of page.deliveries) {
        const { publishedAt, id } = delivery.name;
        if (room.isFull) break;
        searched += 1;
        until = publishedAt;
        // A page that was cut continues after the last delivery it read.
        place = delivery === page.deliveries.at(-1) ? page.next : { publishedAt, id };
        if (isWanted?.(delivery) === false) continue;
        const entry = entryOf(delivery);
        room.take(entry);
        deliveries.push(entry);
      }
    } while (isWanted && place && !room.isFull && reads < MAX_READS);
    return {
      body: { deliveries, searched: isWanted ? { deliveries: searched, until } : null },
      next: place && { range, place },
    };
  };
}

function predicateOf({ state, id, message }: Pick<DeliveriesQuery, 'state' | 'id' | 'message'>) {
  if (state === undefined && id === undefined && message === undefined) return undefined;
  return ({ name, detail, state: current }: LoggedDelivery) =>
    (state === undefined || isInState(state, current)) &&
    (id === undefined || isNamed(name.id, id)) &&
    (message === undefined || detail.messageId === message);
}

function entryOf(delivery: LoggedDelivery): DeliveryEntry {
  const { name, detailType, detail, state, attempts, settledAt, nextAt, response = null } = delivery;
  const { messageId } = detail;
  return {
    id: name.id,
    publishedAt: isoTime(name.publishedAt * 1000),
    type: deliveredType(detailType),
    messageId: typeof messageId === 'string' ? messageId : null,
    state,
    attempts: attempts.map(({ at, ms, status = null, error = null }) => ({ at: isoTime(at), ms, status, error })),
    nextAt: nextAt === undefined ? null : isoTime(nextAt),
    settledAt: settledAt === undefined ? null : isoTime(settledAt),
    response,
  };
}

const isoTime = (ms: number) => new Date(ms).toISOString();
