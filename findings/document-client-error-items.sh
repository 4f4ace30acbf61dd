#!/usr/bin/env bash
# Expected: the document client, which turns every item into plain values, does so for the item that a failed condition
# returns (`ReturnValuesOnConditionCheckFailure: 'ALL_OLD'`).
# Seen: `error.Item` and `error.CancellationReasons[].Item` keep DynamoDB's typed form, {"by":{"S":"one"}}.
# Matters: a conditional write whose reply was lost is recognised by comparing the stored item with one's own. On plain
# values the comparison is always false, so the repeat of one's own write looks like another's.
# Version: @aws-sdk/lib-dynamodb 3.1162.0, against dynoxide 1.2.1.
set -euo pipefail
folder=$(mktemp -d)
engine=
trap '[ -z "$engine" ] || kill "$engine"; rm -rf "$folder"' EXIT
cd "$folder"
platform=$(node -p 'process.platform + "-" + process.arch')
npm install --silent --no-audit --no-fund @aws-sdk/client-dynamodb@3.1162.0 @aws-sdk/lib-dynamodb@3.1162.0 "@dynoxide/$platform@1.2.1"
port=$(node -e 'const s = require("net").createServer().listen(0, "127.0.0.1", () => { console.log(s.address().port); s.close(); })')
"node_modules/@dynoxide/$platform/dynoxide" serve --host 127.0.0.1 --port "$port" >engine.log 2>&1 &
engine=$!
cat >find.mjs <<'JS'
import { CreateTableCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient, GetCommand, PutCommand, TransactWriteCommand } from '@aws-sdk/lib-dynamodb';

const client = new DynamoDBClient({
  region: 'us-east-1',
  endpoint: `http://127.0.0.1:${process.argv[2]}`,
  credentials: { accessKeyId: 'key', secretAccessKey: 'secret' },
  maxAttempts: 10,
});
const TableName = 'claims';
await client.send(
  new CreateTableCommand({
    TableName,
    BillingMode: 'PAY_PER_REQUEST',
    AttributeDefinitions: [{ AttributeName: 'id', AttributeType: 'S' }],
    KeySchema: [{ AttributeName: 'id', KeyType: 'HASH' }],
  }),
);

const documents = DynamoDBDocumentClient.from(client);
const put = {
  TableName,
  Item: { id: 'a', by: 'one' },
  ConditionExpression: 'attribute_not_exists(id)',
  ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
};
await documents.send(new PutCommand(put));
const errorOf = (command) => documents.send(command).then(() => undefined, (error) => error);
const read = (await documents.send(new GetCommand({ TableName, Key: { id: 'a' } }))).Item;
const refused = (await errorOf(new PutCommand(put))).Item;
const cancelled = (await errorOf(new TransactWriteCommand({ TransactItems: [{ Put: put }] }))).CancellationReasons[0].Item;

console.log('a read returns', JSON.stringify(read));
console.log('a failed condition returns', JSON.stringify(refused));
console.log('a cancelled transaction returns', JSON.stringify(cancelled));
if (read.by !== 'one' || refused.by.S !== 'one' || cancelled.by.S !== 'one') {
  console.log('The document client converts the items of errors otherwise than before.');
  process.exitCode = 1;
}
JS
echo '@aws-sdk/lib-dynamodb 3.1162.0, dynoxide 1.2.1'
NODE_NO_WARNINGS=1 node find.mjs "$port"
