import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { HOUR_MS } from '../../contract.ts';
import { jsonIn } from '../../domain/json.ts';
import type { SigningKeys } from '../../domain/webhooks/signature.ts';
import type { KeyRing } from '../../ingest/ports.ts';
import type { ErasureKey } from '../../process/ports.ts';
import { AWS_CLIENT_CONFIG, namesCalls } from '../../runtime/aws-client.ts';

/** The text of a secret that may be rotated at any time. */
interface RotatingSecret {
  /** Returns the text, at most five minutes old unless it is held. Throws where it cannot be read. */
  read(): Promise<string>;
  /** Reads the text again; returns undefined where it was read within the last 30 seconds. Throws where it cannot be read. */
  reread(): Promise<string | undefined>;
}

/** Functions read a changed secret within this time. */
export const MAX_SECRET_AGE_MS = 5 * 60_000;
/** How long a text is held that can no longer be read: longer than any outage of an AWS service so far. */
const MAX_HELD_MS = 12 * HOUR_MS;
const REREAD_AFTER_MS = 30_000;
/** How long a caller waits for a service that hangs, where the text is held. */
const MAX_WAIT_MS = 2000;

export function openSecrets(): SecretsManagerClient {
  return namesCalls(new SecretsManagerClient(AWS_CLIENT_CONFIG));
}

interface Hold {
  /** Is called with the error of each failed reading and the text that is held, at most every 30 seconds. */
  onHeld(error: unknown, text: string): void;
  /** Returns true for an error after which the text counts no more; by default only a secret without a text ends it. */
  endsWith?(error: unknown): boolean;
}

interface Reading {
  readonly at: number;
  readonly text: Promise<string>;
  hasFailed: boolean;
}

/**
 * Returns a secret's text, cached for five minutes; an error is not cached, and names the secret. With a `hold` a text is
 * held for hours while reading it fails.
 */
export function createCachedSecret(
  client: Pick<SecretsManagerClient, 'send'>,
  secretArn: string,
  now: () => number,
  name?: string,
  hold?: Hold,
): RotatingSecret {
  let last: Reading | undefined;
  let held: { readonly at: number; readonly text: string } | undefined;
  let reported: Reading | undefined;

  const isYounger = (each: { readonly at: number } | undefined, ms: number) =>
    each !== undefined && now() - each.at < ms;
  const keep = (at: number, text: string | undefined) => {
    if (held !== undefined && held.at > at) return;
    held = text === undefined ? undefined : { at, text };
  };

  function load(): Reading {
    const mine: Reading = { at: now(), text: fetchText(client, secretArn, name), hasFailed: false };
    last = mine;
    mine.text.then(
      (text) => keep(mine.at, text),
      (error) => {
        mine.hasFailed = true;
        if (error instanceof NoTextError || hold?.endsWith?.(error)) keep(mine.at, undefined);
      },
    );
    return mine;
  }

  const current = (): Reading =>
    last !== undefined && !last.hasFailed && isYounger(last, MAX_SECRET_AGE_MS) ? last : load();

  return {
    async read() {
      if (held !== undefined && isYounger(held, MAX_SECRET_AGE_MS)) return held.text;
      if (hold === undefined || !isYounger(held, MAX_HELD_MS)) return current().text;
      const reading = last?.hasFailed && isYounger(last, REREAD_AFTER_MS) ? last : current();
      try {
        return await within(MAX_WAIT_MS, reading.text);
      } catch (error) {
        if (held === undefined) throw error;
        if (reported !== reading) hold.onHeld(error, held.text);
        reported = reading;
        return held.text;
      }
    },
    async reread() {
      if (last === undefined || !isYounger(last, REREAD_AFTER_MS)) return load().text;
      if (!last.hasFailed) return undefined;
      return held === undefined ? load().text : last.text;
    },
  };
}

/** Rejects if the promise takes longer. */
async function within<T>(ms: number, promise: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no reply within ${ms} ms`)), ms);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

const WITHDRAWN = /^(AccessDenied|ResourceNotFound|InvalidRequest)Exception$/;

/** Returns true where the secret, or the right to read it, was taken away, and no service fails; deleted ones count. */
export const isWithdrawn = (error: unknown): boolean => error instanceof Error && WITHDRAWN.test(error.name);

/** The secret was read, and holds no text. */
class NoTextError extends Error {
  override readonly name = 'NoTextError';
}

async function fetchText(
  client: Pick<SecretsManagerClient, 'send'>,
  secretArn: string,
  name: string | undefined,
): Promise<string> {
  try {
    const { SecretString } = await client.send(new GetSecretValueCommand({ SecretId: secretArn }));
    if (SecretString === undefined) throw new NoTextError('the secret holds no text');
    return SecretString;
  } catch (error) {
    if (error instanceof Error && name !== undefined) Object.assign(error, { secret: name });
    throw error;
  }
}

/** Reads signing keys from the JSON secret `{"current","previous"?,"parent"?}`. */
export function createKeyRing(secret: RotatingSecret): KeyRing {
  return {
    async read() {
      const text = await secret.read();
      try {
        return parseSigningKeys(text);
      } catch (error) {
        // Without a key no signature fails, so nothing else would read the repaired secret again.
        const fresh = await secret.reread();
        if (fresh === undefined) throw error;
        return parseSigningKeys(fresh);
      }
    },
    async reread() {
      const text = await secret.reread();
      return text === undefined ? undefined : parseSigningKeys(text);
    },
  };
}

/**
 * Returns the keys in the secret without blank ones, so none for an unset secret. Throws if it is not a JSON object.
 */
function parseSigningKeys(text: string): SigningKeys {
  const fields = secretFields(text);
  if (fields === undefined) throw new Error('the signing-key secret is not a JSON object');
  return signingKeysIn(fields);
}

/** Returns true if the text of a signing-key secret holds a key: that of an unset secret does not. */
export function holdsSigningKey(text: string): boolean {
  return Object.keys(signingKeysIn(secretFields(text) ?? {})).length > 0;
}

/** Returns the signing keys among the fields of their secret. */
export function signingKeysIn({ current, previous, parent }: SecretFields): SigningKeys {
  return { ...(current && { current }), ...(previous && { previous }), ...(parent && { parent }) };
}

export type SecretFields = Readonly<Record<string, string | undefined>>;

/** Returns the texts in the JSON object of a secret, trimmed and without blank ones; undefined where it is none. */
export function secretFields(text: string): SecretFields | undefined {
  const parsed = jsonIn(text);
  if (typeof parsed !== 'object' || parsed === null) return undefined;
  const texts = Object.entries(parsed).flatMap(([name, value]) =>
    typeof value === 'string' && value.trim() !== '' ? [[name, value.trim()]] : [],
  );
  return Object.fromEntries(texts);
}

/**
 * Returns a function that reads the Mailgun API key from the JSON secret `{"apiKey"}`; undefined while it is unset.
 * Throws if it is not a JSON object.
 */
export function createApiKey(secret: RotatingSecret): () => Promise<string | undefined> {
  return async () => {
    const fields = secretFields(await secret.read());
    if (fields === undefined) throw new Error('the API-key secret is not a JSON object');
    return fields.apiKey;
  };
}

/** Reads the key at its first use and keeps it: it never changes, since a changed key would forget who is erased. */
export function createErasureKey(secret: Pick<RotatingSecret, 'read'>): ErasureKey {
  let known: string | undefined;
  return {
    async read() {
      known ??= await secret.read();
      if (known.trim() === '') throw new Error('the erasure key is blank');
      return known;
    },
  };
}
