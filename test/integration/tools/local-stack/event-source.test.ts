import { setTimeout as sleep } from 'node:timers/promises';
import { request } from '../../../../tools/local-stack/engines/engine.ts';
import { startSqs } from '../../../../tools/local-stack/engines/sqs.ts';
import type { QueueSource } from '../../../../tools/local-stack/event-source/queue-definition.ts';
import { QueuePoller } from '../../../../tools/local-stack/event-source/queue-poller.ts';
import type { InvocationResult } from '../../../../tools/local-stack/functions/function-sandbox.ts';
import { Disposables } from '../../../../tools/local-stack/run/disposables.ts';

interface SqsRecord {
  readonly messageId: string;
  readonly body: string;
  readonly attributes: Record<string, string>;
}

const QUEUE = 'http://queues/000000000000/Queue';
const ARN = 'arn:aws:sqs:us-east-1:000000000000:Queue';
const DONE: InvocationResult = { ok: true, payload: 'null' };

let disposables = new Disposables();
afterEach(async () => {
  await disposables.close();
  disposables = new Disposables();
});

interface Setup {
  readonly source?: Partial<QueueSource>;
  readonly visibilitySeconds?: number;
  readonly handler?: (records: SqsRecord[]) => Promise<InvocationResult> | InvocationResult;
  /** Called before each receive. */
  readonly receive?: () => void;
}

async function start({ source = {}, visibilitySeconds = 30, handler = () => DONE, receive = () => {} }: Setup = {}) {
  const sqs = await startSqs();
  disposables.add(() => sqs.close());
  await sqs.createQueue('Queue', { VisibilityTimeout: String(visibilitySeconds) }, 'us-east-1');
  const batches: SqsRecord[][] = [];
  const poll = () => {
    const poller = new QueuePoller({
      source: {
        queueArn: ARN,
        queueUrl: QUEUE,
        functionId: 'Function',
        batchSize: 10,
        windowSeconds: 0,
        maxConcurrency: 5,
        reportsFailures: true,
        ...source,
      },
      region: 'us-east-1',
      sqs: {
        async call(operation, body, signal) {
          if (operation === 'ReceiveMessage') receive();
          return sqs.call(operation, body, signal);
        },
      },
      target: {
        invoke: async (event) => {
          const { Records } = JSON.parse(event) as { Records: SqsRecord[] };
          batches.push(Records);
          return handler(Records);
        },
      },
      log: () => {},
    });
    disposables.add(() => poller.stop());
  };
  return {
    batches,
    poll,
    send: (MessageBody: string, more = {}) => request(sqs, 'SendMessage', { QueueUrl: QUEUE, MessageBody, ...more }),
    async left() {
      const { Attributes } = await request<{ Attributes: Record<string, string> }>(sqs, 'GetQueueAttributes', {
        QueueUrl: QUEUE,
        AttributeNames: ['All'],
      });
      return Number(Attributes.ApproximateNumberOfMessages) + Number(Attributes.ApproximateNumberOfMessagesNotVisible);
    },
  };
}

const bodies = (batch: SqsRecord[] | undefined) => batch?.map(({ body }) => body);
const failures = (...ids: string[]): InvocationResult => ({
  ok: true,
  payload: JSON.stringify({ batchItemFailures: ids.map((itemIdentifier) => ({ itemIdentifier })) }),
});

async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  for (const endMs = Date.now() + 5000; !(await holds()); ) {
    if (Date.now() > endMs) throw new Error('it never came to hold');
    await sleep(10);
  }
}

test("a queue record has Lambda's format", async () => {
  const { batches, poll, send } = await start();
  await send('hello', { MessageAttributes: { reason: { DataType: 'String', StringValue: 'why' } } });

  poll();
  await until(() => batches.length === 1);

  expect(batches[0]?.[0]).toMatchObject({
    messageId: expect.any(String),
    receiptHandle: expect.any(String),
    body: 'hello',
    attributes: {
      ApproximateReceiveCount: '1',
      SentTimestamp: expect.stringMatching(/^\d{13}$/),
      ApproximateFirstReceiveTimestamp: expect.stringMatching(/^\d{13}$/),
      SenderId: expect.any(String),
    },
    messageAttributes: {
      reason: { stringValue: 'why', stringListValues: [], binaryListValues: [], dataType: 'String' },
    },
    md5OfBody: '5d41402abc4b2a76b9719d911017c592',
    eventSource: 'aws:sqs',
    eventSourceARN: ARN,
    awsRegion: 'us-east-1',
  });
});

test('waiting messages come in full batches and are deleted', async () => {
  const { batches, poll, send, left } = await start();
  for (let nth = 0; nth < 25; nth += 1) await send(String(nth));

  poll();
  await until(async () => (await left()) === 0);

  expect(batches.map((batch) => batch.length)).toEqual([10, 10, 5]);
});

test('a batching window collects messages that arrive one by one', async () => {
  const { batches, poll, send, left } = await start({ source: { windowSeconds: 0.5 } });
  poll();

  for (const body of ['a', 'b', 'c']) {
    await send(body);
    await sleep(50);
  }
  await until(async () => (await left()) === 0);

  expect(batches.map(bodies)).toEqual([['a', 'b', 'c']]);
});

test('received messages are handed over even if SQS fails during the batching window', async () => {
  let receives = 0;
  const { batches, poll, send } = await start({
    source: { windowSeconds: 60 },
    receive: () => {
      receives += 1;
      if (receives === 2) throw new Error('SQS is down');
    },
  });
  await send('a');

  poll();

  await until(() => batches.length === 1);
});

test('the poller survives an SQS outage', async () => {
  let receives = 0;
  const { batches, poll, send } = await start({
    receive: () => {
      receives += 1;
      if (receives <= 3) throw new Error('SQS is down');
    },
  });
  await send('a');

  poll();

  await until(() => batches.length === 1);
});

test('a full batch does not wait for the end of its window', async () => {
  const { batches, poll, send } = await start({ source: { windowSeconds: 60, batchSize: 2 } });
  await send('a');
  await send('b');

  poll();

  await until(() => batches.length === 1);
});

test('messages reported as failed stay in the queue, and the others are deleted', async () => {
  const { batches, poll, send, left } = await start({
    visibilitySeconds: 1,
    handler: (records) => failures(...records.filter(({ body }) => body === 'bad').map(({ messageId }) => messageId)),
  });
  for (const body of ['good', 'bad', 'fine']) await send(body);

  poll();
  await until(() => batches.length === 2);

  expect(batches.map(bodies)).toEqual([['good', 'bad', 'fine'], ['bad']]);
  expect(batches[1]?.[0]?.attributes.ApproximateReceiveCount).toBe('2');
  expect(await left()).toBe(1);
});

test.each([
  { name: 'fails', outcome: { ok: false, error: 'boom', timedOut: false } as const },
  { name: 'reports what makes no sense', outcome: failures('not of this batch') },
])('all messages stay in the queue when the function $name', async ({ outcome }) => {
  const { batches, poll, send, left } = await start({ handler: () => outcome });
  await send('a');
  await send('b');

  poll();
  await until(() => batches.length === 1);
  await sleep(50);

  expect(await left()).toBe(2);
});

test('a failure report is ignored if the queue source does not enable it', async () => {
  const { poll, send, left } = await start({
    source: { reportsFailures: false },
    handler: (records) => failures(...records.map(({ messageId }) => messageId)),
  });
  await send('a');

  poll();

  await until(async () => (await left()) === 0);
});

test('the poller runs no more batches at a time than the template allows', async () => {
  let running = 0;
  let most = 0;
  const { poll, send, left } = await start({
    source: { batchSize: 1, maxConcurrency: 3 },
    handler: async () => {
      running += 1;
      most = Math.max(most, running);
      await sleep(20);
      running -= 1;
      return DONE;
    },
  });
  for (let nth = 0; nth < 12; nth += 1) await send(String(nth));

  poll();
  await until(async () => (await left()) === 0);

  expect(most).toBe(3);
});

test('a batch too large for one event is split', async () => {
  const { batches, poll, send, left } = await start();
  for (let nth = 0; nth < 8; nth += 1) await send('x'.repeat(1_000_000));

  poll();
  await until(async () => (await left()) === 0);

  expect(batches.map((batch) => batch.length)).toEqual([5, 3]);
});
