import type { EventData } from '../traffic/event-parts.ts';

/** An event in Mailgun's log. */
export interface LoggedEvent {
  readonly domain: string;
  readonly data: EventData;
  /** Orders events of the same time. */
  readonly number: number;
}

/** A position between two events: after this number at this time. */
export type Position = readonly [timestamp: number, number: number];

interface Range {
  /** Start position, exclusive. */
  readonly from: Position;
  /** Time of the last event, inclusive. */
  readonly until: number;
  readonly upwards: boolean;
  readonly limit: number;
  shows(event: LoggedEvent): boolean;
}

/** Everything that Mailgun lists, for all domains of an account, ordered by time. */
export class EventLog {
  readonly #events: LoggedEvent[] = [];
  #added = 0;

  /** Inserts by time; events are usually the newest. */
  add(domain: string, data: EventData): void {
    const event = { domain, data, number: this.#added };
    this.#added += 1;
    const index = this.#indexAt([data.timestamp, event.number]);
    if (index === this.#events.length) this.#events.push(event);
    else this.#events.splice(index, 0, event);
  }

  get size(): number {
    return this.#events.length;
  }

  /** Returns the next events of a range; fewer than `limit` only if no more match. */
  read({ from, until, upwards, limit, shows }: Range): LoggedEvent[] {
    const found: LoggedEvent[] = [];
    const step = upwards ? 1 : -1;
    for (let index = this.#indexAt(from) - (upwards ? 0 : 1); found.length < limit; index += step) {
      const event = this.#events[index];
      if (!event || (upwards ? event.data.timestamp > until : event.data.timestamp < until)) break;
      if (shows(event)) found.push(event);
    }
    return found;
  }

  /** Returns the number of events before a position. */
  #indexAt([timestamp, number]: Position): number {
    let low = 0;
    let high = this.#events.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const event = this.#events[middle]!;
      const isBefore =
        event.data.timestamp < timestamp || (event.data.timestamp === timestamp && event.number < number);
      if (isBefore) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** Below and above all event numbers. */
export const FIRST = -1;
export const LAST = Number.MAX_SAFE_INTEGER;
