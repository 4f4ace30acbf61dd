import middy from '@middy/core';
import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2 } from 'aws-lambda';
import { createCachedSecret, openSecrets } from '../adapters/cached-secret.ts';
import { createHistoryTable } from '../adapters/history-table.ts';
import { createLedgerBookTable } from '../adapters/ledger-book-table.ts';
import { createSlicesTable } from '../adapters/slices-table.ts';
import { openTable } from '../adapters/table-client.ts';
import { ROUTES } from '../contract.ts';
import { bareMessageId } from '../domain/event.ts';
import { cors } from '../runtime/cors.ts';
import { header, jsonAnswer } from '../runtime/http.ts';
import { createLog, errorFacts } from '../runtime/log.ts';
import { readReadApiEnv } from './env.ts';
import { createLedger, createStats } from './ledger.ts';
import { createMessages } from './messages.ts';
import { readLedgerQuery } from './parameters.ts';
import { isAuthorized } from './token.ts';

// Trigger: any request below /mailgun on the read API. Promise: only a bearer of the token reads anything.
// A failure answers 503 and is logged; nothing is written.

const MESSAGES_PATH = `${ROUTES.read}/messages`;

// Runs once per cold start.
const env = readReadApiEnv(process.env);
const log = createLog(env.ledgerName);
const token = createCachedSecret(openSecrets(), env.apiTokenSecretArn, Date.now);
const table = openTable(env.tableName);
const messages = createMessages(createHistoryTable(table));
const ledgerDeps = {
  slices: createSlicesTable(table),
  book: createLedgerBookTable(table),
  sliceSeconds: env.sliceSeconds,
  settleSeconds: env.settleSeconds,
  now: Date.now,
};
const ledger = createLedger(ledgerDeps);
const stats = createStats(ledgerDeps);

// Called by AWS.
export const handler = middy<APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2>()
  .use(cors(env.allowedOrigins))
  .use({
    // Sets the response instead of returning it, which would keep the CORS headers from being added.
    onError: (request) => {
      log.write('read failed', { requestId: request.event.requestContext.requestId, ...errorFacts(request.error) });
      request.response = refusal(503, 'unavailable');
    },
  })
  .handler(async (event) => {
    if (!(await isAuthorized(header(event, 'authorization'), token))) {
      return refusal(401, 'unauthorized', {}, { 'www-authenticate': 'Bearer' });
    }
    const read = routeOf(event.rawPath);
    if (read === undefined) return refusal(404, 'unknown-route');
    if (event.requestContext.http.method !== 'GET') return refusal(405, 'method-not-allowed', {}, { allow: 'GET' });
    return read(event);
  });

type Read = (event: APIGatewayProxyEventV2) => Promise<APIGatewayProxyStructuredResultV2>;

function routeOf(path: string): Read | undefined {
  if (path === MESSAGES_PATH || path.startsWith(`${MESSAGES_PATH}/`)) {
    return (event) => readMessage(bareMessageId(messageIdFrom(event)));
  }
  if (path === `${ROUTES.read}/ledger`) return (event) => readLedger(event, ledger);
  if (path === `${ROUTES.read}/stats`) return (event) => readLedger(event, stats);
  return undefined;
}

/** The gateway decodes the path once, so an id may hold slashes here; ids that no path can carry come as `?id=`. */
function messageIdFrom({ rawPath, rawQueryString }: APIGatewayProxyEventV2): string {
  return rawPath.slice(MESSAGES_PATH.length + 1) || (new URLSearchParams(rawQueryString).get('id') ?? '');
}

async function readMessage(messageId: string): Promise<APIGatewayProxyStructuredResultV2> {
  if (messageId === '') return refusal(400, 'bad-parameter', { parameter: 'id' });
  const message = await messages(messageId);
  return message === undefined ? refusal(404, 'unknown-message') : jsonAnswer(200, message);
}

async function readLedger(event: APIGatewayProxyEventV2, answer: typeof ledger | typeof stats) {
  const parameters = new URLSearchParams(event.rawQueryString);
  const parsed = readLedgerQuery(parameters, env.domains, Date.now());
  if (!parsed.ok) return refusal(400, 'bad-parameter', { parameter: parsed.parameter });
  return jsonAnswer(200, await answer({ ...parsed.query, tag: parameters.get('tag') ?? undefined }));
}

function refusal(statusCode: number, reason: string, more = {}, headers: Record<string, string> = {}) {
  return jsonAnswer(statusCode, { ok: false, reason, ...more }, headers);
}
