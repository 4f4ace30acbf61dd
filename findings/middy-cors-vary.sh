#!/usr/bin/env bash
# Expected: with a list of allowed origins every response varies by origin, and so says `Vary: Origin`.
# Seen: @middy/http-cors says it only to an origin that is allowed. The response to another origin, or to none, differs
# by its missing header and does not say so.
# Matters: a shared cache (CloudFront, a proxy) that first sees a request without an origin, such as a health check or
# curl, keeps that response for everyone, and hands it to the allowed page, whose browser refuses it.
# Version: @middy/core and @middy/http-cors 7.9.2.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund @middy/core@7.9.2 @middy/http-cors@7.9.2
cat >find.mjs <<'JS'
import middy from '@middy/core';
import cors from '@middy/http-cors';

const handler = middy(async () => ({ statusCode: 200, body: '{}' })).use(cors({ origins: ['https://app.example'] }));
const varyOf = async (headers) => {
  const event = { version: '2.0', requestContext: { http: { method: 'GET' } }, headers };
  const response = await handler(event, { getRemainingTimeInMillis: () => 1000 });
  return response.headers?.Vary ?? 'none';
};

const seen = {
  'an allowed origin': await varyOf({ origin: 'https://app.example' }),
  'another origin': await varyOf({ origin: 'https://other.example' }),
  'no origin': await varyOf({}),
};
console.log('@middy/http-cors 7.9.2');
for (const [who, vary] of Object.entries(seen)) console.log(`Vary to ${who}: ${vary}`);
if (Object.values(seen).join() !== 'Origin,none,none') {
  console.log('The middleware sets Vary otherwise than before.');
  process.exitCode = 1;
}
JS
node find.mjs
