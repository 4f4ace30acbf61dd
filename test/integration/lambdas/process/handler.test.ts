import { randomUUID } from 'node:crypto';
import type { Context, SQSBatchResponse, SQSEvent } from 'aws-lambda';
import { createMessageHistory } from '../../../../lambdas/adapters/table/recipient-repository.ts';
import { encodeQueueMessage } from '../../../../lambdas/domain/events/queue-message.ts';
import { DOMAIN, deliveredEvent, NOW_MS } from '../../../support/fixtures/webhooks.ts';
import { wholeHistory } from '../../../support/fixtures/whole-history.ts';
import { startTestEngines, type TestEngines } from '../../../support/stacks/engines.ts';

let engines: TestEngines;
let handler: (event: SQSEvent, context: Context) => Promise<SQSBatchResponse>;

beforeAll(async () => {
  engines = await startTestEngines();
  Object.assign(process.env, engines.awsEnvironment, {
    LEDGER_NAME: 'test',
    TABLE_NAME: engines.output('TableName'),
    QUEUE_URL: engines.output('QueueUrl'),
    DEAD_LETTERS_URL: engines.output('DeadLettersUrl'),
    ERASURE_KEY_SECRET_ARN: engines.output('ErasureKeySecretArn'),
    VISIBILITY_SECONDS: '19',
    RETENTION_DAYS: '30',
    STATUS_DAYS: '30',
    SECOND_PASS_SECONDS: '86400',
  });
  ({ handler } = (await import('../../../../lambdas/process/handler.ts')) as never);
}, 60_000);
afterAll(() => engines?.close());
afterEach(() => engines.faults.replace([]));

function batch(bodies: string[]): SQSEvent {
  const record = (body: string, n: number) => ({
    messageId: `m${n}`,
    receiptHandle: `r${n}`,
    body,
    attributes: { ApproximateReceiveCount: '1' },
  });
  return { Records: bodies.map(record) } as unknown as SQSEvent;
}

const handle = (bodies: string[]) => handler(batch(bodies), { getRemainingTimeInMillis: () => 30_000 } as Context);

function goodBodies(messageId: string, count: number): string[] {
  return Array.from({ length: count }, () =>
    encodeQueueMessage({
      source: 'webhook',
      receivedAt: NOW_MS,
      domain: DOMAIN,
      event: deliveredEvent({ id: randomUUID(), message: { headers: { 'message-id': messageId } } }),
    }),
  );
}

const storedOf = async (messageId: string) =>
  (await wholeHistory(createMessageHistory(engines.table), messageId)).events.length;

test.each([
  ['no JSON', '{', 'not-json'],
  ['a message of a later version', '{"v":2}', 'unknown-version'],
  ['a message without an event', '{"v":1}', 'malformed-message'],
])(
  '%s goes to the DLQ with its reason; the other nine messages are stored at the first attempt',
  async (_name, poison, reason) => {
    const messageId = randomUUID();
    const bodies = goodBodies(messageId, 9);

    expect(await handle([...bodies.slice(0, 4), poison, ...bodies.slice(4)])).toEqual({ batchItemFailures: [] });
    expect(await storedOf(messageId)).toBe(9);
    const deadLetters = await engines.receive(engines.output('DeadLettersUrl'));
    expect(deadLetters).toMatchObject([{ Body: poison, MessageAttributes: { reason: { StringValue: reason } } }]);
  },
);

test('process reports only messages with a temporary failure', async () => {
  const messageId = randomUUID();
  engines.faults.replace([{ service: 'dynamodb', operation: 'PutItem', mode: '500', percent: 100 }]);
  const { batchItemFailures } = await handle(goodBodies(messageId, 3));
  expect(batchItemFailures.map(({ itemIdentifier }) => itemIdentifier)).toEqual(['m0', 'm1', 'm2']);

  engines.faults.replace([]);
  expect(await handle(goodBodies(messageId, 3))).toEqual({ batchItemFailures: [] });
  expect(await storedOf(messageId)).toBe(3);
});

test('a message that cannot be sent to the DLQ stays in the queue', async () => {
  engines.faults.replace([{ service: 'sqs', operation: 'SendMessage', mode: 'refuse', percent: 100 }]);
  expect(await handle(['{'])).toEqual({ batchItemFailures: [{ itemIdentifier: 'm0' }] });
});
