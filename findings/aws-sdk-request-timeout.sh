#!/usr/bin/env bash
# Expected: a client with `requestTimeout: 300` gives up on a service that does not answer within 300 ms.
# Seen: it logs a warning and waits on; only `throwOnRequestTimeout: true` makes it give up.
# Matters: a function counts on the timeout to answer, or to retry, before its own time is over. One hung call then takes
# the whole invocation, and Mailgun never repeats the webhook of a `delivered` that got no answer.
# Version: @aws-sdk/client-dynamodb 3.1162.0.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund @aws-sdk/client-dynamodb@3.1162.0
cat >find.mjs <<'JS'
import { createServer } from 'node:http';
import { DynamoDBClient, GetItemCommand } from '@aws-sdk/client-dynamodb';

const server = createServer((request, response) => {
  request.resume();
  const headers = { 'content-type': 'application/x-amz-json-1.0' };
  setTimeout(() => response.writeHead(200, headers).end('{"Item":{"id":{"S":"late"}}}'), 1500);
});
await new Promise((listening) => server.listen(0, '127.0.0.1', listening));

async function read(requestHandler) {
  const client = new DynamoDBClient({
    region: 'us-east-1',
    endpoint: `http://127.0.0.1:${server.address().port}`,
    credentials: { accessKeyId: 'key', secretAccessKey: 'secret' },
    maxAttempts: 1,
    requestHandler,
  });
  const get = new GetItemCommand({ TableName: 'events', Key: { id: { S: 'late' } } });
  return client.send(get).then(
    ({ Item }) => `returns ${Item.id.S}`,
    ({ name }) => `throws ${name}`,
  );
}

const seen = {
  'requestTimeout: 300': await read({ requestTimeout: 300 }),
  'requestTimeout: 300, throwOnRequestTimeout: true': await read({ requestTimeout: 300, throwOnRequestTimeout: true }),
};
server.closeAllConnections();
server.close();
for (const [options, what] of Object.entries(seen)) console.log(`a reply after 1500 ms, ${options}: ${what}`);
if (Object.values(seen).join() !== 'returns late,throws TimeoutError') {
  console.log('The client treats requestTimeout otherwise than before.');
  process.exitCode = 1;
}
JS
echo '@aws-sdk/client-dynamodb 3.1162.0'
NODE_NO_WARNINGS=1 node find.mjs
