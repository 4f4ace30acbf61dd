import { DAY_MS } from '../../contract.ts';
import { deliveryHour } from '../keys.ts';
import { type Delivery, type DeliveryName, isInState } from './delivery.ts';
import type { ReceiverState } from './receiver-state.ts';

/** The outcomes of the deliveries that were published in a time range. */
export interface DeliveryLedger {
  published: number;
  acknowledged: number;
  /** In the queue: before the first attempt, or between two. */
  waiting: number;
  dead: number;
  /** In the log as published or waiting, although no message in the queue will deliver them. */
  unaccounted: number;
}

const NO_DELIVERIES: DeliveryLedger = { published: 0, acknowledged: 0, waiting: 0, dead: 0, unaccounted: 0 };

/** The facts of a receiver by which its deliveries are judged. */
export interface ReceiverFacts {
  state: ReceiverState;
  /** False also where it is not known. */
  isQueueEmpty: boolean;
  nowMs: number;
}

type Judged = Pick<Delivery, 'state' | 'attempts' | 'nextAt'>;

/** An attempt that is this late will not be made, where nothing else is late. */
const OVERDUE_MS = 15 * 60_000;
/**
 * Interval at which deliver receives the messages of a disabled receiver; each receive counts towards SQS's limit of a
 * thousand.
 */
export const DISABLED_RECEIVE_SECONDS = 1800;
/** A first attempt that was made within this time shows how far behind the queue is. */
const RECENT_MS = OVERDUE_MS + DISABLED_RECEIVE_SECONDS * 1000;
/** Queue and DLQ keep a message no longer. */
const QUEUE_RETENTION_MS = 14 * DAY_MS;
/**
 * Distinguishes a delivery lost between bus and receiver from one that waits in a busy queue, by how late the queue
 * attempts what was published after it. `observe` takes every delivery that was published since the first that is
 * judged. SQS cannot say which messages it holds, and by an empty queue alone one delivery that keeps failing would hide
 * every loss behind it.
 */
export class QueueProgress {
  readonly #facts: ReceiverFacts;
  #attemptedUntilMs = 0;
  #lagMs = 0;

  constructor(facts: ReceiverFacts) {
    this.#facts = facts;
  }

  observe({ attempts }: Judged, { publishedAt }: Pick<DeliveryName, 'publishedAt'>): void {
    const [first] = attempts;
    if (first === undefined) return;
    this.#attemptedUntilMs = Math.max(this.#attemptedUntilMs, publishedAt * 1000);
    const isRecent = this.#facts.nowMs - first.at < RECENT_MS;
    if (isRecent) this.#lagMs = Math.max(this.#lagMs, first.at - publishedAt * 1000);
  }

  /** Returns true for a delivery that no message in the queue will deliver. */
  isUnaccounted({ state, nextAt }: Judged, { publishedAt }: Pick<DeliveryName, 'publishedAt'>): boolean {
    if (!isInState('waiting', state)) return false;
    const { state: receiver, isQueueEmpty, nowMs } = this.#facts;
    const dueMs = nextAt ?? publishedAt * 1000;
    const lateMs = nowMs - dueMs;
    if (isQueueEmpty || lateMs > QUEUE_RETENTION_MS) return lateMs > OVERDUE_MS;
    if (receiver.disabledAt !== undefined) return false;
    // Deliveries that waited for a disabled receiver are received one by one, in any order.
    const enabledMs = (receiver.enabledAt ?? 0) + DISABLED_RECEIVE_SECONDS * 1000;
    const isOvertaken = this.#attemptedUntilMs > dueMs;
    return isOvertaken && nowMs - Math.max(dueMs, enabledMs) > this.#lagMs + OVERDUE_MS;
  }
}

/** The ledger of the deliveries that were published in one hour. */
interface HourLedger extends DeliveryLedger {
  /** Epoch seconds of its start. */
  hour: number;
}

export interface CountedDeliveries {
  ledger: DeliveryLedger;
  /** Newest first; an hour without deliveries is left out. */
  hours: HourLedger[];
  /** Unaccounted deliveries by name, oldest first. */
  unaccounted: DeliveryName[];
}

/** Counts deliveries, in any order, once all of them are known. */
export class DeliveryCounter {
  readonly #progress: QueueProgress;
  readonly #hours = new Map<number, DeliveryLedger>();
  /** Published or waiting: judged in the end. */
  readonly #unsettled: { delivery: Judged; name: DeliveryName }[] = [];

  constructor(facts: ReceiverFacts) {
    this.#progress = new QueueProgress(facts);
  }

  /** `isCounted` is false for a delivery that only shows how far the queue has come. */
  add({ state, attempts, nextAt }: Judged, name: DeliveryName, isCounted = true): void {
    this.#progress.observe({ state, attempts, nextAt }, name);
    if (!isCounted) return;
    if (state === 'acknowledged' || state === 'dead') this.#count(name, state);
    else this.#unsettled.push({ delivery: { state, attempts: [], nextAt }, name });
  }

  /** Returns what was counted of the hours from a time on; nothing is added afterwards. */
  result(fromSeconds = 0): CountedDeliveries {
    const unaccounted: DeliveryName[] = [];
    for (const { delivery, name } of this.#unsettled.splice(0)) {
      const isLost = this.#progress.isUnaccounted(delivery, name);
      this.#count(name, isLost ? 'unaccounted' : 'waiting');
      if (isLost && name.publishedAt >= fromSeconds) unaccounted.push(name);
    }
    const hours = [...this.#hours]
      .map(([hour, counts]) => ({ hour, ...counts }))
      .filter(({ hour }) => hour >= fromSeconds)
      .toSorted((a, b) => b.hour - a.hour);
    const ledger = { ...NO_DELIVERIES };
    for (const counts of hours) {
      for (const column of Object.keys(ledger) as (keyof DeliveryLedger)[]) ledger[column] += counts[column];
    }
    return { ledger, hours, unaccounted: unaccounted.toSorted((a, b) => a.publishedAt - b.publishedAt) };
  }

  #count({ publishedAt }: DeliveryName, column: Exclude<keyof DeliveryLedger, 'published'>): void {
    const hour = deliveryHour(publishedAt);
    const counts = this.#hours.get(hour) ?? { ...NO_DELIVERIES };
    counts.published += 1;
    counts[column] += 1;
    this.#hours.set(hour, counts);
  }
}
