import type { ArchiveRow } from '../domain/archive/row.ts';
import type { JsonObject } from '../domain/canonical.ts';
import type { StoredKey } from '../domain/events/day-index.ts';
import type { Source } from '../domain/events/queue-message.ts';
import type { EventPlace } from '../domain/ledger/ledger-name.ts';
import type { Slice } from '../domain/ledger/slice.ts';

/** The slices of the ledger, ascending, that start from one time on and before another (epoch seconds). */
export interface LedgerSlices {
  list(domain: string, from: number, to: number): AsyncIterable<Slice>;
}

/** Events of a domain from one time to another, both included (epoch milliseconds), ascending by time. */
export interface EventKeys {
  stored(domain: string, fromMs: number, toMs: number): AsyncIterable<StoredKey>;
}

/** What is archived of a stored event. */
export interface SealableEvent {
  receivedAtMs: number;
  source: Source;
  broughtByWebhook: boolean;
  event: JsonObject;
}

export interface SealableEvents {
  /** Returns those of the events that are stored, read strongly, by `placeName`. */
  lookUp(places: EventPlace[]): Promise<Map<string, SealableEvent>>;
}

/** What is sealed of a slice. */
export interface SealMark {
  start: number;
  /** Number of its last manifest. */
  number: number;
  /** Sequence of that manifest. */
  sequence: number;
  /** Sequence of its first manifest. */
  first: number;
  /** Version of the slice whose events are all sealed; null where that is not known. */
  version: number | null;
}

/** The last manifest of a chain. */
export interface ChainHead {
  sequence: number;
  hash: string;
}

/** What the table knows of the archive. It may lag behind the bucket, never run ahead of it. */
export interface SealState {
  readHead(domain: string): Promise<ChainHead | undefined>;
  /** Moves the head, never back. */
  moveHead(domain: string, head: ChainHead): Promise<void>;
  readMark(domain: string, start: number): Promise<SealMark | undefined>;
  /** The marks of slices that start from one time on and before another. */
  listMarks(domain: string, from: number, to: number): AsyncIterable<SealMark>;
  /** Writes the mark unless one of a later manifest is there. */
  putMark(domain: string, mark: SealMark): Promise<void>;
  /** Epoch seconds: the slices that start before it were sealed at least once. */
  readPosition(domain: string): Promise<number | undefined>;
  putPosition(domain: string, position: number): Promise<void>;
}

/** The bucket's texts: manifests. */
export interface ManifestBucket {
  readText(key: string): Promise<string | undefined>;
  /** Puts a text unless there is an object under the key: false, and nothing is written. */
  putTextIfAbsent(key: string, text: string): Promise<boolean>;
}

/** An object of events that is being written. */
export interface ObjectWriter {
  /** Adds rows in the order of the archive; each call is a row group. */
  add(rows: readonly ArchiveRow[]): Promise<void>;
  /** Puts the object unless there is one under the key: false, and nothing is written. */
  putIfAbsent(key: string): Promise<false | { sha256: string; bytes: number }>;
  /** Frees what it holds, whether it was put or not. */
  discard(): Promise<void>;
}

/** An object of events in the bucket. */
export interface StoredObject {
  sha256: string;
  bytes: number;
  /** The rows, by row groups. */
  rows(): AsyncIterable<ArchiveRow[]>;
  discard(): Promise<void>;
}

export interface EventObjects {
  begin(): ObjectWriter;
  /** Returns the object under a key, or undefined. */
  open(key: string): Promise<StoredObject | undefined>;
}
