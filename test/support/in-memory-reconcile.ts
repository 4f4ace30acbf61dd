import type { JsonObject } from '../../lambdas/domain/canonical.ts';
import { eventTimeMs } from '../../lambdas/domain/event.ts';
import {
  type Cursor,
  type DayIndex,
  type Lease,
  type LedgerBook,
  ListingError,
  type ListingRequest,
  type MailgunSource,
  type OpenSlice,
  type Progress,
  type QueueDepth,
  type Slices,
  type StoredEvents,
  type StoredFacts,
  storedName,
} from '../../lambdas/domain/reconcile-ports.ts';
import type { Slice } from '../../lambdas/domain/slice.ts';
import type { InMemoryLedger } from './in-memory-ledger.ts';

/** The ledger's items in memory, with the conditions that the table checks. Values are copied, as a table does. */
export class InMemoryBook implements LedgerBook, Slices, Lease {
  slices = new Map<string, Slice>();
  cursors = new Map<string, Cursor>();
  open = new Map<string, OpenSlice>();
  progress = new Map<string, Progress>();
  lease: { holder: string; until: number } | undefined;
  writes: string[] = [];

  async read(domain: string, start: number) {
    return structuredClone(this.slices.get(`${domain} ${start}`));
  }

  async *list(domain: string, from: number, to: number) {
    const own = [...this.slices.values()].filter((each) => each.domain === domain);
    for (const slice of own.filter(({ start }) => start >= from && start < to).sort((a, b) => a.start - b.start)) {
      yield structuredClone(slice);
    }
  }

  async write(slice: Slice, previous: Slice | undefined) {
    const key = `${slice.domain} ${slice.start}`;
    if (this.slices.get(key)?.version !== previous?.version) return false;
    this.slices.set(key, structuredClone(slice));
    this.writes.push(`slice ${slice.start}`);
    return true;
  }

  async countPass({ domain, start, version }: Slice) {
    const held = this.slices.get(`${domain} ${start}`);
    if (held?.version !== version) return false;
    held.passes += 1;
    this.writes.push(`passes ${start}`);
    return true;
  }

  async readCursor(domain: string) {
    return structuredClone(this.cursors.get(domain));
  }

  async moveCursor(domain: string, cursor: Cursor, previous: Cursor | undefined) {
    const held = this.cursors.get(domain);
    if (held?.position !== previous?.position || held?.second !== previous?.second) return false;
    this.cursors.set(domain, structuredClone(cursor));
    return true;
  }

  async openSlices(domain: string) {
    const own = [...this.open].filter(([key]) => key.startsWith(`${domain} `)).map(([, open]) => structuredClone(open));
    return own.sort((a, b) => a.start - b.start);
  }

  async putOpen(domain: string, open: OpenSlice) {
    this.open.set(`${domain} ${open.start}`, structuredClone(open));
  }

  async dropOpen(domain: string, start: number) {
    this.open.delete(`${domain} ${start}`);
  }

  async readProgress(domain: string) {
    return structuredClone(this.progress.get(domain));
  }

  async putProgress(domain: string, progress: Progress) {
    this.progress.set(domain, structuredClone(progress));
  }

  async dropProgress(domain: string) {
    this.progress.delete(domain);
  }

  async hold(holder: string, nowMs: number, untilMs: number) {
    if (this.lease !== undefined && this.lease.holder !== holder && this.lease.until > nowMs) return false;
    this.lease = { holder, until: untilMs };
    return true;
  }

  async release(holder: string) {
    if (this.lease?.holder === holder) this.lease = undefined;
  }
}

/** The stored events of an in-memory ledger as reconciliation reads them; `isIndexed` lets the index lag. */
export class InMemoryStored implements DayIndex, StoredEvents, QueueDepth {
  lookedUp = 0;
  keysRead = 0;
  isIndexed: (name: string) => boolean = () => true;
  readonly #ledger: InMemoryLedger;
  readonly #byHour = new Map<string, { partition: string; eventSort: string; atMs: number; domain: string }[]>();
  readonly #indexed = new Set<string>();

  constructor(ledger: InMemoryLedger) {
    this.#ledger = ledger;
  }

  async *stored(domain: string, fromMs: number, toMs: number) {
    this.#catchUp();
    const hour = 3_600_000;
    for (let at = Math.floor(fromMs / hour); at <= Math.floor(toMs / hour); at += 1) {
      const keys = this.#byHour.get(`${domain} ${at}`) ?? [];
      for (const key of keys.toSorted((a, b) => a.atMs - b.atMs)) {
        const name = storedName(key);
        if (key.atMs < fromMs || key.atMs > toMs || !this.isIndexed(name) || !this.#ledger.events.has(name)) continue;
        this.keysRead += 1;
        yield key;
      }
    }
  }

  async lookUp(identities: { partition: string; eventSort: string }[]) {
    const found = new Map<string, StoredFacts>();
    for (const identity of identities) {
      this.lookedUp += 1;
      const record = this.#ledger.events.get(storedName(identity));
      if (record === undefined) continue;
      const { atMs, source, webhookAt } = record;
      found.set(storedName(identity), { atMs, source, broughtByWebhook: webhookAt !== undefined });
    }
    return found;
  }

  async messages() {
    return this.#ledger.queue.length;
  }

  #catchUp() {
    for (const [name, { identity, atMs, domain }] of this.#ledger.events) {
      if (this.#indexed.has(name)) continue;
      this.#indexed.add(name);
      const key = `${domain} ${Math.floor(atMs / 3_600_000)}`;
      const { partition, eventSort } = identity;
      this.#byHour.set(key, [...(this.#byHour.get(key) ?? []), { partition, eventSort, atMs, domain }]);
    }
  }
}

/** Mailgun's list in memory, in the order of time; tests change what it shows and how. */
export class InMemoryMailgun implements MailgunSource {
  calls = 0;
  listed = 0;
  pageSize = 300;
  retentionSeconds = Number.POSITIVE_INFINITY;
  failure: Error | undefined;
  /** What the listing shows now; late indexing hides events here. */
  isListed: (event: JsonObject) => boolean = () => true;
  readonly #now: () => number;
  readonly #byHour = new Map<number, JsonObject[]>();
  readonly events: JsonObject[] = [];

  constructor(now: () => number) {
    this.#now = now;
  }

  add(event: JsonObject): void {
    this.events.push(event);
    const hour = Math.floor((eventTimeMs(event) ?? 0) / 3_600_000);
    const list = this.#byHour.get(hour);
    if (list) list.push(event);
    else this.#byHour.set(hour, [event]);
  }

  async page({ begin, end, position }: ListingRequest) {
    this.calls += 1;
    if (this.failure !== undefined) throw this.failure;
    if (begin * 1000 < this.#now() - this.retentionSeconds * 1000) throw new ListingError('out-of-retention');
    const from = Number(position ?? 0);
    const hours: JsonObject[] = [];
    for (let hour = Math.floor(begin / 3600); hour <= Math.floor(end / 3600); hour += 1) {
      hours.push(...(this.#byHour.get(hour) ?? []));
    }
    const inRange = hours
      .map((event) => ({ event, ms: eventTimeMs(event) ?? 0 }))
      .filter(({ event, ms }) => ms >= begin * 1000 && ms <= end * 1000 && this.isListed(event))
      .sort((a, b) => a.ms - b.ms)
      .map(({ event }) => event);
    const events = inRange.slice(from, from + this.pageSize);
    this.listed += events.length;
    return events.length === 0 ? { events } : { events, next: String(from + events.length) };
  }
}
