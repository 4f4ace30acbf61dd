import { createHmac, randomBytes } from 'node:crypto';
import type { JsonObject } from '../../lambdas/domain/json.ts';

/** Keys, domain and clock of the tests; `NOW_MS` is 2026-02-02T02:40:00Z. */
export const KEY = 'key-current-0001';
export const PREVIOUS_KEY = 'key-previous-0001';
export const PARENT_KEY = 'key-parent-0001';
export const DOMAIN = 'mg.example.com';
export const NOW_MS = 1_770_000_000_000;

/** Returns Mailgun's signature block for a key. */
export function signed(key = KEY, { timestamp = String(NOW_MS / 1000), token = randomBytes(25).toString('hex') } = {}) {
  return {
    timestamp,
    token,
    signature: createHmac('sha256', key)
      .update(timestamp + token)
      .digest('hex'),
  };
}

/** Returns a delivered event; each field can be replaced, or left out by undefined. */
export function deliveredEvent(over: Record<string, unknown> = {}): JsonObject {
  return JSON.parse(
    JSON.stringify({
      event: 'delivered',
      id: 'Kq3vYt0ZS2aB7nWmXc9LdA',
      timestamp: 1769999990.123456,
      recipient: 'Ada@Example.org',
      domain: { name: DOMAIN },
      message: { headers: { 'message-id': '20260202023950.1.ABCDEF@mg.example.com' } },
      'delivery-status': { code: 250, message: 'OK' },
      tags: ['welcome'],
      'user-variables': {},
      ...over,
    }),
  );
}

/** Returns the body of a webhook as Mailgun posts it. */
export function jsonBody(event: unknown, signature: unknown = signed()): Uint8Array {
  return Buffer.from(JSON.stringify({ signature, 'event-data': event }));
}
