import type { EventIdentity } from '../domain/events/identity.ts';
import type { QueueMessage } from '../domain/events/queue-message.ts';
import type { Claim, ClaimOutcome } from '../domain/webhooks/claim.ts';
import type { SigningKeys } from '../domain/webhooks/signature.ts';

// Ports of ingest; the adapters implement them on AWS, the model tests in memory.

export interface KeyRing {
  /** Returns the signing keys, none where the secret is unset; as last read while reading fails. Throws without a last read. */
  read(): Promise<SigningKeys>;
  /** Reads the keys again, because none matched; returns undefined where the last read is too recent to repeat. */
  reread(): Promise<SigningKeys | undefined>;
}

export interface Claims {
  /** Claims the token for one event; repeating it with the same claim id has no further effect. */
  claim(claim: Claim, nowSeconds: number): Promise<ClaimOutcome>;
}

/** The fact that a webhook was verified once, ever: before it, this environment is not in use yet. */
export interface FirstWebhook {
  note(atMs: number): Promise<void>;
  isNoted(): Promise<boolean>;
}

export interface EventLookup {
  /** Returns true where the event is stored, read strongly: stored means that all its effects are done. */
  isStored(identity: EventIdentity): Promise<boolean>;
  /** Notes on a stored event that a webhook brought it, unless that is noted already; false where the event is gone. */
  noteWebhook(identity: EventIdentity, atMs: number): Promise<boolean>;
}

export interface EventSender {
  /** Resolves once the message is in the queue. */
  send(message: QueueMessage): Promise<void>;
}
