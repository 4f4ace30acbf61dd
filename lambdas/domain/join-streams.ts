import type { JsonObject } from './canonical.ts';
import { eventTimeMs } from './event.ts';
import { type EventIdentity, identify } from './identity.ts';
import type { StoredKey } from './reconcile-ports.ts';

/** An event that is listed, stored, or both. */
export interface Entry {
  identity: Pick<EventIdentity, 'partition' | 'eventSort'>;
  /** Present where Mailgun lists it. */
  event?: JsonObject;
  /** Present where the day index holds it. */
  storedAtMs?: number;
  /** Its place in the join: the listed time, else the stored one. */
  orderMs: number;
  /** Listed out of order, so that its stored copy may have gone by. */
  straggler?: true;
}

/** Entries in no order; all with a place before `untilMs` have been given by now, and none after it, stragglers excepted. */
export interface Batch {
  entries: Entry[];
  untilMs: number;
}

/** Two sources' times of one event differ by less than this: they round to different precisions. */
const TOLERANCE_MS = 1000;
const BATCH = 1000;

/**
 * Joins pages of Mailgun's ascending listing with the ascending day index by identity. It holds the events of about
 * two seconds and two pages, however many there are in all. Entries placed before `fromMs` are left out.
 * `nameOf` is the same for an event and for its tombstone; while one becomes the other, both may be stored.
 */
export async function* joinStreams(
  pages: AsyncIterable<JsonObject[]>,
  stored: AsyncIterable<StoredKey>,
  domain: string,
  fromMs: number,
  nameOf: (identity: Entry['identity']) => string,
): AsyncGenerator<Batch> {
  const index = stored[Symbol.asyncIterator]();
  let head = await index.next();
  const waiting = new Map<string, StoredKey>();
  const seen = new RecentNames();
  let ready: Entry[] = [];
  let lastMs = -Infinity;

  function* cut(untilMs: number): Generator<Batch> {
    const entries = ready.filter((entry) => entry.orderMs < untilMs || entry.straggler);
    ready = ready.filter((entry) => entry.orderMs >= untilMs && !entry.straggler);
    yield { entries: entries.filter(({ orderMs }) => orderMs >= fromMs), untilMs };
  }
  /** What waits since before `beforeMs` can no longer be listed. */
  const giveUp = (beforeMs: number) => {
    for (const [name, key] of waiting) {
      if (key.atMs >= beforeMs) break;
      waiting.delete(name);
      ready.push({ identity: key, storedAtMs: key.atMs, orderMs: key.atMs });
    }
  };
  async function* readIndexTo(throughMs: number): AsyncGenerator<Batch> {
    while (!head.done && head.value.atMs <= throughMs) {
      const key = head.value;
      waiting.set(nameOf(key), key);
      head = await index.next();
      if (waiting.size % BATCH !== 0 && ready.length < BATCH) continue;
      giveUp(Math.min(key.atMs, throughMs - 2 * TOLERANCE_MS));
      if (ready.length >= BATCH) yield* cut(Math.min(key.atMs, throughMs - 2 * TOLERANCE_MS));
    }
  }

  for await (const page of pages) {
    const listed = page
      .map((event) => ({ event, atMs: eventTimeMs(event) }))
      .sort((a, b) => (a.atMs ?? lastMs) - (b.atMs ?? lastMs));
    for (const { event, atMs } of listed) {
      const identity = identify(event, domain);
      const name = nameOf(identity);
      if (seen.has(name)) continue;
      seen.add(name, atMs ?? lastMs);
      const isLate = atMs === undefined || atMs < lastMs;
      if (!isLate) {
        lastMs = atMs;
        yield* readIndexTo(atMs + TOLERANCE_MS);
        giveUp(atMs - TOLERANCE_MS);
      }
      const twin = waiting.get(name);
      waiting.delete(name);
      ready.push({
        identity,
        event,
        orderMs: atMs ?? lastMs,
        ...(twin && { storedAtMs: twin.atMs }),
        ...(isLate && twin === undefined && { straggler: true as const }),
      });
    }
    seen.turnPage(lastMs - 2 * TOLERANCE_MS);
    if (lastMs !== -Infinity) yield* cut(lastMs - TOLERANCE_MS);
  }
  yield* readIndexTo(Infinity);
  giveUp(Infinity);
  yield* cut(Infinity);
}

/** Names of the last two pages and of the last two seconds: pages that shift under the reader repeat events. */
class RecentNames {
  #page = new Map<string, number>();
  #before = new Map<string, number>();

  has(name: string): boolean {
    return this.#page.has(name) || this.#before.has(name);
  }

  add(name: string, atMs: number): void {
    this.#page.set(name, atMs);
  }

  turnPage(forgetBeforeMs: number): void {
    const fresh = [...this.#before].filter(([, atMs]) => atMs >= forgetBeforeMs);
    this.#before = new Map([...fresh, ...this.#page]);
    this.#page = new Map();
  }
}
