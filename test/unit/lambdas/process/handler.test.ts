import { randomUUID } from 'node:crypto';
import type { Context, SQSBatchResponse, SQSEvent } from 'aws-lambda';
import { encodeQueueMessage, type Source } from '../../../../lambdas/domain/events/queue-message.ts';
import { linesOf, metricsIn, startAwsStandIn } from '../../../support/doubles/aws-stand-in.ts';
import { restoreEnvironmentAfterAll } from '../../../support/environment.ts';
import { ERASURE_KEY } from '../../../support/fixtures/erasures.ts';
import { DOMAIN, deliveredEvent, NOW_MS } from '../../../support/fixtures/webhooks.ts';

let aws: Awaited<ReturnType<typeof startAwsStandIn>>;
let putReply = {};
let handler: (event: SQSEvent, context: Context) => Promise<SQSBatchResponse>;

restoreEnvironmentAfterAll();
beforeAll(async () => {
  aws = await startAwsStandIn(({ operation }) => {
    if (operation === 'GetSecretValue') return { SecretString: ERASURE_KEY };
    return operation === 'PutItem' ? putReply : {};
  });
  Object.assign(process.env, aws.environment, {
    LEDGER_NAME: 'ledger',
    TABLE_NAME: 'table',
    QUEUE_URL: 'http://127.0.0.1/queue',
    DEAD_LETTERS_URL: 'http://127.0.0.1/dead-letters',
    ERASURE_KEY_SECRET_ARN: 'erasure-key',
    VISIBILITY_SECONDS: '19',
    RETENTION_DAYS: '30',
    STATUS_DAYS: '30',
    SECOND_PASS_SECONDS: '86400',
  });
  ({ handler } = (await import('../../../../lambdas/process/handler.ts')) as never);
});
afterAll(() => aws.close());

function handle(source: Source, events: object[]) {
  const Records = events.map((over, n) => ({
    messageId: `m${n}`,
    attributes: { ApproximateReceiveCount: '1' },
    body: encodeQueueMessage({
      source,
      receivedAt: NOW_MS,
      domain: DOMAIN,
      event: deliveredEvent({ id: randomUUID(), ...over }),
    }),
  }));
  return linesOf(() => handler({ Records } as unknown as SQSEvent, {} as Context));
}

const notes = () => aws.calls.filter(({ input }) => JSON.stringify(input).includes('FIRST-WEBHOOK'));

test('a batch writes one metric line for stored events, and none without an outcome', async () => {
  const bounce = { event: 'failed', severity: 'permanent', reason: 'bounce' };
  const lines = await handle('reconcile', [{}, bounce, {}, { event: 'opened' }]);

  expect(lines).toHaveLength(1);
  expect(metricsIn(lines)).toEqual([
    { Delivered: 2, Ledger: 'ledger' },
    { Bounced: 1, Ledger: 'ledger' },
  ]);
  expect(await handle('reconcile', [{ event: 'opened' }, { event: 'accepted' }])).toEqual([]);
});

test('a restored event does not count again, and is not a first webhook', async () => {
  const restored = { atMs: NOW_MS, byWebhook: true };
  const body = encodeQueueMessage({
    source: 'webhook',
    receivedAt: Date.now(),
    domain: DOMAIN,
    event: deliveredEvent({ id: randomUUID() }),
    restored,
  });
  const record = { messageId: 'm', attributes: { ApproximateReceiveCount: '1' }, body };

  expect(await linesOf(() => handler({ Records: [record] } as unknown as SQSEvent, {} as Context))).toEqual([]);
  expect(notes()).toEqual([]);
});

test('a known event is not counted again', async () => {
  putReply = { __type: 'com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException', Item: {} };
  const lines = await handle('reconcile', [{}, {}]);
  putReply = {};

  expect(lines).toEqual([]);
});

test('the erasure key is read once in the life of a sandbox', () => {
  expect(aws.calls.filter(({ operation }) => operation === 'GetSecretValue')).toHaveLength(1);
});

test('the first webhook is recorded once per sandbox; an event from reconcile is not one', async () => {
  expect(notes()).toEqual([]);
  await handle('webhook', [{}, {}, {}]);
  await handle('webhook', [{}]);

  expect(notes()).toEqual([
    {
      operation: 'PutItem',
      input: {
        TableName: 'table',
        Item: { pk: { S: 'LEDGER' }, sk: { S: 'FIRST-WEBHOOK' }, at: { N: String(NOW_MS) } },
        ConditionExpression: 'attribute_not_exists(pk)',
      },
    },
  ]);
});
