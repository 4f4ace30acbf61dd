#!/usr/bin/env bash
# Expected: events without an idempotency key are processed each, as they are where `eventKeyJmesPath` names one field.
# Seen: where it names several (`[order, step]`), the events that have none of them share one key, the hash of
# `[null,null]`. The first is processed; until its key expires the others get its result, with a warning in the log.
# Matters: where webhooks are keyed by variables of the sender's own, those of mail that was sent without them are
# answered 200 and lost. `throwOnNoIdempotencyKey: true` makes them fail instead.
# Version: @aws-lambda-powertools/idempotency 2.35.0, against dynoxide 1.2.1.
set -euo pipefail
folder=$(mktemp -d)
engine=
trap '[ -z "$engine" ] || kill "$engine"; rm -rf "$folder"' EXIT
cd "$folder"
platform=$(node -p 'process.platform + "-" + process.arch')
npm install --silent --no-audit --no-fund @aws-lambda-powertools/idempotency@2.35.0 @aws-sdk/client-dynamodb@3.1162.0 @aws-sdk/lib-dynamodb@3.1162.0 "@dynoxide/$platform@1.2.1"
port=$(node -e 'const s = require("net").createServer().listen(0, "127.0.0.1", () => { console.log(s.address().port); s.close(); })')
"node_modules/@dynoxide/$platform/dynoxide" serve --host 127.0.0.1 --port "$port" >engine.log 2>&1 &
engine=$!
cat >find.mjs <<'JS'
import { IdempotencyConfig, makeIdempotent } from '@aws-lambda-powertools/idempotency';
import { DynamoDBPersistenceLayer } from '@aws-lambda-powertools/idempotency/dynamodb';
import { CreateTableCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb';

const client = new DynamoDBClient({
  region: 'us-east-1',
  endpoint: `http://127.0.0.1:${process.argv[2]}`,
  credentials: { accessKeyId: 'key', secretAccessKey: 'secret' },
  maxAttempts: 10,
});

const eventOf = (id, variables) => ({ 'event-data': { event: 'delivered', id, 'user-variables': variables } });
const events = [
  eventOf('a', { order: 'R-7', step: 'paid' }),
  eventOf('a', { order: 'R-7', step: 'paid' }),
  eventOf('b', {}),
  eventOf('c', {}),
  eventOf('d', {}),
];

async function processedBy(tableName, config) {
  await client.send(
    new CreateTableCommand({
      TableName: tableName,
      BillingMode: 'PAY_PER_REQUEST',
      AttributeDefinitions: [{ AttributeName: 'id', AttributeType: 'S' }],
      KeySchema: [{ AttributeName: 'id', KeyType: 'HASH' }],
    }),
  );
  const processed = [];
  const handle = makeIdempotent(
    async (event) => {
      processed.push(event['event-data'].id);
      return { statusCode: 200 };
    },
    {
      persistenceStore: new DynamoDBPersistenceLayer({ tableName, awsSdkV3Client: client }),
      config: new IdempotencyConfig(config),
    },
  );
  const results = [];
  for (const event of events) results.push(await handle(event).then((result) => result.statusCode, ({ name }) => name));
  return `processed ${processed.join(' ')}, results ${results.join(' ')}`;
}

console.warn = () => {};
const one = '"event-data"."user-variables".order';
const several = '"event-data"."user-variables".[order, step]';
const seen = {
  [one]: await processedBy('one', { eventKeyJmesPath: one }),
  [several]: await processedBy('several', { eventKeyJmesPath: several }),
  [`${several}, throwing`]: await processedBy('throwing', { eventKeyJmesPath: several, throwOnNoIdempotencyKey: true }),
};
console.log('events: a, a again, then b, c and d without variables');
for (const [key, what] of Object.entries(seen)) console.log(`${key}: ${what}`);
const failed = 'IdempotencyPersistenceLayerError';
const expected = [
  'processed a b c d, results 200 200 200 200 200',
  'processed a b, results 200 200 200 200 200',
  `processed a, results 200 200 ${failed} ${failed} ${failed}`,
];
if (Object.values(seen).join() !== expected.join()) {
  console.log('The utility treats missing keys otherwise than before.');
  process.exitCode = 1;
}
JS
echo '@aws-lambda-powertools/idempotency 2.35.0, dynoxide 1.2.1'
NODE_NO_WARNINGS=1 node find.mjs "$port"
