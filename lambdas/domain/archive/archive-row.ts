import { createHash } from 'node:crypto';
import { canonicalJson } from '../canonical-json.ts';
import { parseEvent } from '../events/mailgun-event.ts';
import type { Source } from '../events/queue-message.ts';
import type { JsonObject } from '../json.ts';
import { keyPart } from '../keys.ts';

/** Facts that are archived with an event. */
export interface RowFacts {
  /** Its name in the ledger, the same for the tombstone. */
  name: string;
  /** The event key. */
  key: string;
  /** Epoch milliseconds at which it happened, as its ledger counts. */
  atMs: number;
  receivedAtMs: number;
  /** True if a webhook had brought it by the time it was sealed. */
  byWebhook: boolean;
  source: Source;
}

/** The facts of an event, in columns; null where it has none, or is erased. */
interface RowColumns {
  messageId: string | null;
  recipient: string | null;
  recipientDomain: string | null;
  provider: string | null;
  mxHost: string | null;
  severity: string | null;
  reason: string | null;
  bounceType: string | null;
  code: number | null;
  url: string | null;
  isByMachine: boolean;
  tags: string[];
}

/** A row of the archive. */
export interface ArchiveRow extends RowFacts, RowColumns {
  type: string;
  /** Hex of the random bytes that are hashed before the event; null once an address was removed from the row. */
  salt: string | null;
  /** Hex of SHA-256 over the salt and the event; it is never changed. */
  commitment: string;
  /** The event as canonical JSON; its tombstone where its recipient is erased, null where an older version erased it. */
  event: string | null;
}

/** Bytes of a salt. */
export const SALT_BYTES = 16;

/** Returns the commitment to an event: SHA-256 over the bytes of the salt, then those of the event's text. */
export function commitmentOf(salt: string, event: string): string {
  return createHash('sha256').update(Buffer.from(salt, 'hex')).update(event).digest('hex');
}

/** Returns the leaf of a row: JSON without blanks, whose fields name no person. */
export function leafOf({ commitment, name, key, type, atMs }: ArchiveRow, domain: string): string {
  return JSON.stringify([commitment, name, key, type, domain, atMs]);
}

/** Returns the row of an event under a random salt. */
export function rowOf(facts: RowFacts, event: JsonObject, salt: string): ArchiveRow {
  const text = canonicalJson(event);
  return { ...facts, ...columnsOf(event), salt, commitment: commitmentOf(salt, text), event: text };
}

/** Returns the columns that follow from an event, its type included. */
export function columnsOf(event: JsonObject): RowColumns & { type: string } {
  const parsed = parseEvent(event);
  const { name, messageId, recipient, code, isByMachine, tags } = parsed;
  return {
    type: keyPart(name),
    messageId: messageId ?? null,
    recipient: recipient?.toLowerCase() ?? null,
    recipientDomain: recipient === undefined ? null : recipient.slice(recipient.lastIndexOf('@') + 1).toLowerCase(),
    provider: parsed.provider ?? null,
    mxHost: parsed.mxHost ?? null,
    severity: parsed.severity ?? null,
    reason: parsed.reason ?? null,
    bounceType: parsed.bounceType ?? null,
    // The column is an integer of 32 bits.
    code: code !== undefined && (code | 0) === code ? code : null,
    url: parsed.url ?? null,
    isByMachine,
    tags,
  };
}
