import { readApiToken } from '../../access.ts';
import { TargetUnavailableError, UsageError } from '../../errors.ts';
import type { Deployment } from '../../target/types.ts';
import { type Check, type Finding, ok, skipped, wrong } from './machine-checks.ts';

const RESPONSE_TIMEOUT_MS = 10_000;
const METHOD = 'GET';
const HEADERS = ['authorization'];

/** Returns the origin as a browser sends it; throws a UsageError for an invalid one. */
export function checkOrigin(text: string): string {
  const origin = URL.canParse(text) ? new URL(text).origin : 'null';
  if (origin === text && origin !== 'null') return origin;
  const example = origin === 'null' ? 'https://mail.example.com' : origin;
  throw new UsageError(`--origin takes only scheme, host and port, like ${example}`);
}

/** Checks what a page of that origin meets, step by step, as its browser judges it. */
export function originChecks(deployment: Deployment, origin: string): Check[] {
  const [domain = ''] = deployment.domains;
  const path = `/mailgun/ledger?domain=${encodeURIComponent(domain)}`;
  const url = () => deployment.output('ApiUrl') + path;
  const allow = `put "${origin}" into "origins" of the environment in cdk.json, and deploy`;
  return [
    {
      name: '1 preflight',
      check: async () => judgePreflight(await send(url(), 'OPTIONS', preflightHeaders(origin)), origin, allow),
    },
    {
      name: '2 without a token',
      check: async () => judgeRefusal(await send(url(), METHOD, { origin }), origin, allow),
    },
    {
      name: '3 with the token',
      check: async () => {
        const authorization = `Bearer ${await readApiToken(deployment)}`;
        return judgeResponse(await send(url(), METHOD, { origin, authorization }), origin, allow);
      },
    },
    {
      name: '4 credentials',
      check: async () => judgeCredentials(await send(url(), 'OPTIONS', preflightHeaders(origin))),
    },
    {
      name: '5 webhook route',
      check: async () =>
        judgeWebhookRoute(await send(deployment.output('WebhookUrl'), 'OPTIONS', preflightHeaders(origin))),
    },
  ];
}

const preflightHeaders = (origin: string) => ({
  origin,
  'access-control-request-method': METHOD,
  'access-control-request-headers': HEADERS.join(','),
});

async function send(url: string, method: string, headers: Record<string, string>): Promise<Response> {
  const signal = AbortSignal.timeout(RESPONSE_TIMEOUT_MS);
  try {
    const response = await fetch(url, { method, headers, redirect: 'manual', signal });
    await response.arrayBuffer();
    return response;
  } catch (cause) {
    throw new TargetUnavailableError(`${new URL(url).host} does not respond: ${(cause as Error).message}`, { cause });
  }
}

/** The parts of a response that are checked. */
type JudgedResponse = Pick<Response, 'status' | 'headers'>;

export function judgePreflight({ status, headers }: JudgedResponse, origin: string, allow: string): Finding {
  if (status < 200 || status > 299) {
    return wrong(`OPTIONS returns ${status}; a browser continues only after 2xx`, 'deploy this version');
  }
  const missing = grantMissing(headers, origin);
  if (missing !== undefined)
    return wrong(`OPTIONS ${status}, ${missing}: the browser does not send the request`, allow);
  const methods = listOf(headers, 'access-control-allow-methods');
  const names = listOf(headers, 'access-control-allow-headers');
  const refused = HEADERS.filter((name) => !names.includes(name));
  if (!methods.includes(METHOD.toLowerCase())) {
    return wrong(`OPTIONS ${status}, but ${METHOD} is not among Access-Control-Allow-Methods`, 'deploy this version');
  }
  if (refused.length > 0) {
    return wrong(`OPTIONS ${status}, but Access-Control-Allow-Headers lacks ${refused}`, 'deploy this version');
  }
  const seconds = headers.get('access-control-max-age');
  return ok(`OPTIONS ${status}: ${METHOD} with Authorization is allowed${seconds ? `, for ${seconds} s` : ''}`);
}

export function judgeRefusal({ status, headers }: JudgedResponse, origin: string, allow: string): Finding {
  if (status !== 401) return wrong(`${METHOD} returns ${status} instead of 401`, 'deploy this version');
  const missing = grantMissing(headers, origin);
  if (missing === undefined) return ok(`${METHOD} 401, and the page may read why`);
  return wrong(`${METHOD} 401, ${missing}: the page sees a network error without a status`, allow);
}

export function judgeResponse({ status, headers }: JudgedResponse, origin: string, allow: string): Finding {
  const missing = grantMissing(headers, origin);
  if (status !== 200) return wrong(`${METHOD} returns ${status} with the token`, 'npm run ledger -- logs read-api');
  if (missing !== undefined)
    return wrong(`${METHOD} 200, ${missing}: the browser hides the response from the page`, allow);
  if (!listOf(headers, 'vary').includes('origin')) {
    return wrong(
      `${METHOD} 200, but without Vary: Origin a cache may serve one origin's response to another`,
      'deploy',
    );
  }
  return ok(`${METHOD} 200, and the page may read it`);
}

function judgeCredentials({ headers }: JudgedResponse): Finding {
  if (headers.get('access-control-allow-credentials') === 'true') return ok('cookies may be sent along');
  return skipped("fetch(…, {credentials: 'include'}) is refused by the browser; the token goes into Authorization");
}

export function judgeWebhookRoute({ status, headers }: JudgedResponse): Finding {
  const granted = headers.get('access-control-allow-origin');
  if (granted === null) return ok(`OPTIONS ${status} without Access-Control headers: no page can post there`);
  return wrong(`the webhook route allows ${granted}, but browsers must not use it`, 'remove CORS from the webhook API');
}

/** Returns undefined where the response is for this origin. */
function grantMissing(headers: Headers, origin: string): string | undefined {
  const granted = headers.get('access-control-allow-origin');
  if (granted === null) return `but without Access-Control-Allow-Origin: ${origin} is not an allowed origin`;
  return granted === origin || granted === '*' ? undefined : `but Access-Control-Allow-Origin is ${granted}`;
}

const listOf = (headers: Headers, name: string) =>
  (headers.get(name) ?? '').split(',').map((part) => part.trim().toLowerCase());
