import { createHmac } from 'node:crypto';

/** Signed by Mailgun: the second of signing as a string, and a single-use token of 50 characters. */
interface SignedParts {
  readonly timestamp: string;
  readonly token: string;
}

export interface WebhookSignature extends SignedParts {
  readonly signature: string;
  readonly 'parent-signature'?: string;
}

export interface AccountKeys {
  readonly signing: string;
  /** On events of a subaccount: the primary account's key, for the second signature. */
  readonly parent?: string;
}

/** Returns the HMAC-SHA256 over timestamp and token, concatenated, in lower-case hex. */
export function sign(key: string, { timestamp, token }: SignedParts): string {
  return createHmac('sha256', key).update(`${timestamp}${token}`).digest('hex');
}

/** Returns the `signature` object of a webhook, with `parent-signature` only if a parent key is given. */
export function createSignature(keys: AccountKeys, parts: SignedParts): WebhookSignature {
  const { timestamp, token } = parts;
  const own = { timestamp, token, signature: sign(keys.signing, parts) };
  return keys.parent === undefined ? own : { ...own, 'parent-signature': sign(keys.parent, parts) };
}
