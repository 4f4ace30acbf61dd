import { randomUUID } from 'node:crypto';
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { FunctionProcess } from '../functions/function-process.ts';
import { readBody } from '../run/listener.ts';
import { formatAccessLog } from './access-log.ts';
import type { HttpApiDefinition, Integration } from './definition.ts';
import { type GatewayResponse, gatewayResponse, responseFromFunction } from './function-response.ts';
import { requestEvent } from './request-event.ts';
import { matchRoute, type RouteMatch } from './routes.ts';
import { TokenBucket } from './token-bucket.ts';

/** Maximum body of the gateway, and maximum event of Lambda. */
const MAX_BODY_BYTES = 10 * 1024 * 1024;
const MAX_EVENT_BYTES = 6 * 1024 * 1024;

interface GatewayOptions {
  readonly api: HttpApiDefinition;
  readonly accountId: string;
  functionById(logicalId: string): Pick<FunctionProcess, 'invoke'>;
  log(line: string): void;
  /** Called after each response. */
  onResponse(status: number, latencyMs: number): void;
}

/** Responds like an API Gateway HTTP API whose routes lead to functions. */
export function createGateway(options: GatewayOptions): RequestListener {
  const { api, log, onResponse } = options;
  const bucket = new TokenBucket(api.throttle.ratePerSecond, api.throttle.burst);
  return async (incoming, outgoing) => {
    const requestId = randomUUID();
    const receivedMs = Date.now();
    const handled = await handle(options, bucket, incoming, requestId, receivedMs).catch(
      (error): Handled => ({ response: INTERNAL_SERVER_ERROR, integrationError: String(error) }),
    );
    const { response, match, ...integration } = handled;
    send(outgoing, response, requestId);
    onResponse(response.status, Date.now() - receivedMs);
    if (!api.accessLogFormat) return;
    const line = formatAccessLog(api.accessLogFormat, {
      incoming,
      apiId: api.id,
      requestId,
      receivedMs,
      routeKey: match?.route.key,
      status: response.status,
      responseLength: response.body.length,
      integrationLatencyMs: integration.integrationLatencyMs,
      integrationError: integration.integrationError,
    });
    log(line);
  };
}

interface Handled {
  readonly response: GatewayResponse;
  readonly match?: RouteMatch<Integration> | undefined;
  readonly integrationLatencyMs?: number;
  readonly integrationError?: string | undefined;
}

const NO_BODY = new Set([204, 304]);
const INTERNAL_SERVER_ERROR = gatewayResponse(500, 'Internal Server Error');

async function handle(
  options: GatewayOptions,
  bucket: TokenBucket,
  incoming: IncomingMessage,
  requestId: string,
  receivedMs: number,
): Promise<Handled> {
  const { api } = options;
  const { bytes, tooLarge } = await readBody(incoming, MAX_BODY_BYTES);
  const [rawPath = '', rawQuery = ''] = splitOnce(incoming.url ?? '/', '?');
  const path = decodePath(rawPath);
  if (path === undefined) return { response: gatewayResponse(400, 'Bad Request') };

  const match = matchRoute(api.routes, incoming.method ?? '', path);
  if (!match) return { response: gatewayResponse(404, 'Not Found') };
  if (!bucket.take()) return { match, response: gatewayResponse(429, 'Too Many Requests') };
  const event = JSON.stringify(
    requestEvent({
      incoming,
      path,
      rawQuery,
      body: bytes,
      routeKey: match.route.key,
      pathParameters: match.pathParameters,
      apiId: api.id,
      accountId: options.accountId,
      stage: '$default',
      requestId,
      receivedMs,
    }),
  );
  if (tooLarge || Buffer.byteLength(event) > MAX_EVENT_BYTES) {
    return { match, response: gatewayResponse(413, 'Request Entity Too Large') };
  }
  return { match, ...(await integrate(options, match.route.target, event)) };
}

async function integrate(
  options: GatewayOptions,
  { functionId, timeoutMs }: Integration,
  event: string,
): Promise<Handled> {
  const startedMs = Date.now();
  const giveUp = new AbortController();
  const outcome = await Promise.race([
    options.functionById(functionId).invoke(event),
    sleep(timeoutMs, undefined, { signal: giveUp.signal }).catch(() => undefined),
  ]);
  giveUp.abort();
  const failed = (response: GatewayResponse, integrationError: string): Handled => ({ response, integrationError });
  const handled = (() => {
    if (!outcome) return failed(gatewayResponse(503, 'Service Unavailable'), 'Endpoint request timed out');
    if (!outcome.ok) return failed(INTERNAL_SERVER_ERROR, 'The function failed; see its log');
    const response = responseFromFunction(outcome.payload);
    return response ? { response } : failed(INTERNAL_SERVER_ERROR, 'The function returned no valid response');
  })();
  return { ...handled, integrationLatencyMs: Date.now() - startedMs };
}

function send(outgoing: ServerResponse, { status, headers, body }: GatewayResponse, requestId: string): void {
  const length = NO_BODY.has(status) ? {} : { 'content-length': body.length };
  outgoing.writeHead(status, { ...headers, ...length, 'apigw-requestid': requestId }).end(body);
}

function splitOnce(text: string, separator: string): [string, string] {
  const at = text.indexOf(separator);
  return at === -1 ? [text, ''] : [text.slice(0, at), text.slice(at + separator.length)];
}

function decodePath(path: string): string | undefined {
  try {
    // HTTP APIs are reported to cut the decoded path at a question mark.
    return decodeURIComponent(path).split('?')[0];
  } catch {
    return undefined;
  }
}
