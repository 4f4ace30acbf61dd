import { cappedText, sendRequest } from '../../lambdas/adapters/mailgun/mailgun-client.ts';
import type { CliContext } from '../command.ts';
import { MailgunBusyError, RateLimitedError, TargetUnavailableError } from '../errors.ts';
import type { Deployment } from '../target/types.ts';
import { checkKey, readApiKey } from './secrets.ts';

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
export const WRITE_KEY_VARIABLE = 'LEDGER_MAILGUN_KEY';

/** Option of every command that changes something at Mailgun. */
export const WRITE_KEY_OPTION = [
  '--write-key',
  `read a Mailgun API key that may write from standard input (or ${WRITE_KEY_VARIABLE}); it is kept nowhere`,
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
  const ask = await openMailgun(deployment);
  return (...request) =>
    ask(...request).catch((error: unknown) => {
      if (!(error instanceof ApiKeyRefusedError)) throw error;
      throw new ApiKeyRefusedError(`${error.message}; --write-key takes one that may do more`, { cause: error });
    });
}

function createRequest(deployment: Deployment, apiKey: string): MailgunRequest {
  return async (domain, method, path, body) => {
    const isJson = body !== undefined && !(body instanceof FormData);
    const host = new URL(deployment.mailgunUrl(domain)).host;
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
      throw new RateLimitedError(`Mailgun (${host}) answered 429; try again later`, response.headers);
    }
    if (status >= 500) throw new MailgunBusyError(`Mailgun (${host}) answered ${status}; try again later`);
    return { status, body: parsed(text) };
  };
}

/** Returns the status and message of a request that Mailgun did not grant. */
export function messageOf({ status, body }: MailgunResponse): string {
  const { message: usual, Description: ofAccountWebhooks } = (body ?? {}) as Readonly<Record<string, unknown>>;
  const message = usual ?? ofAccountWebhooks;
  return typeof message === 'string' ? `${status} ${message}` : String(status);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const PATH = '/v5/accounts/http_signing_key';

/** Returns the key that Mailgun signs with now. */
export async function readMailgunKey(ask: MailgunRequest, deployment: Deployment): Promise<string> {
  const answer = await ask(anyDomain(deployment), 'GET', PATH);
  const key = (answer.body as { http_signing_key?: unknown } | undefined)?.http_signing_key;
  if (answer.status !== 200 || typeof key !== 'string') {
    throw new TargetUnavailableError(
      `Mailgun does not return its signing key: ${messageOf(answer)}; pipe it in instead`,
    );
  }
  return checkKey(key, 'signing');
}

/** Has Mailgun make a new one; the old one signs nothing from then on. */
export async function replaceMailgunKey(ask: MailgunRequest, deployment: Deployment): Promise<void> {
  const answer = await ask(anyDomain(deployment), 'POST', PATH);
  if (answer.status !== 200 && answer.status !== 201) {
    throw new TargetUnavailableError(
      `Mailgun did not replace its signing key: ${messageOf(answer)}; nothing was changed`,
    );
  }
}

/** The key is the account's, so any of its domains leads there. */
function anyDomain({ domains, name }: Deployment): string {
  const [domain] = domains;
  if (domain === undefined) throw new TargetUnavailableError(`${name} has no sending domain`);
  return domain;
}
