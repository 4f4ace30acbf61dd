import type { Status } from '../event-types.ts';
import type { MailgunEvent } from '../events/mailgun-event.ts';

/** What one event says about a message and recipient; the highest precedence decides. */
export interface StatusUpdate {
  precedence: number;
  /** null where the event says nothing about delivery. */
  status: Status | null;
  /** Why it failed, or `test` for a delivery that was none; null for every other status. */
  reason: string | null;
}

/** What Mailgun answers instead of sending to an address that is on a list of its own. */
const SUPPRESSED_CODES = new Set([605, 606, 607]);

/** Returns what the event says about the status of its message and recipient: nothing where the mail is not ours. */
export function statusUpdateOf(event: MailgunEvent): StatusUpdate {
  if (event.isInbound) return { precedence: 0, status: null, reason: null };
  const { precedence, status } = event.type;
  return { precedence, status, reason: reasonOf(event) };
}

function reasonOf(event: MailgunEvent): string | null {
  const { status } = event.type;
  if (status === 'FAILED') return event.name === 'failed' ? failureReason(event) : event.name;
  return status === 'DELIVERED' && event.isTestMode ? 'test' : null;
}

function failureReason({ reason = 'unknown', code, hasGivenUp }: MailgunEvent): string {
  if (reason.startsWith('suppress-') || (code !== undefined && SUPPRESSED_CODES.has(code))) return 'suppressed';
  return hasGivenUp ? 'old' : reason;
}
