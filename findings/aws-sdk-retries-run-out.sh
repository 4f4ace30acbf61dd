#!/usr/bin/env bash
# Expected: with `maxAttempts: 3`, each call that meets a 500 is tried three times.
# Seen: the calls of a client share an allowance for retries. After 18 failed calls each further one is tried once. Time
# does not refill the allowance, and it takes about fourteen successes to earn one retry.
# Matters: a function keeps its client for as long as its process lives. After one outage it repeats next to nothing
# for hundreds of calls, so its callers (a queue, Mailgun) must repeat, and a test of one failing call cannot show it.
# Version: @aws-sdk/client-dynamodb 3.1162.0.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund @aws-sdk/client-dynamodb@3.1162.0
cat >find.mjs <<'JS'
import { createServer } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { DynamoDBClient, GetItemCommand } from '@aws-sdk/client-dynamodb';

let requests = 0;
let isDown = true;
const server = createServer((request, response) => {
  requests += 1;
  const headers = { 'content-type': 'application/x-amz-json-1.0' };
  const reply = isDown ? [500, '{"__type":"InternalServerError"}'] : [200, '{}'];
  request.resume().on('end', () => response.writeHead(reply[0], headers).end(reply[1]));
});
await new Promise((listening) => server.listen(0, '127.0.0.1', listening));
const client = new DynamoDBClient({
  region: 'us-east-1',
  endpoint: `http://127.0.0.1:${server.address().port}`,
  credentials: { accessKeyId: 'key', secretAccessKey: 'secret' },
  maxAttempts: 3,
});

async function attempts(calls) {
  const counts = [];
  for (let nth = 0; nth < calls; nth += 1) {
    const before = requests;
    await client.send(new GetItemCommand({ TableName: 'events', Key: { id: { S: 'a' } } })).catch(() => {});
    counts.push(requests - before);
  }
  return counts.join(' ');
}

const seen = { 'service down': await attempts(20) };
await sleep(3000);
seen['still down 3 s later'] = await attempts(3);
isDown = false;
await attempts(20);
isDown = true;
seen['down again after 20 successes'] = await attempts(5);
server.closeAllConnections();
server.close();
for (const [when, counts] of Object.entries(seen)) console.log(`attempts of each call, ${when}: ${counts}`);
const isAsBefore =
  seen['service down'].startsWith('3 3 3') &&
  seen['service down'].endsWith(' 1 1') &&
  seen['still down 3 s later'] === '1 1 1' &&
  seen['down again after 20 successes'].endsWith(' 1 1 1');
if (!isAsBefore) {
  console.log('The client shares out its retries otherwise than before.');
  process.exitCode = 1;
}
JS
echo '@aws-sdk/client-dynamodb 3.1162.0'
NODE_NO_WARNINGS=1 node find.mjs
