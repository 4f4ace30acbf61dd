import { createHmac, randomBytes, randomUUID } from 'node:crypto';
import type { JsonObject } from '../../lambdas/domain/canonical.ts';

/**
 * When Mailgun's own test button says that its event happened, whatever the day. No slice of the ledger is as old, so
 * an event that Mailgun does not list disturbs none, and pages nobody as unconfirmed.
 */
const LONG_AGO_SECONDS = 1_521_472_262.908;

/** An event that nobody can take for one of Mailgun's. */
export function testEvent(domain: string): JsonObject & { recipient: string } {
  return {
    event: 'delivered',
    id: randomBytes(16).toString('base64url'),
    timestamp: LONG_AGO_SECONDS,
    recipient: `send-test@${domain}`,
    domain: { name: domain },
    message: { headers: { 'message-id': `send-test-${randomUUID()}@${domain}`, subject: 'send-test' } },
    flags: { 'is-test-mode': true },
    tags: ['send-test'],
    'user-variables': {},
  };
}

/** The body of a webhook as Mailgun posts it, under a fresh token. */
export function signedWebhook(event: JsonObject, signingKey: string, nowMs: number): string {
  const timestamp = String(Math.floor(nowMs / 1000));
  const token = randomBytes(25).toString('hex');
  const signature = createHmac('sha256', signingKey)
    .update(timestamp + token)
    .digest('hex');
  return JSON.stringify({ signature: { timestamp, token, signature }, 'event-data': event });
}
