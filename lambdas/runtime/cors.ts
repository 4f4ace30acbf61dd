import type { MiddlewareObj, Request } from '@middy/core';
import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2 } from 'aws-lambda';
import { header } from './http.ts';

const PREFLIGHT_HEADERS = {
  'access-control-allow-methods': 'GET, POST, OPTIONS',
  'access-control-allow-headers': 'Authorization, Content-Type, If-None-Match',
  'access-control-max-age': '600',
};

interface CorsRules {
  /** Exact origins that a browser may read from. */
  allowedOrigins: readonly string[];
  /** Allows pages to send cookies or client certificates, which this API itself does not use. */
  credentials: boolean;
}

/**
 * Returns a middleware that handles CORS for exact origins, on errors too. It is in the function because the gateway's own
 * CORS cannot vary by origin and handles preflights before the function. @middy/http-cors 7 omits `Vary` for an origin
 * that is not allowed, sends `Allow-Credentials` to it, and compares origins regardless of case.
 */
export function cors({
  allowedOrigins,
  credentials,
}: CorsRules): MiddlewareObj<APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2> {
  const headersFor = (event: APIGatewayProxyEventV2): Record<string, string> => {
    const origin = header(event, 'origin');
    const granted = origin !== undefined && allowedOrigins.includes(origin);
    return {
      vary: 'Origin',
      'cache-control': 'private, no-cache',
      ...(granted && {
        'access-control-allow-origin': origin,
        ...(credentials && { 'access-control-allow-credentials': 'true' }),
        'access-control-expose-headers': 'ETag, Link, Retry-After',
      }),
    };
  };
  const addHeaders = (request: Request<APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2>) => {
    if (request.response) request.response.headers = { ...headersFor(request.event), ...request.response.headers };
  };
  return {
    before: ({ event }) => {
      if (event.requestContext.http.method !== 'OPTIONS') return undefined;
      return { statusCode: 204, headers: { ...headersFor(event), ...PREFLIGHT_HEADERS } };
    },
    after: addHeaders,
    onError: addHeaders,
  };
}
