import type { ArchiveRow } from '../domain/archive/archive-row.ts';
import type { RecipientMail } from '../domain/campaign/recipient-mail.ts';
import type { Status, SuppressionKind } from '../domain/event-types.ts';
import type { TimeRange } from '../domain/events/day-index.ts';
import type { Source } from '../domain/events/queue-message.ts';
import type { JsonObject } from '../domain/json.ts';
import type { KnownClasses } from '../domain/ledger/bounce-classes.ts';
import type { ListingNote } from '../domain/ledger/listing-note.ts';
import type { Slice, Watermarks } from '../domain/ledger/slice.ts';
import type { Witness } from '../domain/ledger/witness.ts';
import type { LoggedDelivery } from '../domain/publishing/delivery.ts';
import type { StoredSuppression } from '../domain/status/suppression.ts';

// Ports of the read API. Every port reads a bounded number of items, however many are stored; what it asks of is
// bounded by its caller: days, domains and addresses.

/** Returns true if a bearer token may read. Throws where that cannot be found out. */
export type BearerCheck = (bearer: string) => Promise<boolean>;

/** A stored event as the read side sees it. */
export interface StoredEvent {
  eventKey: string;
  /** The recipient as the key has it. */
  recipientKey: string;
  /** The sending domain, `-` where none is known. */
  domain: string;
  /** The event as Mailgun sent it; little more than name and time where the recipient was erased. */
  event: JsonObject;
  source: Source;
  receivedAtMs: number;
  /** Set if it was not stored promptly. */
  storedAtMs?: number | undefined;
  atMs: number;
  /** When it was found that Mailgun does not list the event; undefined where it does, or may still. */
  unconfirmedSinceMs?: number | undefined;
  /** When an operator discarded its effect. */
  distrustedAtMs?: number | undefined;
}

/** How a stored event came in. */
export type EventOrigin = Pick<
  StoredEvent,
  'source' | 'receivedAtMs' | 'storedAtMs' | 'unconfirmedSinceMs' | 'distrustedAtMs'
>;

/** A stored status as the read side sees it; `statusAtMs` is the deciding event's time. */
export interface StoredStatus {
  recipientKey: string;
  recipient: string;
  status: Status | null;
  reason: string | null;
  statusAtMs: number;
  decidedBy: string;
  domain: string;
  /** The time of the event that came first. */
  firstAtMs: number;
}

/** An event or a status of a message, with its sort key. */
export type HistoryEntry = { sort: string } & ({ event: StoredEvent } | { status: StoredStatus });

interface HistoryPage {
  /** In the order of their sort keys: recipient by recipient, the events by name and id, then the status. Read once. */
  entries: Iterable<HistoryEntry>;
  /** Sort key of the last item that was read; the remains of a merged copy are an item, but no entry. */
  last: string | undefined;
  /** True if more items follow. */
  hasMore: boolean;
}

export interface MessageHistory {
  /** Returns the entries among up to `limit` items of a message behind a sort key. */
  page(messageId: string, limit: number, after?: string): Promise<HistoryPage>;
  /** Returns the status of one recipient. */
  status(messageId: string, recipientKey: string): Promise<StoredStatus | undefined>;
  /** How one event came in, and whether Mailgun lists it. */
  originOf(messageId: string, recipientKey: string, eventKey: string): Promise<EventOrigin | undefined>;
}

/** Position of a message's status, and its position in the recipient's list. */
export interface MessagePlace {
  partition: string;
  atMs: number;
}

/** A status, and which message it is of; null where no message id is known. */
export interface RecipientMessage {
  messageId: string | null;
  status: StoredStatus;
  /** The event that decided the status, where it is stored already. */
  deciding: StoredEvent | undefined;
}

export interface RecipientHistory {
  /** Returns up to `limit` messages of a recipient in this time, newest first, behind a place; `hasMore` where others follow. */
  newest(
    recipientKey: string,
    range: TimeRange,
    limit: number,
    after?: MessagePlace,
  ): Promise<{ places: MessagePlace[]; hasMore: boolean }>;
  /** The statuses at these places, undefined where one is gone. */
  messages(recipientKey: string, places: MessagePlace[]): Promise<(RecipientMessage | undefined)[]>;
  /**
   * Returns the events among up to `limit` items of a recipient in one partition, of one name where one is given, behind
   * a sort key.
   */
  events(
    partition: string,
    recipientKey: string,
    name: string | undefined,
    limit: number,
    after?: string,
  ): Promise<HistoryPage>;
}

/** Position of an event, and its position among those of a domain. */
export interface IndexedPlace {
  /** Its type in the day index. */
  type: string;
  /** Its shard in the day index; absent in the first. */
  shard?: number;
  partition: string;
  sort: string;
  atMs: number;
}

/** Events of a domain from one time to before another, of these types of the day index. */
export interface EventRange {
  domain: string;
  fromMs: number;
  toMs: number;
  types: readonly string[];
}

export interface DayEvents {
  /**
   * Returns up to `limit` events, newest first, behind a place; `hasMore` where others follow. Until it has found them it
   * makes a query for each day, type and shard, also where nothing is stored: `queries` is their number.
   */
  newest(
    range: EventRange,
    limit: number,
    after?: IndexedPlace,
  ): Promise<{ places: IndexedPlace[]; hasMore: boolean; queries: number }>;
  /**
   * Yields the events at these positions in order, undefined for one that is gone. Stops reading when its consumer
   * stops.
   */
  read(places: IndexedPlace[]): AsyncIterable<StoredEvent | undefined>;
}

/** An alarm as CloudWatch has it. */
export interface AlarmFacts {
  name: string;
  state: 'OK' | 'ALARM' | 'INSUFFICIENT_DATA';
  sinceMs: number | undefined;
  description: string;
}

/** Where the status of a mail is stored: a message to one recipient. */
export interface MailPlace {
  partition: string;
  recipientKey: string;
}

export interface MailReader {
  /** Returns the mails at these places whose status is wanted, undefined for each of the others. */
  read(
    places: readonly MailPlace[],
    isWanted: (status: StoredStatus) => boolean,
  ): Promise<(RecipientMessage | undefined)[]>;
}

export interface QueueLength {
  /** Returns how many messages the queue holds. */
  messages(): Promise<number>;
}

export interface AlarmStates {
  /** Returns the stack's existing alarms. */
  read(): Promise<AlarmFacts[]>;
}

export interface Suppressions {
  /** Returns all suppressions of a recipient, whatever the spelling of the address, read consistently. */
  list(recipient: string): Promise<StoredSuppression[]>;
}

/** Position of a suppression, and its position among those of its domain and kind. */
export interface SuppressionPlace {
  partition: string;
  sort: string;
  atMs: number;
}

/** A suppression, and the recipient as sent. */
export interface ListedSuppression extends StoredSuppression {
  recipient: string;
}

export interface SuppressionList {
  /**
   * At most `limit` suppressions of a domain and kind, behind a place, those that were stored last first, none with a
   * `since` before a time left out; undefined where one is gone. `hasMore` where others follow.
   */
  newest(
    domain: string,
    kind: SuppressionKind,
    sinceMs: number,
    limit: number,
    after?: SuppressionPlace,
  ): Promise<{ found: { place: SuppressionPlace; suppression: ListedSuppression | undefined }[]; hasMore: boolean }>;
}

export interface CampaignReader {
  /**
   * Yields the messages that were sent under a tag, in lower case, in these stretches of time, by their partitions,
   * and how many events were read to find them. A message may come more than once.
   */
  messages(
    domain: string,
    tag: string,
    timeRanges: readonly TimeRange[],
  ): AsyncIterable<{ partitions: string[]; read: number }>;
  /** Yields the events of one message, recipient by recipient. */
  recipients(partition: string): AsyncIterable<StoredEvent[]>;
  /** Yields the mails of one message, erased recipients' too. */
  mails(partition: string): AsyncIterable<RecipientMail>;
}

/** An object of the archive, and which version of it was listed. */
export interface ListedObject {
  readonly key: string;
  readonly bytes: number;
  readonly tag: string;
}

export interface ObjectReading {
  /** Ends it. */
  readonly signal: AbortSignal;
  /** Called before bytes are read; a throw prevents it. */
  readonly take: (bytes: number) => void;
}

export interface ArchivedRows {
  /** Returns these fields of its rows, and reads no other column. */
  read<Field extends keyof ArchiveRow>(fields: readonly Field[]): Promise<Pick<ArchiveRow, Field>[]>;
}

export interface ArchivedObjects {
  /** Yields the objects whose keys start with a prefix. The signal ends it. */
  list(prefix: string, signal: AbortSignal): AsyncIterable<ListedObject>;
  /** Returns the row groups of an object. They throw where it was replaced since it was listed. */
  open(object: ListedObject, reading: ObjectReading): Promise<ArchivedRows[]>;
}

/** A slice without its rows of statistics, which may be most of it, and without what only passes need. */
export type ListedSlice = Omit<
  Slice,
  | SliceRowNames
  | 'listed'
  | 'sends'
  | 'firstAt'
  | 'settledAt'
  | 'acceptance'
  | 'windows'
  | 'kinds'
  | 'unconfirmedNames'
  | 'version'
>;

/** Names of a slice's rows of statistics. */
export type SliceRowNames = 'tags' | 'dimensions';

export interface SliceReader {
  /** Yields the slices that start from one time on and before another (epoch seconds), ascending, with these rows. */
  list<Rows extends SliceRowNames>(
    domain: string,
    from: number,
    to: number,
    rows: readonly Rows[],
  ): AsyncIterable<ListedSlice & Pick<Slice, Rows>>;
}

/** The facts of a slice about its comparison with Mailgun's listing. */
export type ComparedSlice = Pick<
  Slice,
  'start' | 'end' | 'startedAt' | 'passedAt' | 'unlisted' | 'unconfirmed' | 'altered' | 'finalAt' | 'isJudgedEarly'
>;

export interface SliceFactsReader {
  /** Returns what these slices say, undefined for each that no pass has written. */
  facts(places: readonly { domain: string; start: number }[]): Promise<(ComparedSlice | undefined)[]>;
}

export interface WitnessReader {
  /** Returns what Mailgun itself counts of a stretch of time (epoch seconds); undefined where that was never read. */
  read(domain: string, from: number, to: number): Promise<Witness | undefined>;
}

export interface ClassesReader {
  /** Returns Mailgun's own classes of failures; undefined if they were never read. */
  read(domain: string): Promise<KnownClasses | undefined>;
}

export interface ListingReader {
  /** Returns the note about the listing API's end. */
  read(): Promise<ListingNote>;
}

export interface LedgerReader {
  /** Returns how far the ledger of a domain has come; undefined where it has none. */
  readWatermarks(domain: string): Promise<Watermarks | undefined>;
}

/** A receiver as the stack describes it to the read API. */
export interface ReadReceiver {
  name: string;
  queueUrl: string;
  deadLettersUrl: string;
}

/** Start of a page of deliveries: earlier ones, or of the same second with a lower id. */
export interface DeliveryPlace {
  publishedAt: number;
  id: string;
}

export interface DeliveryHistory {
  /**
   * At most `limit` deliveries to a receiver that were published from a time on, newest first, behind a place; `next` is
   * undefined where none follow. It reads a bounded number of hours, so it may return few and have others follow.
   */
  newest(
    receiver: string,
    fromSeconds: number,
    limit: number,
    after: DeliveryPlace,
  ): Promise<{ deliveries: LoggedDelivery[]; next: DeliveryPlace | undefined }>;
}
