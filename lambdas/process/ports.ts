import type { EventIdentity } from '../domain/events/identity.ts';
import type { MailgunEvent } from '../domain/events/mailgun-event.ts';
import type { RestoredFacts, Source } from '../domain/events/queue-message.ts';
import type { StatusUpdate } from '../domain/status/status-update.ts';
import type { Suppression } from '../domain/status/suppression.ts';

// Ports of process; the adapters implement them on AWS, the model tests in memory.

/** The secret that keys the hashes of erased recipients; it never changes. */
export interface ErasureKey {
  /** Throws where it cannot be read. */
  read(): Promise<string>;
}

export interface Erasures {
  /** Returns those of the addresses that are erased, read strongly. */
  among(addresses: readonly string[]): Promise<string[]>;
}

/** Events that were stored when no pass of reconciliation was to come that would compare them. */
export interface Stragglers {
  /** Returns the start of a domain's ledger in epoch seconds; undefined before it begins. */
  ledgerStart(domain: string): Promise<number | undefined>;
  /** Requests a pass over the time of such an event. */
  note(domain: string, straggler: { at: number; notedAt: number }): Promise<void>;
  /** Notes the domain of a stored event, unless Mailgun lists it; absent where the domains are configured. */
  noteUndiscovered?: ((domain: string, nowMs: number) => Promise<void>) | undefined;
}

/** An event with everything derived from it, ready to be stored. */
export interface EventRecord {
  identity: EventIdentity;
  event: MailgunEvent;
  domain: string;
  source: Source;
  /** Epoch milliseconds: the event's own time, or the time of receipt where it has none or an implausible one. */
  atMs: number;
  /** True if its own time is too far after its receipt. */
  isImplausible?: boolean;
  receivedAtMs: number;
  /** Set if it is not stored promptly. */
  storedAtMs?: number;
  /** When the event goes, in epoch seconds. */
  expiresAt: number;
  /** Set if it comes from the archive. */
  restored?: RestoredFacts | undefined;
  /** When the status goes that it is the first event of, in epoch seconds. */
  statusExpiresAt: number;
}

export interface Records {
  /** Merges the suppression: the earliest event decides its content, the latest if it holds after a lift. */
  suppress(record: EventRecord, suppression: Suppression): Promise<void>;
  /** Joins the event's status update into the status of its message and recipient; the join never lowers the precedence. */
  upsertStatus(record: EventRecord, update: StatusUpdate): Promise<void>;
  /**
   * Stores the event unless it is stored already; `merged` for a redacted copy that was merged into the event,
   * `distrusted` if the stored event is. Throws `UnstorableError` if no retry could store it.
   */
  putEvent(record: EventRecord): Promise<'stored' | 'known' | 'merged' | 'distrusted'>;
  /** Returns true if the event is stored and distrusted, read strongly. */
  isDistrusted(record: EventRecord): Promise<boolean>;
}

/** A redacted copy as the table holds it; times in epoch milliseconds. */
export interface RedactedCopy {
  receivedAtMs: number;
  /** Undefined where no webhook brought it, but a listing that was redacted as well. */
  webhookAtMs: number | undefined;
}

export interface RedactedCopies {
  /** Returns those of the copies that are stored or were merged, read strongly. */
  read(copies: readonly EventIdentity[]): Promise<RedactedCopy[]>;
  /** Replaces a stored copy by a mark that it was merged, so that a repeat is not stored again. */
  merge(copy: EventIdentity): Promise<void>;
  /** Deletes the status that an event has decided for its redacted recipient. */
  dropStatus(copy: EventIdentity): Promise<void>;
}

/** The database refuses the item for what it holds; trying again cannot help. */
export class UnstorableError extends Error {
  override name = 'UnstorableError';
}
