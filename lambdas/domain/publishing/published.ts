import { createHmac } from 'node:crypto';
import type { Status } from '../event-types.ts';
import { messageIdOfPartition, scopeInSuppressionSort } from '../keys.ts';
import { withAddressesIn } from '../recipients/address.ts';
import { textWithoutAddress } from '../recipients/erasure.ts';
import { isSuppressing, type StoredSuppression } from '../status/suppression.ts';

/** Raise it when readers of `detail` would break; new fields do not raise it. */
const PUBLISHED_VERSION = 1;

/** A status as the table holds it. */
export interface StatusRow {
  type: 'status';
  partition: string;
  sort: string;
  /** The join: of two states with as many corrections the one with the greater order is the later. */
  order: string;
  /**
   * How often the status was set back to what the confirmed events decide; what had no status before is not counted.
   * @default never
   */
  corrections?: number | undefined;
  status: Status | null;
  reason: string | null;
  statusAtMs: number;
  decidedBy: string;
  recipient: string;
  /** Domain of the deciding event; null where it was written before domains were noted. */
  domain: string | null;
}

/** A suppression as the table holds it. */
export interface SuppressionRow extends StoredSuppression {
  type: 'suppression';
  partition: string;
  sort: string;
  recipient: string;
}

export type PublishableRow = StatusRow | SuppressionRow;

/** The published state of one row. */
export interface PublishedEvent {
  detailType: 'MessageStatusChanged' | 'SuppressionChanged';
  detail: PublishedDetail;
}

/** A state with its date, by which its deliveries are named. */
export interface DatedEvent extends PublishedEvent {
  /** Epoch milliseconds of the change, or of its republication; the same at every repetition. */
  changedAtMs: number;
}

export interface PublishedDetail {
  version: number;
  /** Two with the same id report the same state of the subject. */
  id: string;
  ledger: string;
  /** Identifies the row; without the key no one can find its recipient. */
  subject: string;
  /** The greater order of two events of a subject is the valid one. */
  order: string;
  [field: string]: string | number | null;
}

export interface PublishingChoice {
  ledger: string;
  /** Makes subjects unguessable. */
  subjectKey: string;
  /** True if recipients are named. */
  recipients: boolean;
  /**
   * Epoch milliseconds at which the last restore began: what is published since is later than all
   * before it, whose corrections and lifts the table may have lost.
   * @default never
   */
  restoredAtMs?: number | undefined;
}

const LAST_MS = 9_999_999_999_999;
/** Longer texts are neither addresses nor useful reasons, and ten events must fit into one call. */
const MAX_TEXT_LENGTH = 1000;

/**
 * Returns true if the row has anything to publish. An unsubscribe alone makes a status item without a status, and its
 * corrections do not count; one that counts may have taken away a status that was published.
 */
export function isPublishable(row: PublishableRow): boolean {
  return row.type === 'suppression' || row.status !== null || (row.corrections ?? 0) > 0;
}

/** Returns true if `after` must be published; `before` is absent where the row is new. */
export function hasChanged(before: PublishableRow | undefined, after: PublishableRow): boolean {
  if (!isPublishable(after)) return false;
  if (before === undefined || !isPublishable(before)) return true;
  return orderOf(before) !== orderOf(after) || factOf(before) !== factOf(after);
}

/** Returns the event that publishes a row. */
export function publishedEvent(row: PublishableRow, choice: PublishingChoice): PublishedEvent {
  const subject = createHmac('sha256', choice.subjectKey)
    .update(JSON.stringify([row.partition, row.sort]))
    .digest('base64url')
    .slice(0, 22);
  const { restoredAtMs } = choice;
  // The letter is greater than that of corrections.
  const restored = restoredAtMs === undefined ? '' : `r${padded(restoredAtMs)}#`;
  const common = {
    version: PUBLISHED_VERSION,
    id: `${subject}#${restored}${factOf(row)}`,
    ledger: choice.ledger,
    subject,
    order: restored + orderOf(row),
    domain: row.domain,
  };
  const recipient = choice.recipients && row.recipient.length <= MAX_TEXT_LENGTH ? { recipient: row.recipient } : {};
  const text = choice.recipients ? row.reason : reasonWithoutRecipient(row);
  const reason = text?.slice(0, MAX_TEXT_LENGTH).toWellFormed() ?? null;
  if (row.type === 'status') {
    const { status, statusAtMs, decidedBy: eventKey } = row;
    const messageId = messageIdOfPartition(row.partition);
    const detail = { ...common, messageId, status, reason, statusAt: statusAtMs / 1000, eventKey, ...recipient };
    return { detailType: 'MessageStatusChanged', detail };
  }
  const { kind, eventKey, sinceMs, liftedAtMs } = row;
  const liftedAt = liftedAtMs === null || isSuppressing(row) ? null : isoTime(liftedAtMs);
  const scope = row.scope.length <= MAX_TEXT_LENGTH ? row.scope : scopeInSuppressionSort(row.sort);
  const detail = { ...common, kind, scope, reason, since: isoTime(sinceMs), liftedAt, eventKey, ...recipient };
  return { detailType: 'SuppressionChanged', detail };
}

/** Returns the reason, which may quote what a mail server wrote, with the recipient's addresses replaced. */
function reasonWithoutRecipient({ reason, recipient }: PublishableRow): string | null {
  if (reason === null || recipient === '') return reason;
  return withAddressesIn(recipient).reduce(textWithoutAddress, reason);
}

/** Identifies the state of the row among all its states. */
function factOf(row: PublishableRow): string {
  if (row.type === 'status') return orderOf(row);
  const fact = correctionsIn(row) + row.eventKey;
  if (row.liftedAtMs === null) return fact;
  return `${fact}#${isSuppressing(row) ? 'again' : 'lifted'}-${row.liftedAtMs}`;
}

/** Returns the beginning of the order after a correction: its letter is greater than the digits of what was never corrected. */
const correctionsIn = ({ corrections = 0 }: PublishableRow): string =>
  corrections === 0 ? '' : `c${String(corrections).padStart(6, '0')}#`;

/**
 * Orders statuses as the table does, after a correction behind all that was published before it. Orders suppressions
 * likewise: a withdrawn one first, then a later lift, then suppression after it, then the earlier event, then the
 * greater key.
 */
function orderOf(row: PublishableRow): string {
  if (row.type === 'status') return correctionsIn(row) + row.order;
  if (row.isWithdrawn) return [correctionsIn(row) + padded(0), padded(0), row.eventKey].join('#');
  const lift = row.liftedAtMs === null ? 0 : row.liftedAtMs + (isSuppressing(row) ? 1 : 0);
  return correctionsIn(row) + [...[lift, LAST_MS - row.sinceMs].map(padded), row.eventKey].join('#');
}

const padded = (ms: number) => String(ms).padStart(13, '0');
const isoTime = (ms: number) => new Date(ms).toISOString();
