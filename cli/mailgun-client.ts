import { cappedText } from '../lambdas/adapters/mailgun/client.ts';
import { OutOfReach } from './errors.ts';
import { checkKey, readApiKey } from './secrets.ts';
import type { Target } from './target/types.ts';

const ANSWER_WITHIN_MS = 20_000;
const LONGEST_ANSWER_BYTES = 1024 * 1024;

export interface MailgunAnswer {
  readonly status: number;
  /** Parsed JSON; undefined where it was none. */
  readonly body: unknown;
}

/** Asks Mailgun's API with the stack's key. */
export type AskMailgun = (
  domain: string,
  method: 'GET' | 'POST' | 'PUT' | 'DELETE',
  path: string,
  form?: FormData,
) => Promise<MailgunAnswer>;

/** Reads the key; OutOfReach where there is none, or where Mailgun refuses it or does not answer. */
export async function openMailgun(target: Target): Promise<AskMailgun> {
  const { apiKey } = await readApiKey(target);
  if (apiKey === undefined) throw new OutOfReach('the stack has no Mailgun API key; keys set --api-key stores one');
  const authorization = `Basic ${Buffer.from(`api:${apiKey}`).toString('base64')}`;

  return async (domain, method, path, form) => {
    const host = new URL(target.mailgunUrl(domain)).host;
    let response: Response;
    let text: string | undefined;
    try {
      // Not followed: a redirect would carry the key to wherever it points.
      response = await fetch(target.mailgunUrl(domain) + path, {
        method,
        headers: { authorization },
        body: form ?? null,
        redirect: 'manual',
        signal: AbortSignal.timeout(ANSWER_WITHIN_MS),
      });
      text = await cappedText(response, LONGEST_ANSWER_BYTES);
    } catch (cause) {
      throw new OutOfReach(`Mailgun (${host}) does not answer: ${(cause as Error).message}`, { cause });
    }
    const { status } = response;
    if (status === 401 || status === 403) {
      throw new OutOfReach(
        `Mailgun (${host}) refuses the API key (${status}): wrong key, too few rights, or an IP allowlist`,
      );
    }
    if (text === undefined) throw new OutOfReach(`Mailgun (${host}) answers more than can be taken`);
    if (status === 429 || status >= 500) throw new OutOfReach(`Mailgun (${host}) answered ${status}; try again later`);
    return { status, body: parsed(text) };
  };
}

/** What Mailgun says about a request that it did not grant. */
export function messageOf({ status, body }: MailgunAnswer): string {
  const message = (body as { message?: unknown } | undefined)?.message;
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

/** The key that Mailgun signs with now. */
export async function readMailgunKey(ask: AskMailgun, target: Target): Promise<string> {
  const answer = await ask(anyDomain(target), 'GET', PATH);
  const key = (answer.body as { http_signing_key?: unknown } | undefined)?.http_signing_key;
  if (answer.status !== 200 || typeof key !== 'string') {
    throw new OutOfReach(`Mailgun does not tell its signing key: ${messageOf(answer)}; pipe it in instead`);
  }
  return checkKey(key, 'signing');
}

/** Has Mailgun make a new one; the old one signs nothing from then on. */
export async function replaceMailgunKey(ask: AskMailgun, target: Target): Promise<void> {
  const answer = await ask(anyDomain(target), 'POST', PATH);
  if (answer.status !== 200 && answer.status !== 201) {
    throw new OutOfReach(`Mailgun did not replace its signing key: ${messageOf(answer)}; nothing was changed`);
  }
}

/** The key is the account's, so any of its domains leads there. */
function anyDomain({ domains, name }: Target): string {
  const [domain] = domains;
  if (domain === undefined) throw new OutOfReach(`${name} has no sending domain`);
  return domain;
}
