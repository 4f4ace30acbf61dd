import { randomUUID } from 'node:crypto';
import { DeleteMessageCommand, ReceiveMessageCommand } from '@aws-sdk/client-sqs';
import { QueryCommand } from '@aws-sdk/lib-dynamodb';
import { createEventQueue } from '../../../lambdas/adapters/aws/messaging.ts';
import { createCachedSecret, createKeyRing } from '../../../lambdas/adapters/aws/secrets.ts';
import { createClaimRepository } from '../../../lambdas/adapters/table/claim-repository.ts';
import { createErasureRepository, createEventRepository } from '../../../lambdas/adapters/table/event-repository.ts';
import { createMessageHistory } from '../../../lambdas/adapters/table/recipient-repository.ts';
import { createFirstWebhookRepository } from '../../../lambdas/adapters/table/reconciliation-state-repository.ts';
import { createEventLookup } from '../../../lambdas/adapters/table/stored-event-repository.ts';
import { eventHash } from '../../../lambdas/domain/canonical-json.ts';
import { decodeQueueMessage } from '../../../lambdas/domain/events/queue-message.ts';
import type { JsonObject } from '../../../lambdas/domain/json.ts';
import { parseJsonWebhook } from '../../../lambdas/domain/webhooks/webhook-body.ts';
import { createIngest } from '../../../lambdas/ingest/ingest.ts';
import { createProcess } from '../../../lambdas/process/process.ts';
import {
  CRASH_MOMENTS,
  crashableInvocations,
  type InjectedFailure,
} from '../../support/doubles/crashable-invocation.ts';
import { erasureKey, LONE_PROCESS } from '../../support/fixtures/erasures.ts';
import { DOMAIN, deliveredEvent, jsonBody, KEY, NOW_MS, signed } from '../../support/fixtures/webhooks.ts';
import { wholeHistory } from '../../support/fixtures/whole-history.ts';
import { partOf } from '../../support/share.ts';
import { startTestEngines, type TestEngines } from '../../support/stacks/engines.ts';

// Every call that ingest and process make to AWS is a crash point: the process is killed before the call, after it took
// effect but before its reply, and after the reply; alone, and in ordered pairs over two attempts, of which CI tries
// all, and a run elsewhere a third.

let engines: TestEngines;
let invoke: ReturnType<typeof crashableInvocations>;

beforeAll(async () => {
  engines = await startTestEngines();
  await engines.putKeys({ current: KEY });
  invoke = crashableInvocations([engines.dynamodb, engines.queues, engines.secrets]);
}, 60_000);
afterAll(() => engines?.close());

/** Runs a webhook through a cold start of ingest. */
function ingest(bytes: Uint8Array, trouble?: InjectedFailure) {
  const { table, queues, secrets, output } = engines;
  const take = createIngest({
    keys: createKeyRing(createCachedSecret(secrets, output('SigningKeysSecretArn'), () => NOW_MS)),
    claims: createClaimRepository(table),
    events: createEventLookup(table),
    firstWebhook: createFirstWebhookRepository(table),
    queue: createEventQueue(queues, output('QueueUrl')),
    domains: [DOMAIN],
    hashEvent: eventHash,
    now: () => NOW_MS,
    newClaimId: randomUUID,
  });
  return invoke(() => take({ bytes, parse: parseJsonWebhook }), trouble);
}

function storeBody(body: string, trouble?: InjectedFailure) {
  const { table } = engines;
  const store = createProcess({
    ...LONE_PROCESS,
    records: createEventRepository(table),
    erasures: createErasureRepository(table, erasureKey),
    erasureKey,
    retentionDays: 400,
  });
  const decoded = decodeQueueMessage(body);
  if (!decoded.ok) throw new Error(decoded.reason);
  return invoke(() => store(decoded.message), trouble);
}

/** Processes all queued messages without a crash. */
async function drain(): Promise<void> {
  const QueueUrl = engines.output('QueueUrl');
  for (;;) {
    const { Messages = [] } = await engines.queues.send(
      new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10 }),
    );
    if (Messages.length === 0) return;
    for (const { Body = '', ReceiptHandle } of Messages) {
      await storeBody(Body);
      await engines.queues.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle }));
    }
  }
}

function complaint(): { event: JsonObject; messageId: string; recipient: string } {
  const messageId = `${randomUUID()}@${DOMAIN}`;
  const recipient = `${randomUUID()}@example.org`;
  const event = deliveredEvent({ event: 'complained', recipient, message: { headers: { 'message-id': messageId } } });
  return { event, messageId, recipient };
}

/** Asserts that the event is stored once, with its status and its suppression. */
async function expectOneEffect({ messageId, recipient }: ReturnType<typeof complaint>): Promise<void> {
  const { statuses, events } = await wholeHistory(createMessageHistory(engines.table), messageId);
  expect(events).toHaveLength(1);
  expect(statuses).toMatchObject([{ recipient, status: 'COMPLAINED', decidedBy: events[0]?.eventKey }]);
  const { Items } = await engines.table.client.send(
    new QueryCommand({
      TableName: engines.table.name,
      KeyConditionExpression: 'pk = :pk',
      ExpressionAttributeValues: { ':pk': `SUP#${recipient}` },
    }),
  );
  expect(Items).toMatchObject([{ kind: 'complaint', eventKey: events[0]?.eventKey, lastAt: Items?.[0]?.since }]);
}

/** Returns every crash at the calls seen so far: each call at each moment. */
const deathsAt = (points: readonly string[]): InjectedFailure[] =>
  points.flatMap((_, call) => CRASH_MOMENTS.map((moment) => ({ call, moment, kind: 'crash' as const })));

const cells = new Map<string, number>();
function tick(name: string): void {
  cells.set(name, (cells.get(name) ?? 0) + 1);
}

/** Delivers one event: attempts crash as given, and Mailgun retries until one is acknowledged. */
async function deliver(deaths: readonly InjectedFailure[], drained: 'between' | 'after', retry: 'same' | 'fresh') {
  const subject = complaint();
  const first = signed(KEY);
  let points: string[] = [];
  for (const [attempt, death] of [...deaths, undefined, undefined].entries()) {
    const signature = attempt === 0 || retry === 'same' ? first : signed(KEY);
    const outcome = await ingest(jsonBody(subject.event, signature), death);
    points = outcome.points;
    if (death === undefined) expect(outcome.result).toEqual({ ok: true });
    if (outcome.result?.ok) break;
    if (drained === 'between') await drain();
  }
  await drain();
  await expectOneEffect(subject);
  return points;
}

test('ingest crashing at any call, once or twice, stores the event exactly once', async () => {
  const clean = await ingest(jsonBody(complaint().event, signed(KEY)));
  await drain();
  const seen = new Set(clean.points);
  for (const drained of ['between', 'after'] as const) {
    for (const retry of ['same', 'fresh'] as const) {
      for (const [nth, first] of deathsAt(clean.points).entries()) {
        const retried = await deliver([first], drained, retry);
        tick(`ingest, one death, drained ${drained}, ${retry} token`);
        for (const point of retried) seen.add(point);
        for (const second of partOf(deathsAt(retried), nth)) {
          for (const point of await deliver([first, second], drained, retry)) seen.add(point);
          tick(`ingest, two deaths, drained ${drained}, ${retry} token`);
        }
      }
    }
  }
  console.log(
    `ingest: calls ${[...seen].join(', ')}\n${[...cells].map(([name, n]) => `  ${name}: ${n} cells`).join('\n')}`,
  );
  expect([...seen].sort()).toEqual(['GetItem', 'GetSecretValue', 'PutItem', 'SendMessage', 'UpdateItem']);
}, 300_000);

test('process crashing at any call, once or twice, takes effect exactly once', async () => {
  cells.clear();
  const seen = new Set<string>();
  const bodyOf = (event: JsonObject, source: 'webhook' | 'reconcile' = 'webhook') =>
    JSON.stringify({ v: 1, source, receivedAt: NOW_MS, domain: DOMAIN, event });
  for (const before of ['nothing', 'reconcile'] as const) {
    const redeliver = async (deaths: readonly InjectedFailure[]) => {
      const subject = complaint();
      if (before === 'reconcile') await storeBody(bodyOf(subject.event, 'reconcile'));
      let points: string[] = [];
      for (const death of [...deaths, undefined]) {
        const outcome = await storeBody(bodyOf(subject.event), death);
        points = outcome.points;
        for (const point of points) seen.add(point);
      }
      await expectOneEffect(subject);
      return points;
    };
    const clean = await redeliver([]);
    for (const [nth, first] of deathsAt(clean).entries()) {
      const retried = await redeliver([first]);
      tick(`process, one death, stored before: ${before}`);
      for (const second of partOf(deathsAt(retried), nth)) {
        await redeliver([first, second]);
        tick(`process, two deaths, stored before: ${before}`);
      }
    }
  }
  console.log(
    `process: calls ${[...seen].join(', ')}\n${[...cells].map(([name, n]) => `  ${name}: ${n} cells`).join('\n')}`,
  );
  expect([...seen].sort()).toEqual(['BatchGetItem', 'PutItem', 'UpdateItem']);
}, 300_000);
