import { createHash } from 'node:crypto';
import type { SigningKeys } from '../../lambdas/domain/signature.ts';
import { putSecret, readSecretFields } from '../secret.ts';
import type { Target } from '../target.ts';
import { WrongInput } from '../wrong-input.ts';

/** The signing keys as the secret holds them, and since when; no key at all where it is unset. */
export interface StoredKeys {
  readonly keys: SigningKeys;
  /** Epoch milliseconds. */
  readonly sinceMs: number | undefined;
}

const SIGNING_KEYS = 'SigningKeysSecretArn';
const API_KEY = 'ApiKeySecretArn';

export async function readSigningKeys(target: Target): Promise<StoredKeys> {
  const { fields, sinceMs } = await readSecretFields(target, SIGNING_KEYS);
  const { current, previous, parent } = fields;
  return { keys: { ...(current && { current }), ...(previous && { previous }), ...(parent && { parent }) }, sinceMs };
}

export async function readApiKey(target: Target): Promise<{ apiKey: string | undefined; sinceMs: number | undefined }> {
  const { fields, sinceMs } = await readSecretFields(target, API_KEY);
  return { apiKey: fields.apiKey, sinceMs };
}

export const writeSigningKeys = (target: Target, keys: SigningKeys) =>
  putSecret(target, SIGNING_KEYS, JSON.stringify(keys));

export const writeApiKey = (target: Target, apiKey: string) => putSecret(target, API_KEY, JSON.stringify({ apiKey }));

/**
 * A key put in front; what was there before goes on to verify retries, or alone: is forgotten. Undefined where
 * nothing changes.
 */
export function withCurrent(keys: SigningKeys, current: string, alone = false): SigningKeys | undefined {
  if (keys.current === current && !(alone && keys.previous)) return undefined;
  if (alone) return { current, ...(keys.parent !== undefined && { parent: keys.parent }) };
  return { ...keys, current, ...(keys.current !== undefined && { previous: keys.current }) };
}

/** What may be shown of a key: enough to tell it from another. */
export function fingerprint(key: string): string {
  return createHash('sha256').update(key).digest('hex').slice(0, 8);
}

const ONE_WORD = /^[\x21-\x7e]{8,128}$/;
/** The form of Mailgun's newer API keys, which no signing key has. */
const API_KEY_FORM = /^[0-9a-f]{32}-[0-9a-f]{8}-[0-9a-f]{8}$/;

/** A key as somebody typed or piped it. The messages never hold it. */
export function checkKey(text: string, kind: 'signing' | 'api'): string {
  const key = text.trim();
  if (key === '') throw new WrongInput('no key came on standard input');
  if (!ONE_WORD.test(key) || /^["'{]/.test(key)) {
    throw new WrongInput('a key is one word of 8 to 128 characters, alone: no quotes, no JSON');
  }
  if (kind === 'signing' && API_KEY_FORM.test(key)) {
    throw new WrongInput(
      'this looks like an API key; the signing key stands at Mailgun under Send > Sending > Webhooks',
    );
  }
  return key;
}
