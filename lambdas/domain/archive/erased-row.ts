import { canonicalJson } from '../canonical-json.ts';
import { identify } from '../events/identity.ts';
import { KEPT_RECIPIENT_KEY, parseEvent } from '../events/mailgun-event.ts';
import type { JsonObject } from '../json.ts';
import { messageIdOfPartition, parseMessageSort } from '../keys.ts';
import type { EventPlace } from '../ledger/ledger-name.ts';
import { isOf, tombstoneIdentity, tombstoneOf, withoutAddress } from '../recipients/erasure.ts';
import { type ArchiveRow, columnsOf, type RowFacts, rowOf } from './archive-row.ts';

/** Returns the row of an event whose recipient was erased before it was sealed; the place is the tombstone's. */
export function rowOfTombstone(facts: RowFacts, tombstone: JsonObject, place: EventPlace, salt: string): ArchiveRow {
  return withTombstone(rowOf(facts, tombstone, salt), tombstone, place);
}

/**
 * Returns what a row becomes when its recipient is erased: nothing of it can be recovered, and its leaf is the same. Its
 * columns are those of the tombstone that the table keeps (`tombstoneOf`).
 */
export function erasedRow(row: ArchiveRow, domain: string, erasureKey: string): ArchiveRow {
  if (row.event === null || erasedAs(row) !== undefined) return row;
  const event = JSON.parse(row.event) as JsonObject;
  const place = tombstoneIdentity(identify(event, domain), erasureKey);
  return withTombstone(row, tombstoneOf(event, domain), place);
}

/** Returns the erased recipient's key, as in the table; undefined for the row of anyone else. */
export function erasedAs({ salt, event }: Pick<ArchiveRow, 'salt' | 'event'>): string | undefined {
  return salt !== null || event === null ? undefined : parseEvent(JSON.parse(event)).kept?.recipientKey;
}

/** Returns the row of another recipient's event without an address; the same row where it does not name the address. */
export function rowWithoutAddress(row: ArchiveRow, address: string): ArchiveRow {
  if (row.event === null) return row;
  const event = JSON.parse(row.event) as JsonObject;
  const cleaned = withoutAddress(event, address);
  if (cleaned === event) return row;
  return { ...row, ...columnsOf(cleaned), type: row.type, salt: null, event: canonicalJson(cleaned) };
}

/**
 * Returns a function that erases a recipient from rows: the content of their own, and the address in those of others.
 */
export function rowErasure(recipient: string, domain: string, erasureKey: string): (row: ArchiveRow) => ArchiveRow {
  return (row) =>
    row.recipient !== null && isOf(row.recipient, recipient)
      ? erasedRow(row, domain, erasureKey)
      : rowWithoutAddress(row, recipient);
}

function withTombstone(row: ArchiveRow, tombstone: JsonObject, { partition, eventSort }: EventPlace): ArchiveRow {
  const messageId = messageIdOfPartition(partition);
  // Some senders put the recipient's address before their own domain.
  const isKept = messageId !== null && messageId.split('@').length <= 2;
  const kept: JsonObject = {
    ...tombstone,
    ...(isKept && { message: { headers: { 'message-id': messageId } } }),
    [KEPT_RECIPIENT_KEY]: parseMessageSort(eventSort).recipientKey ?? '',
  };
  return { ...row, ...columnsOf(kept), type: row.type, salt: null, event: canonicalJson(kept) };
}
