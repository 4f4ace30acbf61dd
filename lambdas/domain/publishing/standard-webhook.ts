import { createHmac } from 'node:crypto';

// Signs as the Standard Webhooks specification 1.0 does. `test/unit/lambdas/domain/publishing/standard-webhook.test.ts` holds it
// against the libraries that receivers verify with.

/** Prefix of displayed secrets; receivers' libraries accept secrets with or without it. */
const SECRET_PREFIX = 'whsec_';

/** Headers of a signed delivery; lower case, since some libraries look up no other spelling. */
type WebhookHeaders = Readonly<Record<'webhook-id' | 'webhook-timestamp' | 'webhook-signature', string>>;

/** Returns a secret as receivers hold it. */
export function shownSecret(secret: string): string {
  return secret.startsWith(SECRET_PREFIX) ? secret : SECRET_PREFIX + secret;
}

/**
 * Returns the headers that sign a body, with one signature per secret, separated by one space: during a rotation the
 * previous secret signs as well (`receiver-secret.ts`).
 */
export function signWebhook(
  id: string,
  timestampSeconds: number,
  body: string,
  secrets: readonly string[],
): WebhookHeaders {
  const webhookId = headerId(id);
  const sign = (secret: string) => {
    const key = Buffer.from(shownSecret(secret).slice(SECRET_PREFIX.length), 'base64');
    return `v1,${createHmac('sha256', key).update(`${webhookId}.${timestampSeconds}.${body}`).digest('base64')}`;
  };
  return {
    'webhook-id': webhookId,
    'webhook-timestamp': String(timestampSeconds),
    'webhook-signature': secrets.map(sign).join(' '),
  };
}

/** Returns true for the id of an event as its body has it, and as the header `webhook-id` does. */
export const isNamed = (eventId: string, id: string): boolean => eventId === id || headerId(eventId) === id;

/**
 * Returns an id that fits into a header: Mailgun's ids may contain any character, and the signed parts are separated by
 * dots.
 */
export function headerId(id: string): string {
  return id
    .toWellFormed()
    .replaceAll('.', '%2E')
    .replaceAll(/[^\w#:+=@/%-]/gu, (character) => encodeURIComponent(character));
}
