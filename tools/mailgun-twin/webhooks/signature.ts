import { createHmac } from 'node:crypto';

/** What Mailgun signs: the second of signing as a string, and a token of 50 characters used once. */
export interface SignedParts {
  readonly timestamp: string;
  readonly token: string;
}

export interface Signature extends SignedParts {
  readonly signature: string;
  readonly 'parent-signature'?: string;
}

export interface SigningKeys {
  readonly signing: string;
  /** Set on events of a subaccount: its primary account's key, with which Mailgun signs a second time. */
  readonly parent?: string;
}

/** HMAC-SHA256 over timestamp and token, nothing between them, in lower-case hex. */
export function sign(key: string, { timestamp, token }: SignedParts): string {
  return createHmac('sha256', key).update(`${timestamp}${token}`).digest('hex');
}

/** The `signature` object of a webhook, with `parent-signature` exactly when a parent key is given. */
export function createSignature(keys: SigningKeys, parts: SignedParts): Signature {
  const { timestamp, token } = parts;
  const own = { timestamp, token, signature: sign(keys.signing, parts) };
  return keys.parent === undefined ? own : { ...own, 'parent-signature': sign(keys.parent, parts) };
}
