import { createHash } from 'node:crypto';
import middy from '@middy/core';
import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2 } from 'aws-lambda';
import { createQueueDepth, openQueues } from '../adapters/aws/event-queue.ts';
import { createCachedSecret, openSecrets } from '../adapters/aws/secrets.ts';
import type { JwtRules } from '../adapters/jwt-issuer.ts';
import { createDayEvents } from '../adapters/table/day-events.ts';
import { openTable } from '../adapters/table/ledger-table.ts';
import { createMessageHistory } from '../adapters/table/message-history.ts';
import { createRecipientHistory } from '../adapters/table/recipient-history.ts';
import { createLedgerBookTable } from '../adapters/table/reconciliation-state.ts';
import { createSlicesTable } from '../adapters/table/slice-repository.ts';
import { createSuppressionRepository } from '../adapters/table/suppression-repository.ts';
import { ROUTES } from '../contract.ts';
import type { BearerCheck } from '../domain/read-ports.ts';
import { cors } from '../runtime/cors.ts';
import { bodyBytes, header, jsonAnswer } from '../runtime/http.ts';
import { createLog, errorFacts } from '../runtime/log.ts';
import { readReadApiEnv } from './env.ts';
import { createEvents } from './events.ts';
import { createHealth } from './health.ts';
import { createLedger, createStats } from './ledger.ts';
import { createMessages } from './messages.ts';
import { createRecipientSearch } from './recipient-search.ts';
import { createRecipients } from './recipients.ts';
import { type Answer, createRoutes, type Route } from './routes.ts';
import { createSuppressions } from './suppressions.ts';
import { createTokenCheck } from './token.ts';

// Trigger: any request below /mailgun on the read API. Promise: only a bearer of the token reads anything.
// A failure answers 503 and is logged; nothing is written.

/** Time kept back from the function's timeout: the gateway's own answer would carry no CORS header. */
const TIMEOUT_EARLY_MS = 500;
/** When to ask again after a 503. */
const RETRY_AFTER_SECONDS = '2';
/** Lambda takes 6 MB, in which every quotation mark of this answer counts twice. */
const MOST_BYTES = 4_500_000;

// Runs once per cold start.
const env = readReadApiEnv(process.env);
const log = createLog(env.ledgerName);
const isAuthorized = 'jwt' in env.auth ? jwtCheck(env.auth.jwt) : tokenCheck(env.auth.tokenSecretArn);
const table = openTable(env.tableName);
const recipients = createRecipientHistory(table);
const ledgerDeps = {
  slices: createSlicesTable(table),
  book: createLedgerBookTable(table),
  sliceSeconds: env.sliceSeconds,
  settleSeconds: env.settleSeconds,
  now: Date.now,
};
const queues = openQueues();
const routes = createRoutes({
  messages: createMessages(createMessageHistory(table)),
  recipients: createRecipients(recipients),
  events: createEvents(createDayEvents(table)),
  recipientSearch: createRecipientSearch(recipients),
  suppressions: createSuppressions(createSuppressionRepository(table)),
  ledger: createLedger(ledgerDeps),
  stats: createStats(ledgerDeps),
  health: createHealth({
    ledgerName: env.ledgerName,
    domains: env.domains,
    queue: createQueueDepth(queues, env.queueUrl),
    deadLetters: createQueueDepth(queues, env.deadLettersUrl),
  }),
  domains: env.domains,
  now: Date.now,
});

// Called by AWS.
export const handler = middy<APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2>({
  timeoutEarlyInMillis: TIMEOUT_EARLY_MS,
})
  .use(cors(env))
  .use({
    // Sets the response instead of returning it, which would keep the CORS headers from being added.
    onError: (request) => {
      log.write('read failed', { requestId: request.event.requestContext.requestId, ...errorFacts(request.error) });
      request.response = refusal(503, 'unavailable', {}, { 'retry-after': RETRY_AFTER_SECONDS });
    },
  })
  .handler(async (event) => {
    const bearer = bearerOf(header(event, 'authorization'));
    if (bearer === undefined || !(await isAuthorized(bearer))) {
      return refusal(401, 'unauthorized', {}, { 'www-authenticate': 'Bearer' });
    }
    const found = findRoute(event.rawPath);
    if (found === undefined) return refusal(404, 'unknown-route');
    const { route, named } = found;
    if (event.requestContext.http.method !== route.method) {
      return refusal(405, 'method-not-allowed', {}, { allow: `${route.method}, OPTIONS` });
    }
    const query = new URLSearchParams(event.rawQueryString);
    const answer = await route.read({ named, query, body: bodyBytes(event) });
    return httpAnswer(answer, route.method === 'GET' ? header(event, 'if-none-match') : undefined);
  });

function tokenCheck(secretArn: string): BearerCheck {
  return createTokenCheck(createCachedSecret(openSecrets(), secretArn, Date.now));
}

/** The library for JWTs is loaded by the first request that needs it, and by no other stack. */
function jwtCheck(rules: JwtRules): BearerCheck {
  let loaded: Promise<BearerCheck> | undefined;
  return async (bearer) => {
    loaded ??= import('../adapters/jwt-issuer.ts').then(({ createJwtCheck }) => createJwtCheck(rules));
    return (await loaded)(bearer);
  };
}

function bearerOf(authorization: string | undefined): string | undefined {
  return /^Bearer +(\S+)$/i.exec(authorization ?? '')?.[1];
}

/** The gateway decodes the path once, so what stands behind the route's name may hold slashes here. */
function findRoute(rawPath: string): { route: Route; named: string } | undefined {
  for (const route of routes) {
    const path = ROUTES.read + route.path.replace(/\/\{.*\}$/, '');
    if (rawPath === path) return { route, named: '' };
    if (route.path.endsWith('}') && rawPath.startsWith(`${path}/`)) {
      return { route, named: rawPath.slice(path.length + 1) };
    }
  }
  return undefined;
}

function httpAnswer(answer: Answer, ifNoneMatch: string | undefined): APIGatewayProxyStructuredResultV2 {
  if (!answer.ok) {
    const { status, reason, ...more } = answer;
    return refusal(status, reason, { ...('parameter' in more && { parameter: more.parameter }) });
  }
  const body = JSON.stringify(answer.body);
  // Only statistics of many tags come to this; a shorter stretch of time helps.
  if (Buffer.byteLength(body) > MOST_BYTES) return refusal(400, 'bad-parameter', { parameter: 'from' });
  const headers = {
    etag: `"${createHash('sha256').update(body).digest('base64url').slice(0, 27)}"`,
    ...(answer.nextPath !== undefined && { link: `<${ROUTES.read}${answer.nextPath}>; rel="next"` }),
  };
  if (matches(ifNoneMatch, headers.etag)) return { statusCode: 304, headers };
  return { statusCode: 200, headers: { 'content-type': 'application/json', ...headers }, body };
}

/** Whether an If-None-Match header names the tag; compression on the way may have made it weak. */
function matches(ifNoneMatch: string | undefined, etag: string): boolean {
  const tags = (ifNoneMatch ?? '').split(',').map((tag) => tag.trim().replace(/^W\//, ''));
  return tags.includes(etag) || tags.includes('*');
}

function refusal(statusCode: number, reason: string, more = {}, headers: Record<string, string> = {}) {
  return jsonAnswer(statusCode, { ok: false, reason, ...more }, headers);
}
