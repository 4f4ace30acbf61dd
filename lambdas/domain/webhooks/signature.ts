import { createHash, createHmac, timingSafeEqual } from 'node:crypto';

// How old a signature may be is in `contract.ts`; `ingest.ts` reads the keys again where none matches.

/** Mailgun's signature block as received; `timestamp` is epoch seconds. */
export interface Signature {
  timestamp: string;
  token: string;
  signature: string;
  /** On events of a subaccount: the same HMAC under the parent account's key. */
  parentSignature?: string;
}

/** The account's HTTP webhook signing keys; `previous` during a rotation, `parent` for events of subaccounts. */
export interface SigningKeys {
  current?: string;
  previous?: string;
  parent?: string;
}

/** Returns what may be shown of a key: the first eight hex digits of its SHA-256. */
export function keyFingerprint(key: string): string {
  return createHash('sha256').update(key).digest('hex').slice(0, 8);
}

const TIMESTAMP = /^\d{10}$/;
const HMAC_HEX = /^[0-9a-f]{64}$/;

/**
 * Returns the first key that signed this block: HMAC-SHA256 over timestamp and token, lower-case hex
 * (https://documentation.mailgun.com/docs/mailgun/user-manual/webhooks/securing-webhooks). Compares every candidate
 * every time, so the duration does not reveal which key nearly matched.
 */
export function signedBy(block: Signature, keys: SigningKeys): keyof SigningKeys | undefined {
  if (!TIMESTAMP.test(block.timestamp) || block.token === '') return undefined;
  const candidates: [name: keyof SigningKeys, claimed: string | undefined][] = [
    ['current', block.signature],
    ['previous', block.signature],
    ['parent', block.parentSignature],
  ];
  let matched: keyof SigningKeys | undefined;
  for (const [name, claimed] of candidates) {
    const key = keys[name];
    if (key === undefined || key === '' || claimed === undefined || !HMAC_HEX.test(claimed)) continue;
    const expected = createHmac('sha256', key)
      .update(block.timestamp + block.token)
      .digest();
    if (timingSafeEqual(expected, Buffer.from(claimed, 'hex'))) matched ??= name;
  }
  return matched;
}

/** Returns true if the signed time is at most `windowSeconds` old and at most `aheadSeconds` in the future. */
export function isFresh(timestamp: string, nowMs: number, windowSeconds: number, aheadSeconds: number): boolean {
  const ageSeconds = nowMs / 1000 - Number(timestamp);
  return ageSeconds <= windowSeconds && ageSeconds >= -aheadSeconds;
}

/** Returns the name of a token: the same under every key, and wherever timestamp and token are split. */
export function claimKey(block: Signature): string {
  return createHash('sha256')
    .update(block.timestamp + block.token)
    .digest('hex');
}
