import type { Status } from '../event-types.ts';
import type { MailgunEvent } from '../events/mailgun-event.ts';

/** The status update of one event for a message and recipient; the highest precedence decides. */
export interface StatusUpdate {
  precedence: number;
  /** null for an event that is not about delivery. */
  status: Status | null;
  /** Why it failed, or `test` for a delivery that was none; null for every other status. */
  reason: string | null;
}

/** The contribution of an event that decides nothing. */
export const NOT_ABOUT_DELIVERY: StatusUpdate = { precedence: 0, status: null, reason: null };

/** Returns the event's contribution to the status of its message and recipient; none for mail that is not ours. */
export function statusUpdateOf(event: MailgunEvent): StatusUpdate {
  if (event.isInbound) return NOT_ABOUT_DELIVERY;
  const { precedence, status } = event.type;
  return { precedence, status, reason: reasonOf(event) };
}

function reasonOf(event: MailgunEvent): string | null {
  const { status } = event.type;
  if (status === 'FAILED') return event.name === 'failed' ? failureReason(event) : event.name;
  return status === 'DELIVERED' && event.isTestMode ? 'test' : null;
}

function failureReason({ reason = 'unknown', suppressionList, hasGivenUp }: MailgunEvent): string {
  if (suppressionList !== undefined) return 'suppressed';
  return hasGivenUp ? 'old' : reason;
}
