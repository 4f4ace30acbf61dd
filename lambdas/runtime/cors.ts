import type { MiddlewareObj, Request } from '@middy/core';
import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2 } from 'aws-lambda';
import { header } from './http.ts';

const PREFLIGHT_HEADERS = {
  'access-control-allow-methods': 'GET, POST, OPTIONS',
  'access-control-allow-headers': 'Authorization, Content-Type, If-None-Match',
  'access-control-max-age': '600',
};

export interface CorsRules {
  /** Exact origins that a browser may read from. */
  allowedOrigins: readonly string[];
  /** Whether pages may read with cookies or client certificates, which this API has no use for itself. */
  credentials: boolean;
}

/**
 * CORS for exact origins, on errors too. It lives in the function because the gateway's own cannot vary by
 * origin, and would answer preflights before the function sees them. @middy/http-cors 7 leaves `Vary` out for an origin
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
