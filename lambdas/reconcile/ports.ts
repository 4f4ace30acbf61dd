import type { SendingDomain } from '../contract.ts';
import type { StoredKey } from '../domain/events/day-index.ts';
import type { QueueMessage, Source } from '../domain/events/queue-message.ts';
import type { StoredTime } from '../domain/events/stored-time.ts';
import type { JsonObject } from '../domain/json.ts';
import type { BounceClass, KnownClasses } from '../domain/ledger/bounce-classes.ts';
import type { LedgerDomains, UndiscoveredDomain } from '../domain/ledger/ledger-domains.ts';
import type { EventPlace } from '../domain/ledger/ledger-name.ts';
import type { Announcement, ListingNote } from '../domain/ledger/listing-note.ts';
import type { SendLimits } from '../domain/ledger/requeue.ts';
import type { Slice, SliceBounds, Watermarks } from '../domain/ledger/slice.ts';
import type { Tally } from '../domain/ledger/tally.ts';
import type { WitnessHour } from '../domain/ledger/witness.ts';
import type { AccountDomain } from '../domain/webhooks/domain-drift.ts';
import type { RegisteredWebhook } from '../domain/webhooks/webhook-drift.ts';

// Ports of reconciliation. Times are epoch seconds unless named otherwise.

/** A domain whose ledger is kept. */
export interface ComparedDomain extends SendingDomain {
  /** Its ledger begins then at the latest; without it, at the first stored event. */
  startsAt?: number;
  /** True if Mailgun may no longer have the domain: where it refuses the listing, that is no failure. */
  isGone?: boolean;
  /** No slice that begins then or later is compared; no webhook comes in any more, so none counts as lost. */
  endsAt?: number;
  /**
   * Webhooks of slices that began before were refused, so none counts as lost; and no run could pass them, so none is
   * late.
   */
  returnedAt?: number;
}

export interface ListingRequest {
  domain: SendingDomain;
  /** Both ends belong to the range. */
  begin: number;
  end: number;
  /** `next` of the page before; absent for the first. */
  position?: string | undefined;
  /** Epoch milliseconds after which a reply is of no use. */
  deadlineMs: number;
  /** Called for every 429, also for those that were waited out. */
  onRateLimited?: (() => void) | undefined;
}

/** `next` is absent on the last page; `total` counts the whole range, if the source includes it on this page. */
interface ListingPage {
  events: JsonObject[];
  next?: string | undefined;
  total?: number | undefined;
}

export interface MailgunSource {
  /**
   * Returns one page of Mailgun's listing, ascending by time. Waits out 429 and 5xx; throws `ListingError` if that does
   * not help.
   */
  page(request: ListingRequest): Promise<ListingPage>;
  /** Returns how many events a range holds, by one call; undefined where the source does not say. Fails like `page`. */
  total?(request: Omit<ListingRequest, 'position'>): Promise<number | undefined>;
}

/** The fall from Mailgun's Events API to its Logs API. */
export interface ListingFallback {
  /** Returns true where the ledger lists by the Logs API, because the other one is gone. */
  hasFallen(): boolean;
  /** Called with every 410 of the Events API; lists by the Logs API from then on. Never throws. */
  fall(): Promise<void>;
}

/** The stored note on the end of the API that the ledger lists by. */
export interface ListingNotes {
  read(): Promise<ListingNote>;
  /** Notes the fall to the Logs API (epoch milliseconds); returns false if one is noted already. */
  fall(atMs: number): Promise<boolean>;
  /** Reverts the fall; returns false if none is noted. */
  goBack(): Promise<boolean>;
  /** Notes what Mailgun announces; undefined removes the note. */
  announce(announced: (Announcement & { at: number }) | undefined): Promise<void>;
}

/** Returns the webhooks registered at Mailgun. Throws a `ListingError` where they cannot be read by then (epoch milliseconds). */
export interface RegisteredWebhooks {
  ofDomain(domain: SendingDomain, deadlineMs: number): Promise<RegisteredWebhook[]>;
  /** For all domains of the account in a region. */
  ofAccount(region: SendingDomain['region'], deadlineMs: number): Promise<RegisteredWebhook[]>;
}

/** Returns true if Mailgun redacts webhooks. */
export interface RedactionSwitch {
  /** Returns undefined where Mailgun does not say; a `ListingError` where it cannot be read by then (epoch milliseconds). */
  isOn(domain: SendingDomain, deadlineMs: number): Promise<boolean | undefined>;
}

/** Mailgun's own counts. */
export interface MailgunMetrics {
  /**
   * Returns the hours of a domain from one time on and before another, by one call; those without an event may be absent.
   * A `ListingError` where they cannot be read by then (epoch milliseconds).
   */
  hours(domain: SendingDomain, from: number, to: number, deadlineMs: number): Promise<WitnessHour[]>;
}

/** Hours for which Mailgun's counts were read, and the calls made on that UTC day. */
export interface WitnessState {
  since: number;
  until: number;
  /** Epoch milliseconds of the last call. */
  calledAt: number;
  /** Calls in that day. */
  calls: number;
  /** The failed webhooks of the last hours, as they were last read. */
  failedWebhooks: number;
}

export interface WitnessRepository {
  readState(domain: string): Promise<WitnessState | undefined>;
  /** Returns false, without writing, if another run has called since `previous` was read. */
  moveState(domain: string, moved: WitnessState, previous: WitnessState | undefined): Promise<boolean>;
  hours(domain: string, from: number, to: number): Promise<WitnessHour[]>;
  put(domain: string, hour: WitnessHour): Promise<void>;
}

/** Mailgun's own classes of failures. */
export interface MailgunClasses {
  /**
   * Returns the rows of a domain from one time on and before another (epoch seconds), by a bounded number of calls;
   * undefined where Mailgun has no classes. A `ListingError` where they cannot be read by then (epoch milliseconds).
   */
  ofDomain(
    domain: SendingDomain,
    range: { from: number; to: number },
    deadlineMs: number,
  ): Promise<{ rows: BounceClass[]; isWhole: boolean } | undefined>;
}

/** How much was counted of a domain, and when (epoch milliseconds). */
export interface LastCount {
  count: number;
  atMs: number;
}

/** Stores the last count of each domain, so that they add up although no run need reach all domains. */
export interface LastCountsRepository {
  read(): Promise<Map<string, LastCount>>;
  write(counts: ReadonlyMap<string, LastCount>): Promise<void>;
}

export interface BounceClassRepository {
  read(domain: string): Promise<KnownClasses | undefined>;
  /** Returns false, without writing, if another run has tried since `previous` was read. */
  write(domain: string, next: KnownClasses, previous: KnownClasses | undefined): Promise<boolean>;
}

/** Lists Mailgun's domains; throws a `ListingError` if that is not possible by a deadline (epoch milliseconds). */
export interface AccountDomains {
  /** Returns the list that would contain a domain. */
  placeOf(domain: SendingDomain): string;
  /**
   * Returns all domains of a list, those of subaccounts included; throws a `ListingError` also if the list is
   * incomplete.
   */
  listed(place: string, deadlineMs: number): Promise<AccountDomain[]>;
  /** Returns true if Mailgun has a domain of this name. */
  has(domain: SendingDomain, deadlineMs: number): Promise<boolean>;
}

/** Stores which domains have or had a ledger. */
export interface DomainRepository {
  /** Returns the stored domains, read consistently; none before the first write. */
  read(): Promise<LedgerDomains>;
  /** Returns the written value; undefined, without writing, if the stored version is not `previous`. */
  write(next: LedgerDomains, previous: LedgerDomains): Promise<LedgerDomains | undefined>;
  /** Domains that stored events name, and that had no ledger then. */
  undiscovered(): Promise<UndiscoveredDomain[]>;
  dropUndiscovered(domain: string): Promise<void>;
}

export type ListingFailure =
  | 'unauthorized'
  | 'domain-not-found'
  | 'out-of-retention'
  | 'refused'
  | 'discontinued'
  | 'rate-limited'
  | 'unavailable'
  | 'malformed'
  | 'too-large'
  | 'redirected'
  | 'foreign-host'
  | 'endless';

/** Failures after which the next call may succeed. */
const PASSING: readonly ListingFailure[] = ['unavailable', 'rate-limited'];

/**
 * Returns true for a failure of Mailgun's API that may last: waiting for a count that may never come would keep an alarm
 * on, so what is not known then counts as 0.
 */
export function mayLast(error: unknown): boolean {
  return error instanceof ListingError && !PASSING.includes(error.reason);
}

/** Mailgun's listing could not be read. */
export class ListingError extends Error {
  override name = 'ListingError';
  readonly reason: ListingFailure;

  constructor(reason: ListingFailure, options?: ErrorOptions) {
    super(reason, options);
    this.reason = reason;
  }
}

export interface DayIndex {
  /**
   * Returns the index entries of a domain between two times, both inclusive (epoch milliseconds), unordered; undefined
   * where there are more than `max`, of which it reads few.
   */
  keysUpTo(max: number, domain: string, fromMs: number, toMs: number): Promise<StoredKey[] | undefined>;
  /**
   * Yields the index entries of a domain between two times, both inclusive (epoch milliseconds), ascending, page by
   * page.
   */
  stored(domain: string, fromMs: number, toMs: number): AsyncIterable<StoredKey>;
}

/** A stored event as the table holds it. */
export interface StoredFacts extends StoredTime {
  atMs: number;
  source: Source;
  broughtByWebhook: boolean;
  /** A final pass has found it unconfirmed. */
  isUnconfirmed: boolean;
  isDistrusted: boolean;
  event: JsonObject;
}

export interface StoredEvents {
  /** Returns the stored ones of these events, read consistently, by `placeName`. */
  lookUp(places: EventPlace[]): Promise<Map<string, StoredFacts>>;
  /**
   * Notes on a stored event since when it is known to be unlisted (epoch milliseconds), or removes that note; throws
   * where it would remove the note of a distrusted one, which has to be corrected.
   */
  markUnconfirmed(place: EventPlace, sinceMs: number | undefined): Promise<void>;
}

/** A missing event that was sent to the queue; `atMs` is its listed time. */
export interface Requeue {
  name: string;
  atMs: number;
  type: string;
  sends: number;
  sentAtMs: number;
}

/** The sends of missing events, each counted before it is made. */
export interface Requeues {
  /**
   * Returns the requeued events of a slice listed from `fromMs` (inclusive) to `toMs` (exclusive), epoch milliseconds;
   * undefined where there are more than `max`, of which it reads few.
   */
  listUpTo(max: number, slice: SliceKey, fromMs: number, toMs: number): Promise<Requeue[] | undefined>;
  /** Counts one send within these limits; false where the event has none left. */
  count(slice: SliceKey, requeue: Omit<Requeue, 'sends'>, limits: SendLimits): Promise<boolean>;
  put(slice: SliceKey, requeue: Requeue): Promise<void>;
}

export interface RequeueQueue {
  /** Resolves once the message is in the queue. */
  send(message: QueueMessage): Promise<void>;
}

export interface SliceKey {
  domain: string;
  start: number;
}

export interface Slices {
  read(domain: string, start: number): Promise<Slice | undefined>;
  /** Yields the slices that start from `from` (inclusive) to `to` (exclusive), ascending. */
  list(domain: string, from: number, to: number): AsyncIterable<Slice>;
  /** Puts the slice if the stored version is `previous`; otherwise returns false. */
  write(slice: Slice, previous: Slice | undefined): Promise<boolean>;
}

/** What the listing of a part says of how far back Mailgun lists, by the configured retention as it was compared. */
export interface Reach {
  /** Mailgun refuses its time, or may have forgotten a stored event. */
  isUnlisted?: boolean;
  /** Present in a part of before that retention: whether an event of before is listed, so that Mailgun keeps more. */
  beyond?: 'listed' | 'quiet' | undefined;
}

/** A piece of a slice. Times in epoch seconds; `startedAtMs` in milliseconds. */
interface Part {
  from: number;
  to: number;
  startedAtMs: number;
  /** True if its webhooks were late no more, but lost; absent in a part that an earlier version has compared. */
  isFinal?: boolean;
  tally: Tally;
}

/** A part that was compared as a whole. */
export interface DonePart extends Part, Reach {}

/** A part that was compared with the listings of some domains; it is not done before those of all are read. */
export interface BegunPart extends Part {
  begun: ReadListings;
}

/** How far a part has come that compares the listings of many domains. */
export interface ReadListings {
  /** Digest of the domains and of the names that are stored; where these have changed, the part begins again. */
  of: string;
  /** Number of listings that are read, in the order of the domains' names. */
  read: number;
  /** Stored events that these hold. */
  names: string[];
  /** Epoch milliseconds of their first event. */
  earliestMs?: number;
}

/** Progress inside slices that take more than one run, kept for each pass of each slice. */
export interface PartRepository {
  done(slice: SliceKey, pass: number): Promise<DonePart[]>;
  /** Replaces a compared part that begins at the same time. */
  put(slice: SliceKey, pass: number, part: DonePart): Promise<void>;
  /** Returns the begun parts, also of those that are compared by now. */
  begun(slice: SliceKey, pass: number): Promise<BegunPart[]>;
  /** Replaces a begun part that begins at the same time. */
  putBegun(slice: SliceKey, pass: number, part: BegunPart): Promise<void>;
}

/** A slice to be passed again, and when. Times in epoch milliseconds, bounds in seconds. */
export interface OpenSlice extends SliceBounds {
  nextAt: number;
  since: number;
  stuck: number;
  /** True for a replay: its lost webhooks are not reported. */
  isBackfill?: boolean;
}

/** An event that was stored when no pass was to come that would compare it. */
export interface Straggler {
  /** Epoch seconds at which it happened, as its ledger counts. */
  at: number;
  /** Epoch milliseconds at which it was noted last. */
  notedAt: number;
}

/** When the first and the last noted event of a kind happened that a webhook brought, in epoch milliseconds. */
export interface PostedTimes {
  first: number;
  last: number;
}

export interface ReconciliationState {
  readWatermarks(domain: string): Promise<Watermarks | undefined>;
  /** Returns false, without writing, if the watermarks are not at `previous`. */
  moveWatermarks(domain: string, moved: Watermarks, previous: Watermarks | undefined): Promise<boolean>;
  /** Slices to be passed again, and events that need a pass of their own. */
  readMarkers(domain: string): Promise<{ open: OpenSlice[]; stragglers: Straggler[] }>;
  putOpen(domain: string, open: OpenSlice): Promise<void>;
  dropOpen(domain: string, start: number): Promise<void>;
  /** Returns the starts of slices with unconfirmed or altered events. */
  readDoubts(domain: string): Promise<number[]>;
  putDoubt(domain: string, start: number): Promise<void>;
  dropDoubt(domain: string, start: number): Promise<void>;
  /** Returns the times of webhooks for types that Mailgun may never post. */
  readPostedKinds(domain: string): Promise<Map<string, PostedTimes>>;
  /** Notes such an event, if it happened before the first or after the last that is known. */
  notePostedKind(domain: string, kind: string, atMs: number): Promise<void>;
  /** Drops the note unless it was renewed since it was read. */
  dropStraggler(domain: string, straggler: Straggler): Promise<void>;
}

export interface QueueDepth {
  /** Messages in the queue, whether visible, in flight or delayed. */
  messages(): Promise<number>;
}

/** The secret that keys the names of events in the ledger; it never changes. */
export interface NamingKey {
  /** Throws where it cannot be read. */
  read(): Promise<string>;
}
