import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { SendMessageCommand } from '@aws-sdk/client-sqs';
import { DeleteCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { identify } from '../../../lambdas/domain/events/identity.ts';
import { encodeQueueMessage } from '../../../lambdas/domain/events/queue-message.ts';
import type { JsonObject } from '../../../lambdas/domain/json.ts';
import { parseMessageSort } from '../../../lambdas/domain/keys.ts';
import type { EventData } from '../../../tools/mailgun-twin/traffic/event-parts.ts';
import { type ReceiverServer, startReceiver } from '../../support/doubles/receiver-server.ts';
import { DOMAIN, deliveredEvent, signed } from '../../support/fixtures/webhooks.ts';
import { LOCAL_KEY, type LocalLedger, startLocalLedger } from '../../support/stacks/local-ledger.ts';
import { drained, postWebhook, signedNow } from '../../support/stacks/local-stack.ts';
import { Synthesized } from '../../support/stacks/synthesized.ts';

// Runs every path of every function once, and compares the calls with the permissions in the template.

/** Permissions that Lambda's own poller uses with the function's role. */
const CALLED_BY_LAMBDA: Readonly<Record<string, readonly string[]>> = {
  process: ['sqs:ReceiveMessage', 'sqs:DeleteMessage', 'sqs:GetQueueAttributes', 'sqs:GetQueueUrl'],
  publish: ['dynamodb:DescribeStream', 'dynamodb:GetRecords', 'dynamodb:GetShardIterator', 'dynamodb:ListStreams'],
  deliver: ['sqs:ReceiveMessage', 'sqs:DeleteMessage', 'sqs:GetQueueAttributes', 'sqs:GetQueueUrl'],
};
/** Lambda writes the log with the function's role; here it goes to a file. */
const LOG = ['logs:CreateLogStream', 'logs:PutLogEvents'];

/** What takes longer than this test to come about, by what it needs; the local stack refuses what is not allowed. */
const RARELY: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  ingest: { 'dynamodb:GetItem LEDGER': 'a signing key that is gone' },
  process: { 'dynamodb:PutItem OPEN#*': 'an event that no pass will compare' },
  reconcile: {
    'dynamodb:PutItem PART#*': 'a slice that takes more than one run',
    'dynamodb:PutItem SENT#*': 'an event that is too large for the queue',
    'dynamodb:PutItem WITNESS#*': "Mailgun's counts of a whole hour",
    'dynamodb:UpdateItem LEDGER': 'the end of a listing API',
    'dynamodb:UpdateItem LEDGER#*': 'a webhook about routed mail',
    'dynamodb:DeleteItem DOUBT#*': 'a slice whose unconfirmed events are accepted',
  },
};

const FUNCTIONS = {
  ingest: 'Ingest',
  process: 'Process',
  reconcile: 'Reconcile',
  publish: 'Publish',
  deliver: 'Deliver',
  'read-api': 'ReadApi',
};

let receiver: ReceiverServer;
let ledger: LocalLedger;
let called: Readonly<Record<string, readonly string[]>>;
let unused: Readonly<Record<string, readonly string[]>>;

beforeAll(async () => {
  receiver = await startReceiver();
  ledger = await startLocalLedger({
    publish: { recipients: true, retrySeconds: 3 },
    receivers: [receiver.url],
    overlay: { delivery: { retrySeconds: [1], timeoutSeconds: 2 } },
  });
  await ingestAndProcess();
  await reconcile();
  await readApi();
  await publish();
  await deliver();
  const { byCaller, unusedPermissions } = await ledger.stack.stats();
  unused = unusedPermissions;
  called = Object.fromEntries(
    Object.entries(byCaller).map(([caller, { calls }]) => [caller, Object.keys(calls).map(actionOf)]),
  );
}, 400_000);
afterAll(async () => {
  await ledger?.stack.stop();
  await receiver?.close();
});

/** A batch operation is allowed by the action on one item. */
const actionOf = (call: string) => call.replace('.', ':').replace(/^(sqs:\w+)Batch$/, '$1');

const STACK = new Synthesized('dev', {
  publish: { enabled: true, recipients: true },
  receivers: [{ name: 'crm', url: 'https://crm.example.com/', events: ['suppression.changed'], recipients: true }],
});

describe.each(Object.entries(FUNCTIONS))('%s', (caller, name) => {
  test('has exactly the permissions that it used', () => {
    const byLambda = [...(CALLED_BY_LAMBDA[caller] ?? []), ...LOG];
    const granted = STACK.actionsOf(name);

    expect(granted.filter((action) => !byLambda.includes(action)).toSorted()).toEqual(
      [...new Set(called[caller])].toSorted(),
    );
    expect(byLambda.filter((action) => !granted.includes(action))).toEqual([]);
  });

  test('may touch items of the partitions that it touched, and of those that it rarely needs', () => {
    // An event without a message id is stored like all others.
    const others = unused[caller]?.filter((permission) => !permission.endsWith(' NOMSG#*'));
    expect(others).toEqual(Object.keys(RARELY[caller] ?? {}));
  });
});

const eventOf = (over: Record<string, unknown> = {}): JsonObject =>
  deliveredEvent({
    id: randomUUID(),
    timestamp: Date.now() / 1000,
    message: { headers: { 'message-id': `${randomUUID()}@${DOMAIN}` } },
    ...over,
  });

const post = (event: JsonObject, signature: object) => postWebhook(ledger.stack, event, signature);
const fresh = () => signedNow(LOCAL_KEY);

async function ingestAndProcess(): Promise<void> {
  const { table, queues } = ledger.target.clients;
  const TableName = ledger.target.output('TableName');
  const [event, signature] = [eventOf(), fresh()];
  const { partition: pk, eventSort: sk } = identify(event, DOMAIN);
  const Key = { pk, sk };

  // New, forged, known, stored another way, and acknowledged by a function that then crashed.
  expect(await post(event, signature)).toBe(200);
  expect(await post(event, signed('unknown-key', { timestamp: String(Math.floor(Date.now() / 1000)) }))).toBe(401);
  await drained(ledger.stack);
  await table.send(new UpdateCommand({ TableName, Key, UpdateExpression: 'REMOVE webhookAt' }));
  expect(await post(event, signature)).toBe(200);
  await table.send(new DeleteCommand({ TableName, Key }));
  expect(await post(event, signature)).toBe(200);
  // A suppression, an erased person, and a message that no retry can fix.
  const erased = `${randomUUID()}@erased.example`;
  expect(await post(eventOf({ event: 'complained' }), fresh())).toBe(200);
  const { exitCode } = await ledger.ledger(['erase', erased, '--yes']);
  expect(exitCode).toBe(0);
  expect(await post(eventOf({ recipient: erased }), fresh())).toBe(200);
  await queues.send(new SendMessageCommand({ QueueUrl: ledger.target.output('QueueUrl'), MessageBody: 'poison' }));
  await drained(ledger.stack);
  expect((await ledger.stack.stats()).deadLetters).toBe(1);
  // A forged bounce, corrected from Mailgun's listing.
  const bounce = eventOf({
    event: 'failed',
    severity: 'permanent',
    reason: 'bounce',
    recipient: `${randomUUID()}@b.example`,
  });
  expect(await post(bounce, fresh())).toBe(200);
  await drained(ledger.stack);
  const listed = { ...bounce, severity: 'temporary', reason: 'generic' };
  const MessageBody = encodeQueueMessage({
    source: 'reconcile',
    receivedAt: Date.now(),
    domain: DOMAIN,
    event: listed,
    corrects: true,
  });
  await queues.send(new SendMessageCommand({ QueueUrl: ledger.target.output('QueueUrl'), MessageBody }));
  await drained(ledger.stack);
  // A redacted copy, merged into the event that Mailgun lists.
  const opened = eventOf({ event: 'opened', recipient: `${randomUUID()}@b.example` });
  expect(await post({ ...opened, recipient: '***' }, fresh())).toBe(200);
  await drained(ledger.stack);
  const merging = encodeQueueMessage({
    source: 'reconcile',
    receivedAt: Date.now(),
    domain: DOMAIN,
    event: opened,
    redactedAs: [parseMessageSort(identify({ ...opened, recipient: '***' }, DOMAIN).eventSort).recipientKey],
  });
  await queues.send(new SendMessageCommand({ QueueUrl: ledger.target.output('QueueUrl'), MessageBody: merging }));
  await drained(ledger.stack);
  // A table that is down: failed messages are hidden until their next attempt.
  const hides = async () => (await ledger.stack.stats()).byCaller.process?.calls['sqs.ChangeMessageVisibility'] ?? 0;
  const before = await hides();
  ledger.stack.setFaults([{ service: 'dynamodb', operation: 'UpdateItem', mode: '500', percent: 100 }]);
  expect(await post(eventOf(), fresh())).toBe(200);
  while ((await hides()) === before) await sleep(200);
  ledger.stack.setFaults([]);
  await drained(ledger.stack);
}

async function reconcile(): Promise<void> {
  ledger.stack.list([eventOf({ timestamp: Date.now() / 1000 - 5 }) as unknown as EventData]);
  for (const endMs = Date.now() + 60_000; Date.now() < endMs; await sleep(1500)) {
    await ledger.stack.reconcile();
    await drained(ledger.stack);
    const { missing, done } = await ledger.stack.reconcile();
    if (done && missing === 0) break;
  }
  const { exitCode } = await ledger.ledger(['replay', '--from', '1m', '--to', '5s']);
  expect(exitCode).toBe(0);
}

async function readApi(): Promise<void> {
  const { apiUrl, apiToken } = ledger.stack.ready;
  const get = async (path: string, init: RequestInit = {}) => {
    const headers = { authorization: `Bearer ${apiToken}`, 'content-type': 'application/json' };
    const { status } = await fetch(`${apiUrl}/mailgun/${path}`, { ...init, headers });
    return [path, status];
  };
  const day = new Date().toISOString().slice(0, 10);
  const recipient = String(eventOf().recipient);
  const paths = [
    `recipients/${recipient}`,
    `events?domain=${DOMAIN}&day=${day}`,
    `suppressions/${recipient}`,
    `stats?domain=${DOMAIN}&from=${day}T00:00:00Z&to=${day}T01:00:00Z`,
    `ledger?domain=${DOMAIN}&from=${day}T00:00:00Z&to=${day}T01:00:00Z`,
    'health',
    'receivers',
  ];
  for (const path of paths) expect(await get(path)).toEqual([path, 200]);
  expect(await get('messages/nothing@example.com')).toEqual(['messages/nothing@example.com', 404]);
  const body = JSON.stringify({ recipient });
  expect(await get('events/search', { method: 'POST', body })).toEqual(['events/search', 200]);
}

async function publish(): Promise<void> {
  ledger.stack.setFaults([{ service: 'events', operation: 'PutEvents', mode: 'refuse', percent: 100 }]);
  expect(await post(eventOf(), fresh())).toBe(200);
  for (const endMs = Date.now() + 60_000; Date.now() < endMs; await sleep(1000)) {
    const { byCaller } = await ledger.stack.stats();
    if (byCaller.publish?.calls['sqs.SendMessage']) break;
  }
  ledger.stack.setFaults([]);
  const { exitCode } = await ledger.ledger(['publish', '--from', '1h', '--rate', '100']);
  expect(exitCode).toBe(0);
}

/** Delivers: acknowledged, dead after the last attempt, and disabled. */
async function deliver(): Promise<void> {
  const states = async () => {
    const { apiUrl, apiToken } = ledger.stack.ready;
    const url = `${apiUrl}/mailgun/receivers/receiver-1/deliveries`;
    const response = await fetch(url, { headers: { authorization: `Bearer ${apiToken}` } });
    const { deliveries } = (await response.json()) as { deliveries: { messageId: string; state: string }[] };
    return new Map(deliveries.map(({ messageId, state }) => [messageId, state]));
  };
  const becomes = async (respond: number, state: string) => {
    receiver.respond((response) => void response.writeHead(respond).end());
    const id = `${randomUUID()}@${DOMAIN}`;
    expect(await post(eventOf({ message: { headers: { 'message-id': id } } }), fresh())).toBe(200);
    for (let waits = 0; (await states()).get(id) !== state; waits += 1) {
      if (waits > 120) throw new Error(`the delivery is not ${state}`);
      await sleep(250);
    }
  };
  await becomes(204, 'acknowledged');
  await becomes(500, 'dead');
  await becomes(410, 'waiting');
}
