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
    description: 'The client holds this response already.',
    headers: { ETag: ref('headers', 'ETag') },
  },
  BadParameter: {
    description:
      'A parameter is missing, wrong, unknown, or given twice; `message` says what is valid. A cursor of another query, ' +
      'or a changed one, is wrong too.',
    content: json('BadParameter', 'limit', {
      ok: false,
      reason: 'bad-parameter',
      parameter: 'limit',
      message: 'limit must be a whole number from 1 to 1000',
    }),
  },
  Unauthorized: refusal('No token, or a wrong one.', 'unauthorized', 'unauthorized'),
  UnknownMessage: refusal(
    'Nothing is stored of this message. Paths of no route are a 404 too, with reason `unknown-route`.',
    'unknown',
    'unknown-message',
  ),
  MethodNotAllowed: refusal(
    'Another method than the one described here. `Allow` names the right one.',
    'method',
    'method-not-allowed',
  ),
  TooManyRequests: {
    description: 'From the gateway, without CORS, where `throttle.read` of the configuration is passed.',
    content: json('GatewayMessage', 'throttled', { message: 'Too Many Requests' }),
  },
  Unavailable: {
    ...refusal(
      'The table, or what verifies the token, does not respond. The same request may succeed later.',
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
