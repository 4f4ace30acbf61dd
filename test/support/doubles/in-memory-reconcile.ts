import type { StoredKey } from '../../../lambdas/domain/events/day-index.ts';
import { eventTimeMs, namedDomain } from '../../../lambdas/domain/events/event.ts';
import type { JsonObject } from '../../../lambdas/domain/json.ts';
import type { EventPlace } from '../../../lambdas/domain/ledger/ledger-name.ts';
import { placeName } from '../../../lambdas/domain/ledger/ledger-name.ts';
import type { SendLimits } from '../../../lambdas/domain/ledger/requeue.ts';
import type { Slice, Watermarks } from '../../../lambdas/domain/ledger/slice.ts';
import {
  type BegunPart,
  type DayIndex,
  type DonePart,
  ListingError,
  type ListingRequest,
  type MailgunSource,
  type OpenSlice,
  type PartRepository,
  type PostedTimes,
  type QueueDepth,
  type ReconciliationState,
  type Requeue,
  type Requeues,
  type SliceKey,
  type Slices,
  type StoredEvents,
  type StoredFacts,
  type Straggler,
} from '../../../lambdas/reconcile/ports.ts';
import type { Lease } from '../../../lambdas/shared/ports.ts';
import type { InMemoryLedger } from './in-memory-ledger.ts';

const HOUR_MS = 3_600_000;
/** Returns a copy of what a table can hold; `structuredClone` takes several times as long. */
function copyOf<Value>(value: Value): Value {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(copyOf) as Value;
  // Spread: a name may be `__proto__`.
  const copy = { ...value } as Record<string, unknown>;
  for (const name of Object.keys(copy)) copy[name] = copyOf(copy[name]);
  return copy as Value;
}

const sliceName = ({ domain, start }: SliceKey) => `${domain} ${start}`;

/** In-memory ledger items, with the conditions that the table checks. Values are copied, as in a table. */
export class InMemoryBook implements ReconciliationState, Slices, Lease, PartRepository {
  slices = new Map<string, Slice>();
  watermarks = new Map<string, Watermarks>();
  open = new Map<string, OpenSlice>();
  stragglers = new Map<string, Straggler>();
  doubts = new Map<string, Set<number>>();
  postedKinds = new Map<string, Map<string, PostedTimes>>();
  parts = new Map<string, DonePart>();
  begunParts = new Map<string, BegunPart>();
  lease: { holder: string; until: number } | undefined;
  writes: string[] = [];

  async read(domain: string, start: number) {
    return copyOf(this.slices.get(`${domain} ${start}`));
  }

  async *list(domain: string, from: number, to: number) {
    const own: Slice[] = [];
    for (const slice of this.slices.values())
      if (slice.start >= from && slice.start < to && slice.domain === domain) own.push(slice);
    for (const slice of own.sort((a, b) => a.start - b.start)) yield copyOf(slice);
  }

  async write(slice: Slice, previous: Slice | undefined) {
    const key = `${slice.domain} ${slice.start}`;
    if (this.slices.get(key)?.version !== previous?.version) return false;
    this.slices.set(key, copyOf(slice));
    this.writes.push(`slice ${slice.start}`);
    return true;
  }

  async readWatermarks(domain: string) {
    return copyOf(this.watermarks.get(domain));
  }

  async moveWatermarks(domain: string, moved: Watermarks, previous: Watermarks | undefined) {
    const held = this.watermarks.get(domain);
    if (held?.position !== previous?.position || held?.second !== previous?.second) return false;
    this.watermarks.set(domain, copyOf(moved));
    return true;
  }

  async readMarkers(domain: string) {
    const own = <T>(map: Map<string, T>) =>
      [...map].filter(([key]) => key.startsWith(`${domain} `)).map(([, each]) => copyOf(each));
    return { open: own(this.open), stragglers: own(this.stragglers) };
  }

  async putOpen(domain: string, open: OpenSlice) {
    this.open.set(`${domain} ${open.start}`, copyOf(open));
  }

  async dropOpen(domain: string, start: number) {
    this.open.delete(`${domain} ${start}`);
  }

  async readPostedKinds(domain: string) {
    return new Map(this.postedKinds.get(domain));
  }

  async notePostedKind(domain: string, kind: string, atMs: number) {
    const kinds = new Map(this.postedKinds.get(domain));
    const { first, last } = kinds.get(kind) ?? { first: atMs, last: atMs };
    this.postedKinds.set(domain, kinds.set(kind, { first: Math.min(first, atMs), last: Math.max(last, atMs) }));
  }

  async readDoubts(domain: string) {
    return [...(this.doubts.get(domain) ?? [])];
  }

  async putDoubt(domain: string, start: number) {
    this.doubts.set(domain, new Set(this.doubts.get(domain)).add(start));
  }

  async dropDoubt(domain: string, start: number) {
    this.doubts.get(domain)?.delete(start);
  }

  async dropStraggler(domain: string, { at, notedAt }: Straggler) {
    const key = `${domain} ${at}`;
    if (this.stragglers.get(key)?.notedAt === notedAt) this.stragglers.delete(key);
  }

  /** Port of process. */
  async ledgerStart(domain: string) {
    return this.watermarks.get(domain)?.start;
  }

  async note(domain: string, straggler: Straggler) {
    this.stragglers.set(`${domain} ${straggler.at}`, { ...straggler });
  }

  async done(slice: SliceKey, pass: number) {
    const prefix = `${sliceName(slice)} ${pass} `;
    return [...this.parts].filter(([key]) => key.startsWith(prefix)).map(([, part]) => copyOf(part));
  }

  async put(slice: SliceKey, pass: number, part: DonePart) {
    this.parts.set(`${sliceName(slice)} ${pass} ${part.from}`, copyOf(part));
  }

  async begun(slice: SliceKey, pass: number) {
    const prefix = `${sliceName(slice)} ${pass} `;
    return [...this.begunParts].filter(([key]) => key.startsWith(prefix)).map(([, part]) => copyOf(part));
  }

  async putBegun(slice: SliceKey, pass: number, part: BegunPart) {
    this.begunParts.set(`${sliceName(slice)} ${pass} ${part.from}`, copyOf(part));
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

/** In-memory records of requeued events. */
export class InMemoryRequeues implements Requeues {
  held = new Map<string, Requeue & { runId: string; slice: string }>();
  /** Most requeues returned at once. */
  mostListed = 0;

  async listUpTo(max: number, slice: SliceKey, fromMs: number, toMs: number) {
    const found: Requeue[] = [];
    const name = sliceName(slice);
    for (const held of this.held.values()) {
      if (held.atMs < fromMs || held.atMs >= toMs || held.slice !== name) continue;
      const { runId: _runId, slice: _slice, ...requeue } = held;
      found.push(requeue);
    }
    if (found.length > max) return undefined;
    this.mostListed = Math.max(this.mostListed, found.length);
    return found;
  }

  async count(slice: SliceKey, requeue: Omit<Requeue, 'sends'>, { max, runId }: SendLimits) {
    const key = `${sliceName(slice)} ${requeue.name}`;
    const held = this.held.get(key);
    if (held?.runId === runId) return true;
    if (held !== undefined && held.sends >= max) return false;
    this.held.set(key, { ...requeue, sends: (held?.sends ?? 0) + 1, runId, slice: sliceName(slice) });
    return true;
  }

  async put(slice: SliceKey, requeue: Requeue) {
    this.held.set(`${sliceName(slice)} ${requeue.name}`, { ...requeue, runId: '', slice: sliceName(slice) });
  }
}

/** Stored events of an in-memory ledger as reconciliation reads them; `isIndexed` makes the index lag. */
export class InMemoryStored implements DayIndex, StoredEvents, QueueDepth {
  lookedUp = 0;
  keysRead = 0;
  /** Most keys returned at once. */
  mostKeys = 0;
  isIndexed: (name: string) => boolean = () => true;
  readonly unconfirmed = new Map<string, number>();
  readonly #byHour = new Map<string, Set<string>>();
  readonly #indexed = new Map<string, number>();
  #seen = 0;
  #corrected = 0;
  readonly #ledger: InMemoryLedger;

  constructor(ledger: InMemoryLedger) {
    this.#ledger = ledger;
  }

  async keys(domain: string, fromMs: number, toMs: number): Promise<StoredKey[]> {
    return (await this.keysUpTo(Number.POSITIVE_INFINITY, domain, fromMs, toMs)) ?? [];
  }

  async keysUpTo(max: number, domain: string, fromMs: number, toMs: number): Promise<StoredKey[] | undefined> {
    this.#catchUp();
    const found: StoredKey[] = [];
    for (let hour = Math.floor(fromMs / HOUR_MS); hour <= Math.floor(toMs / HOUR_MS); hour += 1) {
      for (const name of this.#byHour.get(`${domain} ${hour}`) ?? []) {
        const record = this.#ledger.events.get(name);
        if (record === undefined || record.atMs < fromMs || record.atMs > toMs || !this.isIndexed(name)) continue;
        this.keysRead += 1;
        if (found.length === max) return undefined;
        const { partition, eventSort } = record.identity;
        found.push({ partition, eventSort, atMs: record.atMs });
      }
    }
    this.mostKeys = Math.max(this.mostKeys, found.length);
    return found;
  }

  async *stored(domain: string, fromMs: number, toMs: number) {
    yield* (await this.keys(domain, fromMs, toMs)).sort((a, b) => a.atMs - b.atMs);
  }

  async lookUp(places: EventPlace[]) {
    const found = new Map<string, StoredFacts>();
    for (const place of places) {
      this.lookedUp += 1;
      const record = this.#ledger.events.get(placeName(place));
      if (record === undefined) continue;
      const { atMs, receivedAtMs, storedAtMs, source, webhookAt, distrustedAtMs, event } = record;
      found.set(placeName(place), {
        atMs,
        receivedAtMs,
        storedAtMs,
        source,
        event,
        broughtByWebhook: webhookAt !== undefined,
        isUnconfirmed: this.unconfirmed.has(placeName(place)),
        isDistrusted: distrustedAtMs !== undefined,
      });
    }
    return found;
  }

  async markUnconfirmed(place: EventPlace, sinceMs: number | undefined) {
    if (sinceMs === undefined && this.#ledger.events.get(placeName(place))?.distrustedAtMs !== undefined)
      throw new Error('it was distrusted meanwhile');
    if (sinceMs === undefined) this.unconfirmed.delete(placeName(place));
    else if (this.#ledger.events.has(placeName(place)) && !this.unconfirmed.has(placeName(place)))
      this.unconfirmed.set(placeName(place), sinceMs);
  }

  async messages() {
    return this.#ledger.queue.length;
  }

  /** Indexes new events, and those with a corrected time, under their hour. */
  #catchUp() {
    const { events } = this.#ledger;
    if (events.size === this.#seen && this.#ledger.corrected === this.#corrected) return;
    [this.#seen, this.#corrected] = [events.size, this.#ledger.corrected];
    for (const [name, { atMs, domain }] of events) {
      if (this.#indexed.get(name) === atMs) continue;
      this.#indexed.set(name, atMs);
      const key = `${domain} ${Math.floor(atMs / HOUR_MS)}`;
      const names = this.#byHour.get(key) ?? new Set();
      this.#byHour.set(key, names.add(name));
    }
  }
}

/** How a listing rounds event times. */
export type Rounding = 'none' | 'second' | 'millisecond' | 'microsecond';
const STEPS: Record<Exclude<Rounding, 'none'>, number> = { second: 1, millisecond: 1e3, microsecond: 1e6 };

/** Mailgun's in-memory listing, ordered by time; tests change what it shows and how. */
export class InMemoryMailgun implements MailgunSource {
  calls = 0;
  listed = 0;
  pageSize = 300;
  retentionSeconds = Number.POSITIVE_INFINITY;
  /** What it does with a range that begins beyond retention; which of them Mailgun does is not known. */
  beyondRetention: 'refuses' | 'lists nothing' | 'lists the rest' = 'refuses';
  failure: Error | undefined;
  /** Returns true if an event is listed now; simulates late and shrinking listings. */
  isListed: (event: JsonObject) => boolean = () => true;
  /** Rearranges one whole listing: out of order, with repeats. */
  arrange: (events: JsonObject[], request: ListingRequest) => JsonObject[] = (events) => events;
  /** True if it returns the total of a range, as the Logs API does. */
  hasTotals = false;
  totalsAsked = 0;
  rounding: Rounding = 'none';
  /** Called before every page; a throw fails the page. */
  onPage: (request: ListingRequest) => void = () => {};
  readonly #now: () => number;
  readonly events: JsonObject[] = [];
  readonly #byHour = new Map<number, { event: JsonObject; ms: number; under: string | undefined }[]>();

  constructor(now: () => number) {
    this.#now = now;
  }

  add(event: JsonObject): void {
    this.events.push(event);
    const ms = eventTimeMs(event) ?? 0;
    const hour = Math.floor(ms / HOUR_MS);
    const list = this.#byHour.get(hour) ?? [];
    list.push({ event, ms, under: namedDomain(event) });
    this.#byHour.set(hour, list);
  }

  async page(request: ListingRequest) {
    const { begin, position } = request;
    this.calls += 1;
    this.onPage(request);
    if (this.failure !== undefined) throw this.failure;
    if (begin * 1000 < this.#keptFromMs()) {
      if (this.beyondRetention === 'refuses') throw new ListingError('out-of-retention');
      if (this.beyondRetention === 'lists nothing') return { events: [], ...(this.hasTotals && { total: 0 }) };
    }
    const from = Number(position ?? 0);
    const inRange = this.#inRange(request);
    const listing = this.arrange(inRange, request);
    const events = listing.slice(from, from + this.pageSize);
    this.listed += events.length;
    const total = this.hasTotals && position === undefined ? { total: inRange.length } : {};
    return events.length === 0 ? { events, ...total } : { events, ...total, next: String(from + events.length) };
  }

  async total(request: ListingRequest): Promise<number | undefined> {
    if (!this.hasTotals) return undefined;
    this.calls += 1;
    this.totalsAsked += 1;
    this.onPage(request);
    if (this.failure !== undefined) throw this.failure;
    return this.#inRange(request).length;
  }

  #keptFromMs(): number {
    return this.#now() - this.retentionSeconds * 1000;
  }

  #inRange({ begin, end, domain }: ListingRequest): JsonObject[] {
    const found: { event: JsonObject; ms: number }[] = [];
    const keptFromMs = this.#keptFromMs();
    for (let hour = Math.floor(begin / 3600); hour <= Math.floor(end / 3600); hour += 1) {
      for (const { event, ms, under = domain.name } of this.#byHour.get(hour) ?? [])
        if (
          ms >= Math.max(begin * 1000, keptFromMs) &&
          ms <= end * 1000 &&
          under === domain.name &&
          this.isListed(event)
        )
          found.push({ event, ms });
    }
    return found.sort((a, b) => a.ms - b.ms).map(({ event }) => this.shown(event));
  }

  /** Returns the event as listed. */
  shown(event: JsonObject): JsonObject {
    if (this.rounding === 'none') return event;
    const step = STEPS[this.rounding];
    return { ...event, timestamp: Math.round((event.timestamp as number) * step) / step };
  }
}
