const ref = (kind: string, name: string) => ({ $ref: `#/components/${kind}/${name}` });

const json = (schema: string, name: string, value: object) => ({
  'application/json': { schema: ref('schemas', schema), examples: { [name]: { value } } },
});

const refusal = (description: string, name: string, reason: string) => ({
  description,
  content: json('Refusal', name, { ok: false, reason }),
});

/** Responses that operations share, by status. */
export const SHARED_RESPONSES = {
  304: 'NotModified',
  400: 'BadParameter',
  401: 'Unauthorized',
  404: 'UnknownMessage',
  405: 'MethodNotAllowed',
  429: 'TooManyRequests',
  503: 'Unavailable',
} as const;

export const sharedResponses = {
  NotModified: {
    description: 'The client already has this response.',
    headers: { ETag: ref('headers', 'ETag') },
  },
  BadParameter: {
    description:
      'A parameter is missing, invalid, unknown, or given twice; `message` explains what is valid. A cursor of another ' +
      'query, or an altered one, is invalid too.',
    content: json('BadParameter', 'limit', {
      ok: false,
      reason: 'bad-parameter',
      parameter: 'limit',
      message: 'limit must be a whole number from 1 to 1000',
    }),
  },
  Unauthorized: refusal('The token is missing or wrong.', 'unauthorized', 'unauthorized'),
  UnknownMessage: refusal(
    'No event of this message is stored. Unknown paths return 404 too, with reason `unknown-route`.',
    'unknown',
    'unknown-message',
  ),
  MethodNotAllowed: refusal('The route has another method, which `Allow` names.', 'method', 'method-not-allowed'),
  TooManyRequests: {
    description: 'Returned by the gateway, without CORS headers, above the configured `throttle.read`.',
    content: json('GatewayMessage', 'throttled', { message: 'Too Many Requests' }),
  },
  Unavailable: {
    ...refusal(
      'The table, or the verification of the token, does not respond. Retry later.',
      'unavailable',
      'unavailable',
    ),
    headers: { 'Retry-After': ref('headers', 'Retry-After') },
  },
};

export const sharedHeaders = {
  ETag: { description: 'Of the whole response; send it back as `If-None-Match`.', schema: { type: 'string' } },
  Link: { description: '`<path>; rel="next"`; absent on the last page.', schema: { type: 'string' } },
  'Retry-After': { description: 'Seconds.', schema: { type: 'integer' } },
};
