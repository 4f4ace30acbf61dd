import type { JsonObject } from './canonical.ts';
import type { EventIdentity } from './identity.ts';
import type { Source } from './queue-message.ts';
import type { Slice, SliceBounds } from './slice.ts';
import type { Tally } from './tally.ts';
import type { RegisteredWebhook } from './webhook-drift.ts';

// What reconciliation needs from outside, besides the queue. All times not named otherwise are epoch seconds.

/** A sending domain and the Mailgun region that holds it. */
export interface SendingDomain {
  name: string;
  region: 'us' | 'eu';
}

export interface ListingRequest {
  domain: SendingDomain;
  /** Both ends belong to the range. */
  begin: number;
  end: number;
  /** `next` of the page before; absent for the first. */
  position?: string | undefined;
  /** Epoch milliseconds at which an answer is of no use any more. */
  deadlineMs: number;
}

/** `next` is absent after the last page. */
export interface ListingPage {
  events: JsonObject[];
  next?: string | undefined;
}

export interface MailgunSource {
  /** One page of what Mailgun lists, ascending by time. Waits out 429 and 5xx; throws `ListingError` where that does not help. */
  page(request: ListingRequest): Promise<ListingPage>;
}

/** What is registered at Mailgun; a `ListingError` where it cannot be read by then (epoch milliseconds). */
export interface RegisteredWebhooks {
  ofDomain(domain: SendingDomain, deadlineMs: number): Promise<RegisteredWebhook[]>;
  /** For all domains of the account in a region. */
  ofAccount(region: SendingDomain['region'], deadlineMs: number): Promise<RegisteredWebhook[]>;
}

export type ListingFailure =
  | 'unauthorized'
  | 'out-of-retention'
  | 'refused'
  | 'rate-limited'
  | 'unavailable'
  | 'malformed'
  | 'too-large'
  | 'redirected'
  | 'foreign-host'
  | 'endless';

/** Mailgun's listing could not be read. */
export class ListingError extends Error {
  override name = 'ListingError';
  readonly reason: ListingFailure;

  constructor(reason: ListingFailure, options?: ErrorOptions) {
    super(reason, options);
    this.reason = reason;
  }
}

/** Key of a stored event and its time, as the day index knows them. */
export interface StoredKey {
  partition: string;
  eventSort: string;
  atMs: number;
}

export interface DayIndex {
  /** What the index holds of a domain from one time to another, both included (epoch milliseconds), ascending by time. */
  stored(domain: string, fromMs: number, toMs: number): AsyncIterable<StoredKey>;
}

/** What the table says of a stored event. */
export interface StoredFacts {
  atMs: number;
  source: Source;
  broughtByWebhook: boolean;
}

export interface StoredEvents {
  /** The events among these that are stored, read strongly, by `storedName`. */
  lookUp(identities: Pick<EventIdentity, 'partition' | 'eventSort'>[]): Promise<Map<string, StoredFacts>>;
}

/** Names an event item across the ports. */
export function storedName({ partition, eventSort }: Pick<EventIdentity, 'partition' | 'eventSort'>): string {
  return `${partition} ${eventSort}`;
}

export interface Slices {
  read(domain: string, start: number): Promise<Slice | undefined>;
  /** The slices that start from one time on and before another, ascending. */
  list(domain: string, from: number, to: number): AsyncIterable<Slice>;
  /** Puts the slice unless another version than `previous` is there: false, and nothing is written. */
  write(slice: Slice, previous: Slice | undefined): Promise<boolean>;
  /** Counts a pass that changed nothing; false where the slice has changed. */
  countPass(slice: Slice, passedAt: number): Promise<boolean>;
}

/** How far a domain's ledger has come. */
export interface Cursor {
  /** Start of the first slice that no pass has written. */
  position: number;
  /** Start of the first slice whose second pass is to come. */
  second: number;
}

/** A slice in which something is missing, and when to look again. Times in epoch milliseconds. */
export interface OpenSlice extends SliceBounds {
  nextAt: number;
  since: number;
  stuck: number;
  /** Found by a replay: what is lost there is no news. */
  isBackfill?: boolean;
}

/** A pass that was interrupted: all that Mailgun lists before `fromMs` is in the tally. */
export interface Progress {
  start: number;
  /** Passes of the slice before this one; another number there makes the progress void. */
  passes: number;
  fromMs: number;
  tally: Tally;
}

export interface LedgerBook {
  readCursor(domain: string): Promise<Cursor | undefined>;
  /** False, and nothing is written, where the cursor is not at `previous`. */
  moveCursor(domain: string, cursor: Cursor, previous: Cursor | undefined): Promise<boolean>;
  openSlices(domain: string): Promise<OpenSlice[]>;
  putOpen(domain: string, open: OpenSlice): Promise<void>;
  dropOpen(domain: string, start: number): Promise<void>;
  readProgress(domain: string): Promise<Progress | undefined>;
  putProgress(domain: string, progress: Progress): Promise<void>;
  dropProgress(domain: string): Promise<void>;
}

export interface Lease {
  /** Takes or prolongs the lease until then (epoch milliseconds); false while another run holds it. */
  hold(holder: string, nowMs: number, untilMs: number): Promise<boolean>;
  release(holder: string): Promise<void>;
}

export interface QueueDepth {
  /** Messages in the queue, whether visible, in flight or delayed. */
  messages(): Promise<number>;
}
