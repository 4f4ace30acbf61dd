import { UNKNOWN_DOMAIN } from '../../contract.ts';
import { isObject, type JsonObject } from '../json.ts';
import { textAt, valueAt } from './json-path.ts';

// Reads Mailgun's `event-data`, whose fields are absent, null or of another type more often than documented.

/** Returns the event name in lower case: Mailgun's console has sent upper case. */
export function eventName(event: JsonObject): string {
  return (textAt(event, 'event') ?? '').toLowerCase();
}

/** Returns Mailgun's id of the event. */
export function eventId(event: JsonObject): string | undefined {
  return textAt(event, 'id');
}

/**
 * Returns the SMTP or Mailgun code of a delivery attempt; undefined for codes such as "5.1.1", which are not numbers.
 */
export function deliveryCode(event: JsonObject): number | undefined {
  const code = valueAt(event, 'delivery-status', 'code');
  if (typeof code === 'number') return code;
  return typeof code === 'string' && /^\d{3}$/.test(code) ? Number(code) : undefined;
}

/**
 * Returns the event's time in epoch milliseconds, truncated from its decimal digits, so that millisecond and
 * microsecond sources agree; undefined if it is missing or implausible.
 */
export function eventTimeMs(event: JsonObject): number | undefined {
  const timestamp = valueAt(event, 'timestamp');
  if (typeof timestamp !== 'number' && typeof timestamp !== 'string') return undefined;
  const digits = /^(\d{1,10})(?:\.(\d+))?$/.exec(String(timestamp));
  if (digits === null) return undefined;
  return Number(digits[1]) * 1000 + Number((digits[2] ?? '').slice(0, 3).padEnd(3, '0'));
}

/** Returns a message id without its pair of angle brackets. */
export function bareMessageId(text: string): string {
  const trimmed = text.trim();
  return trimmed.startsWith('<') && trimmed.endsWith('>') ? trimmed.slice(1, -1) : trimmed;
}

/** Returns the message's id as the event names it, without brackets; the header's name may have any case. */
export function messageIdOf(event: JsonObject): string | undefined {
  const headers = valueAt(event, 'message', 'headers');
  if (!isObject(headers)) return undefined;
  const name = Object.hasOwn(headers, 'message-id')
    ? 'message-id'
    : Object.keys(headers).find((each) => each.toLowerCase() === 'message-id');
  const id = name === undefined ? undefined : textAt(headers, name);
  return id === undefined ? undefined : bareMessageId(id) || undefined;
}

/** Returns the domain named in the payload, in lower case; older payloads have none. */
export function namedDomain(event: JsonObject): string | undefined {
  return (textAt(event, 'domain', 'name') ?? textAt(event, 'domain'))?.trim().toLowerCase() || undefined;
}

/**
 * Returns the sending domain: the named one, else a configured one in sender or message id, else the only configured
 * one, else `-`.
 */
export function eventDomain(
  event: JsonObject,
  ours: readonly string[],
  otherwise = ours.length === 1 ? (ours[0] as string) : UNKNOWN_DOMAIN,
): string {
  const named = namedDomain(event);
  if (named !== undefined) return named;
  const traces = [textAt(event, 'envelope', 'sender'), textAt(event, 'message', 'headers', 'from'), messageIdOf(event)];
  for (const trace of traces) {
    const host = trace
      ?.slice(trace.lastIndexOf('@') + 1)
      .replace(/[>\s]+$/, '')
      .toLowerCase();
    if (host !== undefined && ours.includes(host)) return host;
  }
  return otherwise;
}
