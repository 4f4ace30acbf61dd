import type { ReceiverEntry, ReceiversResponse } from '../../../api/responses/receivers.ts';
import { HOUR_SECONDS } from '../../contract.ts';
import type { DeliveryName } from '../../domain/publishing/delivery.ts';
import { DeliveryCounter, type DeliveryLedger } from '../../domain/publishing/delivery-ledger.ts';
import { type ReceiverState, receiverCondition } from '../../domain/publishing/receiver-state.ts';
import type { ReceiverStateReader } from '../../shared/ports.ts';
import type { DeliveryHistory, DeliveryPlace, QueueLength, ReadReceiver } from '../ports.ts';

interface ReceiversDeps {
  receivers: readonly ReadReceiver[];
  states: ReceiverStateReader;
  deliveries: DeliveryHistory;
  queueAt: (url: string) => QueueLength;
  now: () => number;
}

/** Deliveries of one receiver that are counted for a response, and how many of them are read at a time. */
const MAX_COUNTED = 10_000;
const CHUNK = 1000;
const MAX_NAMES = 100;

/**
 * Returns the outcomes of deliveries to each receiver, by hour. A queue that does not respond is null; the rest is
 * returned.
 */
export function createReceivers({ receivers, states, deliveries, queueAt, now }: ReceiversDeps) {
  return async ({ hours }: { hours: number }): Promise<ReceiversResponse> => {
    const nowMs = now();
    const to = Math.floor(nowMs / 1000) + 1;
    const from = Math.ceil(to / HOUR_SECONDS) * HOUR_SECONDS - hours * HOUR_SECONDS;
    return { receivers: await Promise.all(receivers.map((receiver) => entryOf(receiver, from, to, nowMs))) };
  };

  async function entryOf({ name, ...urls }: ReadReceiver, from: number, to: number, nowMs: number) {
    const depthOf = (url: string) =>
      queueAt(url)
        .messages()
        .catch(() => null);
    const [state, queue, deadLetters] = await Promise.all([
      states.read(name),
      depthOf(urls.queueUrl),
      depthOf(urls.deadLettersUrl),
    ]);
    const counter = new DeliveryCounter({ state, isQueueEmpty: queue === 0, nowMs });
    const countedFrom = await countInto(counter, name, from, to);
    const { ledger, hours, unaccounted } = counter.result(countedFrom);
    return {
      name,
      ...stateEntry(state),
      queue,
      deadLetters,
      ledger,
      hours: hours.map(({ hour, ...counts }) => ({ hour: isoSeconds(hour), ...columnsOf(counts) })),
      countedFrom: isoSeconds(countedFrom),
      unaccounted: unaccounted.slice(0, MAX_NAMES).map(nameEntry),
    };
  }

  /** Returns since when all deliveries are counted: a start of an hour. */
  async function countInto(counter: DeliveryCounter, receiver: string, from: number, to: number): Promise<number> {
    let place: DeliveryPlace | undefined = { publishedAt: to, id: '' };
    for (let counted = 0; counted < MAX_COUNTED; ) {
      const page: Awaited<ReturnType<DeliveryHistory['newest']>> = await deliveries.newest(
        receiver,
        from,
        CHUNK,
        place,
      );
      for (const delivery of page.deliveries) counter.add(delivery, delivery.name);
      counted += page.deliveries.length;
      place = page.next;
      if (place === undefined) return from;
    }
    return Math.ceil(place.publishedAt / HOUR_SECONDS) * HOUR_SECONDS;
  }
}

function stateEntry(state: ReceiverState): Pick<ReceiverEntry, 'state' | 'since' | 'reason' | 'lastStatus'> {
  const { disabledAt, failingSince, disabledReason = null, lastStatus = null } = state;
  const sinceMs = disabledAt ?? failingSince;
  const since = sinceMs === undefined ? null : new Date(sinceMs).toISOString();
  return { state: receiverCondition(state), since, reason: disabledReason, lastStatus };
}

/** In the order in which people read them. */
const columnsOf = ({ published, acknowledged, waiting, dead, unaccounted }: DeliveryLedger) => ({
  published,
  acknowledged,
  waiting,
  dead,
  unaccounted,
});

const nameEntry = ({ id, publishedAt }: DeliveryName) => ({ id, publishedAt: isoSeconds(publishedAt) });

const isoSeconds = (seconds: number) => new Date(seconds * 1000).toISOString();
