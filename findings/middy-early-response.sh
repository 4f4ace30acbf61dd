#!/usr/bin/env bash
# Expected: middleware wraps what is inside it, as in Koa or Express: where an inner one responds by itself, the outer
# ones still see that response on its way out.
# Seen: a response that a `before` returns ends the request at once. No `after` runs, not even of middleware whose
# `before` ran earlier, so @middy/http-cors, though outermost, adds no header to it.
# Matters: a cache hit (304) or a refusal from a `before` reaches the browser without CORS headers, so that the page
# sees a network error in place of the response; metrics and logs written in `after` miss these requests too. A thrown
# error, in contrast, does get the headers. Respond from the handler, or throw.
# Version: @middy/core and @middy/http-cors 7.9.2.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund @middy/core@7.9.2 @middy/http-cors@7.9.2
cat >find.mjs <<'JS'
import middy from '@middy/core';
import cors from '@middy/http-cors';

const page = 'https://app.example';
const event = { version: '2.0', requestContext: { http: { method: 'GET' } }, headers: { origin: page } };
const context = { getRemainingTimeInMillis: () => 1000 };
const handler = async () => ({ statusCode: 200, body: '{}' });
const wrap = (inner) => middy(handler).use(cors({ origins: [page] })).use(inner);
const refuse = Object.assign(new Error('refused'), { statusCode: 403, expose: true });
const originOf = async (inner) => {
  const { statusCode, headers } = await wrap(inner)(event, context);
  return `${statusCode}, ${headers?.['Access-Control-Allow-Origin'] ?? 'no CORS header'}`;
};

const seen = {
  'the handler responds': await originOf({ before: () => {} }),
  'an inner before responds': await originOf({ before: () => ({ statusCode: 304 }) }),
  'an inner before throws': await originOf({
    before: () => {
      throw refuse;
    },
    onError: (request) => {
      request.response ??= { statusCode: request.error.statusCode };
    },
  }),
};
console.log('@middy/core 7.9.2');
for (const [when, what] of Object.entries(seen)) console.log(`${when}: ${what}`);
const expected = [`200, ${page}`, '304, no CORS header', `403, ${page}`];
if (Object.values(seen).join() !== expected.join()) {
  console.log('middy treats an early response otherwise than before.');
  process.exitCode = 1;
}
JS
node find.mjs
