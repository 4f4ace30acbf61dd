import { randomBytes } from 'node:crypto';
import { type ApiAnswer, ok, refusal } from './api-answer.ts';

/** What a Mailgun account has once, for all its domains. */
export interface MailgunAccount {
  /** Signs every webhook from now on; there is no other that still does. */
  signingKey: string;
}

/** A key as Mailgun makes them, for signing or for its API. */
export const newKey = () => `key-${randomBytes(16).toString('hex')}`;

/** Reads the signing key, or replaces it by a new one. */
export function answerSigningKey(account: MailgunAccount, method: string | undefined): ApiAnswer {
  if (method === 'POST') account.signingKey = newKey();
  else if (method !== 'GET') return refusal(405, 'Method Not Allowed');
  return ok({ http_signing_key: account.signingKey });
}
