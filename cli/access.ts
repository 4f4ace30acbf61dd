import { GetSecretValueCommand, PutSecretValueCommand } from '@aws-sdk/client-secrets-manager';
import { z } from 'zod';
import { type SecretFields, secretFields, signingKeysIn } from '../lambdas/adapters/aws/secrets.ts';
import { cappedText, requestedWaitMs, sendRequest } from '../lambdas/adapters/mailgun/mailgun-client.ts';
import { jsonIn } from '../lambdas/domain/json.ts';
import type { SigningKeys } from '../lambdas/domain/webhooks/signature.ts';
import { type CliContext, targetRefText } from './command.ts';
import {
  awsSentence,
  MailgunBusyError,
  RateLimitedError,
  SecretOutOfReachError,
  TargetUnavailableError,
  TokenRefusedError,
  UnreadableSecretError,
  UsageError,
} from './errors.ts';
import { counted } from './output.ts';
import { type Deployment, hasOutput } from './target/types.ts';

/** Returns the text of the secret whose ARN is in an output. */
export async function readSecret(deployment: Deployment, outputKey: string): Promise<string> {
  return (await readVersion(deployment, outputKey)).text;
}

/** Returns why the stored token does not open the read API, as a clause; undefined where it does. */
export function whyTokenIsRefused(deployment: Pick<Deployment, 'output'>): string | undefined {
  return hasOutput(deployment, 'JwtIssuer')
    ? `the read API takes JWTs of ${deployment.output('JwtIssuer')} alone`
    : undefined;
}

/** Returns the token of the read API; throws a TokenRefusedError where it takes JWTs, which no command has. */
export async function readApiToken(deployment: Deployment): Promise<string> {
  const why = whyTokenIsRefused(deployment);
  if (why !== undefined) throw new TokenRefusedError(why);
  return readSecret(deployment, 'ApiTokenSecretArn');
}

/** Returns the key that hashes erased recipients; under a blank one no one would be known as erased. */
export async function readErasureKey(deployment: Deployment): Promise<string> {
  const key = await readSecret(deployment, 'ErasureKeySecretArn');
  if (key.trim() === '') throw new TargetUnavailableError('the erasure key of the stack is blank');
  return key;
}

/**
 * Returns the texts of a JSON secret, and when it was last written (epoch milliseconds). Blank ones are unset, as for the
 * functions. Throws UnreadableSecretError where it is not a JSON object.
 */
async function readSecretFields(
  deployment: Deployment,
  outputKey: string,
): Promise<{ fields: SecretFields; sinceMs: number | undefined }> {
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

function fieldsOf(text: string, deployment: Deployment, outputKey: string): SecretFields {
  const fields = secretFields(text);
  if (fields !== undefined) return fields;
  throw new UnreadableSecretError(
    `the secret ${outputKey} holds no JSON object`,
    replaceCommand(deployment, outputKey),
  );
}

/** The signing keys as the secret holds them, and when it was last written; no key at all where it is unset. */
export interface StoredKeys {
  readonly keys: SigningKeys;
  /** Epoch milliseconds. */
  readonly sinceMs: number | undefined;
}

const SIGNING_KEYS = 'SigningKeysSecretArn';
const API_KEY = 'ApiKeySecretArn';

export async function readSigningKeys(deployment: Deployment): Promise<StoredKeys> {
  const { fields, sinceMs } = await readSecretFields(deployment, SIGNING_KEYS);
  return { keys: signingKeysIn(fields), sinceMs };
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
 * Returns the keys with a new current one; the old one still verifies retries, or with `alone` is removed. Undefined if
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

/** Returns the trimmed key from the terminal or a pipe; throws for an invalid one, without quoting it. */
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

const RESPONSE_TIMEOUT_MS = 20_000;
const MAX_RESPONSE_BYTES = 1024 * 1024;

export interface MailgunResponse {
  readonly status: number;
  /** Parsed JSON; undefined where it was none. */
  readonly body: unknown;
}

/** Mailgun refuses the key, so a retry is of no use. */
export class ApiKeyRefusedError extends TargetUnavailableError {
  override readonly name = 'ApiKeyRefusedError';
}

/** Sends one request to Mailgun's API, for the region of a domain. */
export type MailgunRequest = (
  domain: string,
  method: 'GET' | 'POST' | 'PUT' | 'DELETE',
  path: string,
  /** Anything but a form is sent as JSON. */
  body?: FormData | Readonly<Record<string, unknown>> | readonly object[],
) => Promise<MailgunResponse>;

/** Opens Mailgun's API with the key that the stack stores, which needs to read only; TargetUnavailableError without one. */
export async function openMailgun(deployment: Deployment): Promise<MailgunRequest> {
  const { apiKey } = await readApiKey(deployment);
  if (apiKey === undefined)
    throw new TargetUnavailableError('the stack has no Mailgun API key; keys set --api-key stores one');
  return createRequest(deployment, apiKey);
}

/** Environment variable with a key that may change things at Mailgun. */
const WRITE_KEY_VARIABLE = 'LEDGER_MAILGUN_KEY';

/** Option of every command that changes something at Mailgun. */
export const WRITE_KEY_OPTION = [
  '--write-key',
  `read a Mailgun API key that may write from standard input (or ${WRITE_KEY_VARIABLE}); it is not stored`,
] as const;

export interface WriteKeyOptions {
  readonly writeKey?: boolean;
}

/**
 * Opens Mailgun's API to change something: with the key from the environment or from standard input, which is kept
 * nowhere, or else with the stack's own, which Mailgun refuses where it may only read.
 */
export async function openMailgunToWrite(
  context: Pick<CliContext, 'environment' | 'readInput'>,
  deployment: Deployment,
  { writeKey = false }: WriteKeyOptions,
): Promise<MailgunRequest> {
  const given = context.environment[WRITE_KEY_VARIABLE];
  if (writeKey || given !== undefined) {
    const key = given ?? (await context.readInput('Mailgun API key that may write'));
    return createRequest(deployment, checkKey(key, 'api'));
  }
  const callMailgun = await openMailgun(deployment);
  return (...request) =>
    callMailgun(...request).catch((error: unknown) => {
      if (!(error instanceof ApiKeyRefusedError)) throw error;
      throw new ApiKeyRefusedError(`${error.message}; --write-key takes one that may do more`, { cause: error });
    });
}

function createRequest(deployment: Deployment, apiKey: string): MailgunRequest {
  return async (domain, method, path, body) => {
    const isJson = body !== undefined && !(body instanceof FormData);
    const host = new URL(deployment.mailgunUrl(domain)).host;
    if (deployment.silentHosts?.has(host)) {
      throw new MailgunBusyError(`not requested: Mailgun (${host}) did not respond`);
    }
    let response: Response;
    let text: string | undefined;
    try {
      const init = {
        method,
        headers: isJson ? { 'content-type': 'application/json' } : {},
        body: isJson ? JSON.stringify(body) : (body ?? null),
      };
      response = await sendRequest(apiKey, deployment.mailgunUrl(domain) + path, init, RESPONSE_TIMEOUT_MS);
      text = await cappedText(response, MAX_RESPONSE_BYTES);
    } catch (cause) {
      if (isTimeout(cause)) deployment.silentHosts?.add(host);
      throw new MailgunBusyError(`Mailgun (${host}) does not respond: ${(cause as Error).message}`, { cause });
    }
    const { status } = response;
    if (status === 401 || status === 403) {
      throw new ApiKeyRefusedError(
        `Mailgun (${host}) refuses the API key (${status}): wrong key, too few rights, or an IP allowlist`,
      );
    }
    if (text === undefined) throw new TargetUnavailableError(`Mailgun (${host}) sends a response that is too large`);
    if (status === 429) {
      throw new RateLimitedError(`Mailgun (${host}) returned 429; try again later`, response.headers);
    }
    if (status >= 500) throw new MailgunBusyError(`Mailgun (${host}) returned ${status}; try again later`);
    return { status, body: jsonIn(text) };
  };
}

/** Returns true for an error after a wait, within which no connection or no response came. */
const isTimeout = (error: unknown): boolean =>
  error instanceof Error &&
  (error.name === 'TimeoutError' ||
    /TIMEOUT|ETIMEDOUT/.test(String((error as { code?: unknown }).code)) ||
    isTimeout(error.cause));

const reason = z.string().trim().min(1).optional().catch(undefined);
/** `Description` is that of account webhooks. */
const refusal = z.object({ message: reason, Description: reason });

/** Returns the status and message of a request that Mailgun did not grant. */
export function messageOf({ status, body }: MailgunResponse): string {
  const { message, Description } = refusal.safeParse(body).data ?? {};
  const text = message ?? Description;
  return text === undefined ? String(status) : `${status} ${text}`;
}

const PATH = '/v5/accounts/http_signing_key';
const signingKeyReply = z.object({ http_signing_key: z.string() });

/** Returns the key that Mailgun signs with now. */
export async function readMailgunKey(callMailgun: MailgunRequest, deployment: Deployment): Promise<string> {
  const response = await callMailgun(anyDomain(deployment), 'GET', PATH);
  const key = signingKeyReply.safeParse(response.body).data?.http_signing_key;
  if (response.status !== 200 || key === undefined) {
    throw new TargetUnavailableError(
      `Mailgun does not return its signing key: ${messageOf(response)}; pipe it in instead`,
    );
  }
  return checkKey(key, 'signing');
}

/** @throws TargetUnavailableError if this key of Mailgun's is the parent account's only; `remedy` says what to do */
export function refuseParentKey(atMailgun: string, { current, parent }: SigningKeys, remedy: string): void {
  if (atMailgun === current || atMailgun !== parent) return;
  throw new TargetUnavailableError(
    `the API key belongs to the parent account: Mailgun returns the parent key, which is set here; nothing was changed; ${remedy}`,
  );
}

/**
 * Has Mailgun replace its key, and returns the new one; the old one signs nothing from then on. Throws an
 * UnfinishedRotationError where it may be replaced, although the new one is not known.
 */
export async function replaceMailgunKey(
  callMailgun: MailgunRequest,
  deployment: Deployment,
  old: string,
): Promise<string> {
  const response = await callMailgun(anyDomain(deployment), 'POST', PATH).catch((cause) => {
    if (cause instanceof ApiKeyRefusedError || cause instanceof RateLimitedError) throw cause;
    throw new UnfinishedRotationError(deployment, cause);
  });
  if (response.status >= 400) {
    throw new TargetUnavailableError(
      `Mailgun did not replace its signing key: ${messageOf(response)}; nothing was changed`,
    );
  }
  const key = await readMailgunKey(callMailgun, deployment).catch((cause) => {
    throw new UnfinishedRotationError(deployment, cause);
  });
  if (key === old) throw new UnfinishedRotationError(deployment, new Error('Mailgun still returns the old key'));
  return key;
}

/** Mailgun may sign with a key that is not set here. */
export class UnfinishedRotationError extends TargetUnavailableError {
  override readonly name = 'UnfinishedRotationError';

  constructor({ ref }: Deployment, cause: Error) {
    const command = `npm run ledger -- keys set ${targetRefText(ref)} --from-mailgun`;
    super(`the key may be replaced at Mailgun, and not here: run ${command} (${cause.message})`, { cause });
  }
}

/** Returns any domain of the stack: the key belongs to the account. */
function anyDomain({ domains, name }: Deployment): string {
  const [domain] = domains;
  if (domain === undefined) throw new TargetUnavailableError(`${name} has no sending domain`);
  return domain;
}

/** Maximum wait of a command for Mailgun, over all its requests. */
const MAX_WAITED_MS = 5 * 60_000;
const MIN_WAIT_MS = 1000;

/**
 * Returns a request function that waits as long as a 429 asks, and sends again; a 429 has no effect. After five minutes
 * of waiting in one command it throws the RateLimitedError.
 */
export function waitingOut(
  { sleep, now, printError }: Pick<CliContext, 'sleep' | 'now' | 'printError'>,
  callMailgun: MailgunRequest,
): MailgunRequest {
  let leftMs = MAX_WAITED_MS;
  return async (...request) => {
    for (let attempt = 0; ; attempt += 1) {
      try {
        return await callMailgun(...request);
      } catch (error) {
        if (!(error instanceof RateLimitedError)) throw error;
        const askedMs = requestedWaitMs(error.headers, now()) ?? MIN_WAIT_MS * 2 ** attempt;
        const waitMs = Math.max(MIN_WAIT_MS, askedMs);
        if (waitMs > leftMs) throw error;
        leftMs -= waitMs;
        printError(`Mailgun limits its requests: waiting for ${counted(Math.ceil(waitMs / 1000), 'second')}`);
        await sleep(waitMs);
      }
    }
  };
}
