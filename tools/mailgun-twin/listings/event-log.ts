import type { EventData } from '../traffic/event-parts.ts';

/** An event as Mailgun's own log holds it. */
export interface LoggedEvent {
  readonly domain: string;
  readonly data: EventData;
  /** Tells events of one moment apart. */
  readonly number: number;
}

/** A place between two events: behind the number of this time. */
export type Place = readonly [timestamp: number, number: number];

export interface Range {
  /** Reading begins at this place. */
  readonly from: Place;
  /** And ends with the last event of this time. */
  readonly until: number;
  readonly upwards: boolean;
  readonly limit: number;
  shows(event: LoggedEvent): boolean;
}

/** Everything that Mailgun lists, in the order of time, of all domains of an account. */
export class EventLog {
  readonly #events: LoggedEvent[] = [];
  #added = 0;

  /** Most events are the newest; one that is not is put where it belongs. */
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

  /** The next events of a range; fewer than its limit only where no more are shown. */
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

  /** How many events lie before a place. */
  #indexAt([timestamp, number]: Place): number {
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

/** Numbers that are below and above those of all events. */
export const FIRST = -1;
export const LAST = Number.MAX_SAFE_INTEGER;
