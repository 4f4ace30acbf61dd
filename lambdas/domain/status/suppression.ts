import type { SuppressionKind } from '../event-types.ts';
import type { MailgunEvent } from '../events/mailgun-event.ts';
import { isRedactedRecipient, recipientKey } from '../keys.ts';

/** A reason not to send to a recipient again. */
export interface Suppression {
  kind: SuppressionKind;
  /** `*` for all mail of the domain, or a tag; only Mailgun's own list names a tag, never an event. */
  scope: string;
  reason: string | null;
  /** `mailgun`: the address is on a list of Mailgun's own, so that it does not even try. */
  source: SuppressionSource;
}

type SuppressionSource = 'event' | 'mailgun';

/** A suppression as stored. Times in epoch milliseconds. */
export interface StoredSuppression extends Suppression {
  domain: string;
  /** The time of the earliest event. */
  sinceMs: number;
  /** The time of the latest event. */
  lastAtMs: number;
  eventKey: string;
  liftedAtMs: number | null;
  /**
   * How often a correction withdrew it.
   * @default never
   */
  corrections?: number;
  /** True while it is withdrawn: as lifted when it began. */
  isWithdrawn?: boolean;
}

/**
 * Returns true if a suppression holds: it was not lifted, or its latest event is later than the lift.
 * Both are greatest values, so neither arrival nor the order of events and lifts counts.
 */
export function isSuppressing({ lastAtMs, liftedAtMs }: Pick<StoredSuppression, 'lastAtMs' | 'liftedAtMs'>): boolean {
  return liftedAtMs === null || lastAtMs > liftedAtMs;
}

/**
 * Returns the suppression that follows from an event, if any. Never one without a recipient, or of a redacted one, nor
 * one of mail that was routed to us. An unsubscribe is from everything: its tags may be those of the message.
 */
export function suppressionOf(event: MailgunEvent): Suppression | undefined {
  if (event.recipient === undefined || event.isInbound || isRedactedRecipient(recipientKey(event.recipient)))
    return undefined;
  const common = { scope: '*', source: 'event' } as const;
  switch (event.type.suppression) {
    case 'complaint':
      return { kind: 'complaint', reason: null, ...common };
    case 'unsubscribe':
      return { kind: 'unsubscribe', reason: event.mailingList ?? null, ...common };
    default:
      return event.name === 'failed' ? suppressionOfFailure(event) : undefined;
  }
}

function suppressionOfFailure(event: MailgunEvent): Suppression | undefined {
  const reason = event.reason ?? null;
  const { suppressionList: kind } = event;
  if (kind !== undefined && kind !== 'unknown') return { kind, scope: '*', reason, source: 'mailgun' };
  return isHardBounce(event) ? { kind: 'bounce', scope: '*', reason, source: 'event' } : undefined;
}

function isHardBounce({ type, reason, isTooOld, isUnreached, bounceType }: MailgunEvent): boolean {
  if (type.suppression !== 'bounce' || bounceType === 'soft' || isTooOld || isUnreached) return false;
  return reason === 'bounce' || bounceType === 'hard';
}
