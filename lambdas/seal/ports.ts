import type { ArchiveRow } from '../domain/archive/archive-row.ts';
import type { StoredKey } from '../domain/events/day-index.ts';
import type { Source } from '../domain/events/queue-message.ts';
import type { JsonObject } from '../domain/json.ts';
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

/** A stored event as it is archived. */
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

/** A slice as it is sealed. */
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

/** The table's notes on the archive. They may lag behind the bucket, never run ahead of it. */
export interface SealState {
  readHead(domain: string): Promise<ChainHead | undefined>;
  /** Moves the head, never back. */
  moveHead(domain: string, head: ChainHead): Promise<void>;
  readMark(domain: string, start: number): Promise<SealMark | undefined>;
  /** Yields the marks of slices that start from `from` (inclusive) to `to` (exclusive). */
  listMarks(domain: string, from: number, to: number): AsyncIterable<SealMark>;
  /** Writes the mark unless the stored one belongs to a later manifest. */
  putMark(domain: string, mark: SealMark): Promise<void>;
  /**
   * Returns the position in epoch seconds: slices found before it were sealed; one compared later is sealed on the turn of
   * its day.
   */
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
  /** Yields the rows, by row group. */
  rows(): AsyncIterable<ArchiveRow[]>;
  discard(): Promise<void>;
}

export interface EventObjects {
  begin(): ObjectWriter;
  /** Returns the object under a key, or undefined. */
  open(key: string): Promise<StoredObject | undefined>;
}

/** An object of events as the bucket keeps it. */
export interface KeptObject {
  key: string;
  /** False where the object was deleted, so that only old versions are left. */
  isThere: boolean;
  /** Versions that the object had before. */
  oldVersions: string[];
}

/** An object that is written in place of one that was read. */
export interface ObjectReplacement {
  /** Adds rows in the order of the archive; each call is a row group. */
  add(rows: readonly ArchiveRow[]): Promise<void>;
  /** Returns hash and size of the finished object; nothing can be added afterwards. */
  end(): Promise<{ sha256: string; bytes: number }>;
  /** Replaces the object with this tag; returns false, without writing, if the object has changed. */
  putOver(key: string, tag: string): Promise<boolean>;
  discard(): Promise<void>;
}

/** Objects of events that may be written again, because a recipient is erased. */
export interface RewritableObjects {
  list(prefix: string): AsyncIterable<KeptObject>;
  /** Returns the object under a key, or undefined; its tag changes with its bytes. */
  open(key: string): Promise<(StoredObject & { tag: string }) | undefined>;
  begin(): ObjectReplacement;
  /** Removes a version permanently, also one that is locked where that is allowed. */
  removeVersion(key: string, version: string): Promise<void>;
}
