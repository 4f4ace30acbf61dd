import { responseFromFunction } from '../../../../../tools/local-stack/http-api/function-response.ts';

const response = (returned: unknown) => {
  const { status, headers, body } = responseFromFunction(JSON.stringify(returned)) ?? {};
  return { status, headers, body: body?.toString('utf8') };
};

test('a function response has status, headers in lower case, cookies and body', () => {
  expect(
    response({
      statusCode: 201,
      headers: { 'X-One': 1, 'Content-Type': 'text/html' },
      cookies: ['a=1', 'b=2'],
      body: 'hi',
    }),
  ).toEqual({
    status: 201,
    headers: { 'x-one': '1', 'content-type': 'text/html', 'set-cookie': ['a=1', 'b=2'] },
    body: 'hi',
  });
});

test('a body in base64 is decoded', () => {
  expect(response({ statusCode: 200, body: 'aGk=', isBase64Encoded: true }).body).toBe('hi');
});

test('a response body without a type is plain text, and no body has no type', () => {
  expect(response({ statusCode: 200, body: 'hi' }).headers).toEqual({ 'content-type': 'text/plain; charset=utf-8' });
  expect(response({ statusCode: 204 }).headers).toEqual({});
});

test.each([
  { returned: { ok: true }, body: '{"ok":true}' },
  { returned: 'hi', body: 'hi' },
  { returned: null, body: 'null' },
  { returned: [1], body: '[1]' },
])('$returned without a status is sent as JSON', ({ returned, body }) => {
  expect(response(returned)).toEqual({ status: 200, headers: { 'content-type': 'application/json' }, body });
});

test.each([
  { statusCode: 'teapot' },
  { statusCode: 99 },
  { statusCode: 200.5 },
  { statusCode: 200, body: { not: 'text' } },
  { statusCode: 200, headers: 'none' },
  { statusCode: 200, headers: { 'x-split': 'a\r\nb: c' } },
  { statusCode: 200, cookies: 'a=1' },
])('%j is refused as a function response', (returned) => {
  expect(responseFromFunction(JSON.stringify(returned))).toBeUndefined();
});
