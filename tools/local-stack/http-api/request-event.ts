import { isUtf8 } from 'node:buffer';
import type { IncomingMessage } from 'node:http';

interface RequestParts {
  readonly incoming: IncomingMessage;
  /** Decoded. */
  readonly path: string;
  readonly rawQuery: string;
  readonly body: Buffer;
  readonly routeKey: string;
  readonly pathParameters: Readonly<Record<string, string>>;
  readonly apiId: string;
  readonly accountId: string;
  readonly stage: string;
  readonly requestId: string;
  readonly receivedMs: number;
}

/** Returns an HTTP API's event for a function, payload format 2.0. */
export function requestEvent(parts: RequestParts) {
  const { incoming, path, rawQuery, body, routeKey, receivedMs } = parts;
  const headers = joinedHeaders(incoming.rawHeaders);
  const { cookie, ...others } = headers;
  const query = joinedQuery(rawQuery);
  const host = headers.host ?? '';
  return {
    version: '2.0',
    routeKey,
    rawPath: path,
    rawQueryString: rawQuery,
    ...(cookie !== undefined && { cookies: cookie.split('; ') }),
    headers: {
      ...others,
      'x-forwarded-for': SOURCE_IP,
      'x-forwarded-port': host.split(':')[1] ?? '80',
      'x-forwarded-proto': 'http',
    },
    ...(Object.keys(query).length > 0 && { queryStringParameters: query }),
    ...(Object.keys(parts.pathParameters).length > 0 && { pathParameters: parts.pathParameters }),
    requestContext: {
      accountId: parts.accountId,
      apiId: parts.apiId,
      domainName: host,
      domainPrefix: parts.apiId,
      http: {
        method: incoming.method ?? '',
        path,
        protocol: `HTTP/${incoming.httpVersion}`,
        sourceIp: SOURCE_IP,
        userAgent: headers['user-agent'] ?? '',
      },
      requestId: parts.requestId,
      routeKey,
      stage: parts.stage,
      time: clfTime(receivedMs),
      timeEpoch: receivedMs,
    },
    ...bodyFields(body, headers['content-type']),
  };
}

const SOURCE_IP = '127.0.0.1';

/** Media types passed as text; all others, forms included, are base64 encoded. */
const TEXT = /^(text\/.*|application\/(json|xml|javascript))$/;

function bodyFields(body: Buffer, contentType: string | undefined) {
  if (body.length === 0) return { isBase64Encoded: false };
  const mediaType = (contentType ?? '').split(';')[0]?.trim().toLowerCase() ?? '';
  const isBase64Encoded = !TEXT.test(mediaType) || !isUtf8(body);
  return { body: body.toString(isBase64Encoded ? 'base64' : 'utf8'), isBase64Encoded };
}

/** Lower-case names; repeated headers are joined by a comma. */
function joinedHeaders(rawHeaders: readonly string[]): Record<string, string> {
  const headers: Record<string, string> = {};
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = (rawHeaders[index] ?? '').toLowerCase();
    const value = rawHeaders[index + 1] ?? '';
    const separator = name === 'cookie' ? '; ' : ',';
    headers[name] = name in headers ? headers[name] + separator + value : value;
  }
  return headers;
}

function joinedQuery(rawQuery: string): Record<string, string> {
  const query: Record<string, string> = {};
  for (const [name, value] of new URLSearchParams(rawQuery)) {
    query[name] = name in query ? `${query[name]},${value}` : value;
  }
  return query;
}

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** Formats a time as web servers log it: `22/Nov/2026:00:31:07 +0000`. */
export function clfTime(epochMs: number): string {
  const [date = '', time = ''] = new Date(epochMs).toISOString().split('T');
  const [year, month, day] = date.split('-');
  return `${day}/${MONTHS[Number(month) - 1]}/${year}:${time.slice(0, 8)} +0000`;
}
