import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { AWS_CLIENT_CONFIG } from './client-config.ts';

/** The text of a secret that may be rotated at any time. */
export interface RotatingSecret {
  /** Returns the text, at most five minutes old. Throws where it cannot be read. */
  read(): Promise<string>;
  /** Reads the text again; returns undefined where it was read within the last 30 seconds. */
  reread(): Promise<string | undefined>;
}

const MAX_AGE_MS = 5 * 60_000;
const REREAD_AFTER_MS = 30_000;

export function openSecrets(): SecretsManagerClient {
  return new SecretsManagerClient(AWS_CLIENT_CONFIG);
}

/** A secret's text, kept for five minutes; a failed reading is not kept. */
export function createCachedSecret(
  client: Pick<SecretsManagerClient, 'send'>,
  secretArn: string,
  now: () => number,
): RotatingSecret {
  let reading: { at: number; text: Promise<string> } | undefined;

  const load = () => {
    const mine = { at: now(), text: fetchText(client, secretArn) };
    reading = mine;
    mine.text.catch(() => {
      if (reading === mine) reading = undefined;
    });
    return mine.text;
  };
  const isOlderThan = (ms: number) => reading === undefined || now() - reading.at >= ms;
  return {
    read: () => (reading === undefined || isOlderThan(MAX_AGE_MS) ? load() : reading.text),
    reread: async () => (isOlderThan(REREAD_AFTER_MS) ? load() : undefined),
  };
}

async function fetchText(client: Pick<SecretsManagerClient, 'send'>, secretArn: string): Promise<string> {
  const { SecretString } = await client.send(new GetSecretValueCommand({ SecretId: secretArn }));
  if (SecretString === undefined) throw new Error('the secret holds no text');
  return SecretString;
}
