import { GetSecretValueCommand, PutSecretValueCommand } from '@aws-sdk/client-secrets-manager';
import type { SigningKeys } from '../../lambdas/domain/webhooks/signature.ts';
import { targetRefText } from '../command.ts';
import { SecretOutOfReachError, TargetUnavailableError, UnreadableSecretError, UsageError } from '../errors.ts';
import { awsSentence } from '../target/aws-errors.ts';
import type { Deployment } from '../target/types.ts';

/** The text of the secret that an output names. */
export async function readSecret(deployment: Deployment, outputKey: string): Promise<string> {
  return (await readVersion(deployment, outputKey)).text;
}

/** Returns the key that hashes erased recipients; under a blank one no one would be known as erased. */
export async function readErasureKey(deployment: Deployment): Promise<string> {
  const key = await readSecret(deployment, 'ErasureKeySecretArn');
  if (key.trim() === '') throw new TargetUnavailableError('the erasure key of the stack is blank');
  return key;
}

/**
 * Returns the texts of a JSON secret, and since when it holds them (epoch milliseconds). Blank ones are unset, as for the
 * functions. Throws UnreadableSecretError where it is not a JSON object.
 */
async function readSecretFields(
  deployment: Deployment,
  outputKey: string,
): Promise<{ fields: Readonly<Record<string, string | undefined>>; sinceMs: number | undefined }> {
  const { text, sinceMs } = await readVersion(deployment, outputKey);
  return { fields: fieldsOf(text, deployment, outputKey), sinceMs };
}

/** Replaces the text of the secret that an output names. */
export async function putSecret(deployment: Deployment, outputKey: string, text: string): Promise<void> {
  const command = new PutSecretValueCommand({ SecretId: deployment.output(outputKey), SecretString: text });
  await deployment.clients.secrets.send(command).catch((cause) => outOfReach(`${outputKey} cannot be written`, cause));
}

async function readVersion(deployment: Deployment, outputKey: string) {
  const command = new GetSecretValueCommand({ SecretId: deployment.output(outputKey) });
  const { SecretString = '', CreatedDate } = await deployment.clients.secrets
    .send(command)
    .catch((cause) => outOfReach(`${outputKey} cannot be read`, cause));
  return { text: SecretString, sinceMs: CreatedDate?.getTime() };
}

function outOfReach(what: string, cause: unknown): never {
  throw new SecretOutOfReachError(`the secret ${what}: ${awsSentence(cause) ?? (cause as Error).message}`, { cause });
}

/** Returns the command that replaces a secret that holds no JSON object. */
function replaceCommand({ ref }: Pick<Deployment, 'ref'>, outputKey: string): string {
  const target = `--yes ${targetRefText(ref)}`;
  if (outputKey === API_KEY) return `npm run ledger -- keys set --api-key ${target} < api-key.txt`;
  return `npm run ledger -- keys set --from-mailgun ${target}`;
}

function fieldsOf(text: string, deployment: Deployment, outputKey: string): Record<string, string | undefined> {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    // The parser's own message quotes the text.
  }
  if (typeof parsed !== 'object' || parsed === null) {
    const fix = replaceCommand(deployment, outputKey);
    throw new UnreadableSecretError(`the secret ${outputKey} holds no JSON object`, fix);
  }
  const texts = Object.entries(parsed).flatMap(([name, value]) =>
    typeof value === 'string' && value.trim() !== '' ? [[name, value.trim()]] : [],
  );
  return Object.fromEntries(texts);
}

/** The signing keys as the secret holds them, and since when; no key at all where it is unset. */
export interface StoredKeys {
  readonly keys: SigningKeys;
  /** Epoch milliseconds. */
  readonly sinceMs: number | undefined;
}

const SIGNING_KEYS = 'SigningKeysSecretArn';
const API_KEY = 'ApiKeySecretArn';

export async function readSigningKeys(deployment: Deployment): Promise<StoredKeys> {
  const { fields, sinceMs } = await readSecretFields(deployment, SIGNING_KEYS);
  const { current, previous, parent } = fields;
  return { keys: { ...(current && { current }), ...(previous && { previous }), ...(parent && { parent }) }, sinceMs };
}

export async function readApiKey(
  deployment: Deployment,
): Promise<{ apiKey: string | undefined; sinceMs: number | undefined }> {
  const { fields, sinceMs } = await readSecretFields(deployment, API_KEY);
  return { apiKey: fields.apiKey, sinceMs };
}

export const writeSigningKeys = (deployment: Deployment, keys: SigningKeys) =>
  putSecret(deployment, SIGNING_KEYS, JSON.stringify(keys));

export const writeApiKey = (deployment: Deployment, apiKey: string) =>
  putSecret(deployment, API_KEY, JSON.stringify({ apiKey }));

/**
 * A key put in front; what was there before goes on to verify retries, or alone: is forgotten. Undefined where
 * nothing changes.
 */
export function withCurrent(keys: SigningKeys, current: string, alone = false): SigningKeys | undefined {
  if (keys.current === current && !(alone && keys.previous)) return undefined;
  if (alone) return { current, ...(keys.parent !== undefined && { parent: keys.parent }) };
  return { ...keys, current, ...(keys.current !== undefined && { previous: keys.current }) };
}

const ONE_WORD = /^[\x21-\x7e]{8,128}$/;
/** The form of Mailgun's newer API keys, which no signing key has. */
const API_KEY_FORM = /^[0-9a-f]{32}-[0-9a-f]{8}-[0-9a-f]{8}$/;

/** A key as it was typed or piped. The messages never hold it. */
export function checkKey(text: string, kind: 'signing' | 'api'): string {
  const key = text.trim();
  if (key === '') throw new UsageError('no key on standard input');
  if (!ONE_WORD.test(key) || /^["'{]/.test(key)) {
    throw new UsageError('a key is one word of 8 to 128 characters, without quotes or JSON');
  }
  if (kind === 'signing' && API_KEY_FORM.test(key)) {
    throw new UsageError(
      'this looks like an API key; the signing key stands at Mailgun under Send > Sending > Webhooks',
    );
  }
  return key;
}
