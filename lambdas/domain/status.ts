import type { JsonObject } from './canonical.ts';
import { deliveryCode, eventName, textAt } from './event.ts';

export type Status = 'ACCEPTED' | 'DEFERRED' | 'DELIVERED' | 'FAILED' | 'COMPLAINED';

/** What one event says about a message and recipient; the highest precedence decides. */
export interface StatusUpdate {
  precedence: number;
  /** null where the event says nothing about delivery. */
  status: Status | null;
  /** Why it failed; null for every other status. */
  reason: string | null;
}

/** Of what a reader does, and of what says nothing about delivery. */
const READER_PRECEDENCE = 25;
const SILENT_PRECEDENCE = 0;

const SUPPRESSED_CODES = new Set([605, 606, 607]);

/** The event's precedence in the status join (DELIVERED by an open or click, which imply it, yields to a real delivery). */
export function statusUpdateOf(event: JsonObject): StatusUpdate {
  switch (eventName(event)) {
    case 'accepted':
      return { precedence: 10, status: 'ACCEPTED', reason: null };
    case 'opened':
    case 'clicked':
      return { precedence: READER_PRECEDENCE, status: 'DELIVERED', reason: null };
    case 'delivered':
      return { precedence: 30, status: 'DELIVERED', reason: null };
    case 'failed':
      return isPermanent(event)
        ? { precedence: 40, status: 'FAILED', reason: failureReason(event) }
        : { precedence: 20, status: 'DEFERRED', reason: null };
    case 'rejected':
      return { precedence: 40, status: 'FAILED', reason: 'rejected' };
    case 'complained':
      return { precedence: 50, status: 'COMPLAINED', reason: null };
    default:
      return { precedence: SILENT_PRECEDENCE, status: null, reason: null };
  }
}

/** Whether the status is mostly known better already when such an event comes in: what a reader does follows a delivery. */
export function rarelyChangesStatus({ precedence }: StatusUpdate): boolean {
  return precedence === READER_PRECEDENCE || precedence === SILENT_PRECEDENCE;
}

/** Only a severity that says so is permanent: an unknown one must not condemn an address. */
export function isPermanent(event: JsonObject): boolean {
  return textAt(event, 'severity')?.toLowerCase() === 'permanent';
}

function failureReason(event: JsonObject): string {
  const reason = textAt(event, 'reason')?.toLowerCase() ?? 'unknown';
  const code = deliveryCode(event);
  const suppressed = reason.startsWith('suppress-') || (code !== undefined && SUPPRESSED_CODES.has(code));
  return suppressed ? 'suppressed' : reason;
}

const LAST_MS = 9_999_999_999_999;

/**
 * The join as one string: the greater one decides. Precedence first, then the earlier event, then its key,
 * so the winner is a function of the set of events and one conditional update can compare it.
 */
export function statusOrder(update: StatusUpdate, timeMs: number, eventKey: string): string {
  const earliness = String(LAST_MS - timeMs).padStart(13, '0');
  return `${String(update.precedence).padStart(2, '0')}#${earliness}#${eventKey}`;
}

/** Whether an order decides against the stored one, if any: by bytes, as the table compares. */
export function isHigher(order: string, stored = ''): boolean {
  return Buffer.compare(Buffer.from(order), Buffer.from(stored)) > 0;
}

const HISTORY_NAMES: Record<string, string> = {
  accepted: 'EMAIL_ACCEPTED',
  delivered: 'EMAIL_DELIVERED',
  complained: 'EMAIL_COMPLAINED',
  opened: 'EMAIL_OPENED',
  clicked: 'EMAIL_CLICKED',
  unsubscribed: 'EMAIL_UNSUBSCRIBED',
  rejected: 'EMAIL_REJECTED',
};

/** Name of the event in a message's history. */
export function historyName(event: JsonObject): string {
  const name = eventName(event);
  if (name === 'failed') return isPermanent(event) ? 'EMAIL_FAILED' : 'EMAIL_TEMP_FAILED';
  return (Object.hasOwn(HISTORY_NAMES, name) && HISTORY_NAMES[name]) || 'EMAIL_OTHER';
}
