import type { Claim, ClaimOutcome } from './claim.ts';
import type { EventIdentity } from './identity.ts';
import type { MailgunEvent } from './mailgun-event.ts';
import type { QueueMessage, Source } from './queue-message.ts';
import type { SigningKeys } from './signature.ts';
import type { StatusUpdate } from './status.ts';
import type { Suppression } from './suppression.ts';

// What the use cases need from outside. The adapters implement it on AWS, the model tests in memory.

/** The text of a secret that may be rotated under us. */
export interface RotatingSecret {
  /** The text, at most five minutes old. Throws where it cannot be read. */
  read(): Promise<string>;
  /** The text read anew; undefined where it was read within the last 30 seconds. */
  reread(): Promise<string | undefined>;
}

export interface KeyRing {
  /** The signing keys, at most five minutes old. Throws where the secret cannot be read; no key at all where it is unset. */
  read(): Promise<SigningKeys>;
  /** The keys read anew, because nothing matched; undefined where the last reading is too fresh to ask again. */
  reread(): Promise<SigningKeys | undefined>;
}

export interface Claims {
  /** Takes the token for one event; repeating it with the same claim id has no further effect. */
  claim(claim: Claim, nowSeconds: number): Promise<ClaimOutcome>;
}

/** The fact that a webhook was verified once, ever: before it, nobody has put this environment to use. */
export interface FirstWebhook {
  note(atMs: number): Promise<void>;
  isNoted(): Promise<boolean>;
}

export interface EventLookup {
  /** Whether the event is stored, read strongly: stored means that all its effects are done. */
  isStored(identity: EventIdentity): Promise<boolean>;
  /** Notes on a stored event that a webhook brought it, unless that is noted already; false where the event is gone. */
  noteWebhook(identity: EventIdentity, atMs: number): Promise<boolean>;
}

/** The secret under which recipients are hashed once they are erased; one for all time. */
export interface ErasureKey {
  /** Throws where it cannot be read. */
  read(): Promise<string>;
}

export interface Erasures {
  /** Those of the addresses that are erased, read strongly. */
  among(addresses: readonly string[]): Promise<string[]>;
}

/** Events that were stored when no pass of reconciliation was to come that would compare them. */
export interface Stragglers {
  /** Epoch seconds at which the ledger of a domain starts; undefined where there is none yet. */
  ledgerStart(domain: string): Promise<number | undefined>;
  /** Asks for a pass over the time of such an event. */
  note(domain: string, straggler: { at: number; notedAt: number }): Promise<void>;
}

export interface EventQueue {
  /** Resolves once the queue has taken the message. */
  send(message: QueueMessage): Promise<void>;
}

/** One event with all that is derived from it, ready to be stored. */
export interface EventRecord {
  identity: EventIdentity;
  event: MailgunEvent;
  domain: string;
  source: Source;
  /** Epoch milliseconds: the event's own time, or the time of receipt where it has none or an implausible one. */
  atMs: number;
  /** Its own time lies too far after its receipt. */
  isImplausible?: boolean;
  receivedAtMs: number;
  /** Epoch seconds. */
  expiresAt: number;
}

export interface Records {
  /** Joins the suppression: the earliest event decides what it says, the latest whether it holds after a lift. */
  suppress(record: EventRecord, suppression: Suppression): Promise<void>;
  /** Joins the event's status update into the status of its message and recipient; the join never goes back. */
  upsertStatus(record: EventRecord, update: StatusUpdate): Promise<void>;
  /** Stores the event unless it is there. Throws `UnstorableError` where no retry could ever store it. */
  putEvent(record: EventRecord): Promise<'stored' | 'known'>;
}

/** The database refuses the item for what it holds; trying again cannot help. */
export class UnstorableError extends Error {
  override name = 'UnstorableError';
}
