import type { JsonObject } from './canonical.ts';
import { deliveryCode, eventName, recipientOf, textAt, valueAt } from './event.ts';
import { isPermanent } from './status.ts';

export type SuppressionKind = 'bounce' | 'complaint' | 'unsubscribe';

/** A reason not to send to a recipient again; `scope` is `*` or the tag that was unsubscribed from. */
export interface Suppression {
  kind: SuppressionKind;
  scope: string;
  reason: string | null;
}

/** A suppression as stored. Times in epoch milliseconds. */
export interface StoredSuppression extends Suppression {
  domain: string;
  /** Of the earliest event. */
  sinceMs: number;
  /** Of the latest event. */
  lastAtMs: number;
  eventKey: string;
  liftedAtMs: number | null;
}

/**
 * Whether a suppression holds: it was not lifted, or its latest event is later than the lift.
 * Both are greatest values, so neither arrival nor the order of events and lifts counts.
 */
export function isSuppressing({ lastAtMs, liftedAtMs }: Pick<StoredSuppression, 'lastAtMs' | 'liftedAtMs'>): boolean {
  return liftedAtMs === null || lastAtMs > liftedAtMs;
}

/** Mailgun could not reach the host, or gave up after retrying: the address may be good. */
const UNREACHED_CODES = new Set([498, 499, 602]);
/** Mailgun takes at most ten tags a message; a longer list is taken as unsubscribed from everything. */
const MAX_TAGS = 10;

/** The suppressions that follow from one event; mostly none, and never one without a recipient. */
export function suppressionsOf(event: JsonObject): Suppression[] {
  if (recipientOf(event) === undefined) return [];
  switch (eventName(event)) {
    case 'complained':
      return [{ kind: 'complaint', scope: '*', reason: null }];
    case 'unsubscribed':
      return scopesOfUnsubscribe(event).map((scope) => ({ kind: 'unsubscribe', scope, reason: null }));
    case 'failed':
      return isHardBounce(event) ? [{ kind: 'bounce', scope: '*', reason: textAt(event, 'reason') ?? null }] : [];
    default:
      return [];
  }
}

function isHardBounce(event: JsonObject): boolean {
  const reason = textAt(event, 'reason')?.toLowerCase();
  const code = deliveryCode(event);
  if (!isPermanent(event) || reason === 'old' || (code !== undefined && UNREACHED_CODES.has(code))) return false;
  const bounceType = textAt(event, 'delivery-status', 'bounce-type')?.toLowerCase();
  return reason === 'bounce' || reason === 'suppress-bounce' || bounceType === 'hard';
}

/** The tags that an unsubscribe is from, or `*` for everything. */
export function scopesOfUnsubscribe(event: JsonObject): string[] {
  const listed = valueAt(event, 'tags');
  const tags = Array.isArray(listed) ? listed.filter((tag) => typeof tag === 'string' && tag !== '') : [];
  const scopes = [...new Set(tags as string[])];
  return scopes.length === 0 || scopes.length > MAX_TAGS || scopes.includes('*') ? ['*'] : scopes;
}
