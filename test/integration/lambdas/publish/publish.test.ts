import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient, paginateScan } from '@aws-sdk/lib-dynamodb';
import { openDeployment } from '../../../../cli/target/open.ts';
import { rowOf } from '../../../../lambdas/adapters/table/delivery-repository.ts';
import type { JsonObject } from '../../../../lambdas/domain/json.ts';
import { isPublishable } from '../../../../lambdas/domain/publishing/published.ts';
import type { LocalStack } from '../../../../tools/local-ledger/local-ledger.ts';
import type { Fault } from '../../../../tools/local-stack/aws/fault-rules.ts';
import type { BusEvent } from '../../../../tools/local-stack/engines/events.ts';
import { runCommand } from '../../../support/cli/command-line.ts';
import { publishLine } from '../../../support/cli/json-lines/publish.ts';
import { wordsOf, wordsOfPublished } from '../../../support/fixtures/stream.ts';
import { DOMAIN, deliveredEvent } from '../../../support/fixtures/webhooks.ts';
import { drained, postPatiently, startTestStack } from '../../../support/stacks/local-stack.ts';

// The whole stack with publishing enabled. Time is compressed: 12 hours of retries take 2 min, so an hour takes 10 s.

const RETRY_SECONDS = 120;
const HOUR_MS = (RETRY_SECONDS * 1000) / 12;
let stack: LocalStack;

const start = (retrySeconds: number) => startTestStack({ publish: { recipients: true, retrySeconds } });

beforeAll(async () => {
  stack = await start(RETRY_SECONDS);
});
afterAll(() => stack?.stop());
afterEach(() => stack.setFaults([]));

const PUT: Omit<Fault, 'mode' | 'percent'> = { service: 'events', operation: 'PutEvents' };

const post = (event: JsonObject) => postPatiently(stack, event);

/** Posts the events of a message in random order, some of them twice. */
async function live(recipient = `${randomUUID()}@example.org`): Promise<string> {
  const messageId = `${randomUUID()}@${DOMAIN}`;
  const seconds = Date.now() / 1000;
  const events = ['delivered', 'accepted', 'complained', 'opened', 'accepted', 'delivered'].map((event) =>
    deliveredEvent({
      event,
      recipient,
      id: `${event}-${messageId}`,
      timestamp: seconds,
      message: { headers: { 'message-id': messageId } },
    }),
  );
  for (const event of events) expect(await post(event)).toBe(200);
  return messageId;
}

/** Returns the stored states to be published, by subject. */
async function stored(): Promise<Record<string, string>> {
  const { awsEndpointUrl: endpoint, region, accessKeyId, outputs } = stack.place;
  const credentials = { accessKeyId, secretAccessKey: 'local' };
  const client = DynamoDBDocumentClient.from(new DynamoDBClient({ endpoint, region, credentials }));
  const words: Record<string, string> = {};
  for await (const { Items = [] } of paginateScan({ client }, { TableName: outputs.TableName ?? '' })) {
    for (const item of Items) {
      const row = rowOf(item);
      if (row === undefined || !isPublishable(row)) continue;
      const { key, says } = wordsOf(row);
      words[key] = says;
    }
  }
  client.destroy();
  return words;
}

const lastOf = (events: readonly BusEvent[]) =>
  Object.fromEntries(events.map(wordsOfPublished).map(({ key, says }) => [key, says]));

/** Waits until the last published state is the stored one. */
async function allPublished(): Promise<void> {
  for (const endMs = Date.now() + 60_000; Date.now() < endMs; await sleep(300)) {
    const [table, bus] = [await stored(), lastOf(stack.published())];
    if (Object.entries(table).every(([key, says]) => bus[key] === says)) break;
  }
  expect(lastOf(stack.published())).toEqual(await stored());
}

async function failures(): Promise<number> {
  const { outputs } = stack.place;
  const response = await fetch(stack.place.awsEndpointUrl, {
    method: 'POST',
    headers: { 'x-amz-target': 'AmazonSQS.GetQueueAttributes', 'content-type': 'application/x-amz-json-1.0' },
    body: JSON.stringify({ QueueUrl: outputs.PublishFailuresUrl, AttributeNames: ['All'] }),
  });
  const { Attributes } = (await response.json()) as { Attributes: Record<string, string> };
  return Number(Attributes.ApproximateNumberOfMessages) + Number(Attributes.ApproximateNumberOfMessagesNotVisible);
}

test("a message's changes are published on the bus, and the control API shows them", async () => {
  await live();
  await drained(stack);
  await allPublished();

  const { events } = (await (await fetch(`${stack.ready.controlUrl}/published`)).json()) as {
    events: BusEvent[];
  };
  expect(events).toEqual(stack.published());
  expect(events.at(-1)).toMatchObject({
    source: 'mailgun-ledger',
    bus: 'default',
    detail: { ledger: 'mailgun-ledger-dev' },
  });
});

test('publish, killed and refused, publishes every final state without affecting anything else', async () => {
  stack.setFaults([
    { ...PUT, mode: 'partial', percent: 40 },
    { ...PUT, mode: '500', percent: 20 },
    { ...PUT, mode: 'drop-reply', percent: 20 },
  ]);
  let isOver = false;
  let kills = 0;
  const killer = (async () => {
    for (; !isOver; await sleep(700)) {
      const pid = (await stack.stats()).processes.publish;
      if (pid !== undefined) process.kill(pid, 'SIGKILL');
      kills += 1;
    }
  })();
  await Promise.all(Array.from({ length: 12 }, () => live()));
  await drained(stack);
  isOver = true;
  await killer;

  expect(kills).toBeGreaterThan(1);
  await allPublished();
  expect(await failures()).toBe(0);
});

test('a bus that is down for an hour loses nothing and delays nothing else', async () => {
  stack.setFaults([{ ...PUT, mode: 'refuse', percent: 100 }]);
  const before = stack.published().length;
  const endMs = Date.now() + HOUR_MS;
  const ids = await Promise.all([live(), live()]);
  await drained(stack);

  for (const id of ids) {
    const headers = { authorization: `Bearer ${stack.ready.apiToken}` };
    const response = await fetch(`${stack.ready.apiUrl}/mailgun/messages/${encodeURIComponent(id)}`, { headers });
    expect(await response.json()).toMatchObject({ recipients: [{ status: 'COMPLAINED' }] });
  }
  expect((await stack.stats()).deadLetters).toBe(0);
  await sleep(Math.max(0, endMs - Date.now()));
  expect(stack.published()).toHaveLength(before);

  stack.setFaults([]);
  await allPublished();
  expect(await failures()).toBe(0);
});

test('a change retried for too long goes to the failure queue with its payload, later ones are published, and republishing brings it back', async () => {
  await stack.stop();
  stack = await start(3);
  stack.setFaults([{ ...PUT, mode: 'refuse', percent: 100 }]);
  await live();
  await drained(stack);
  // At least a status and a suppression; more depending on the order in which they were stored.
  for (let count = -1; count < 2 || count !== (await failures()); await sleep(8000)) count = await failures();
  const [lost = ''] = Object.keys(await stored());
  stack.setFaults([]);
  const later = await live();
  const isTold = () => stack.published().some(({ detail }) => isComplaintOf(detail as JsonObject, later));
  for (const endMs = Date.now() + 60_000; Date.now() < endMs && !isTold(); ) await sleep(300);
  expect(isTold()).toBe(true);
  await calm();
  expect(Object.keys(lastOf(stack.published()))).not.toContain(lost);

  const port = new URL(stack.ready.webhookUrl).port;
  const command = ['publish', '--local', '--port', port, '--from', '1h', '--json'];
  const count = stack.published().length;
  const plan = await runCommand([...command, '--plan'], { openDeployment });
  expect(plan).toMatchObject({ exitCode: 0 });
  expect(stack.published()).toHaveLength(count);
  expect(plan.json().at(-1)).toMatchObject({ event: 'plan', statuses: 2, suppressions: 2, complete: true });
  const done = await runCommand([...command, '--rate', '100'], { openDeployment });
  for (const line of [...plan.json(), ...done.json()]) publishLine.parse(line);
  expect(done.json().at(-1)).toMatchObject({ event: 'published', statuses: 2, suppressions: 2, complete: true });
  expect(stack.published()).toHaveLength(count + 4);
  expect(lastOf(stack.published())).toEqual(await stored());
}, 240_000);

const isComplaintOf = ({ messageId, status }: JsonObject, id: string) => messageId === id && status === 'COMPLAINED';

async function calm(): Promise<void> {
  await drained(stack);
  for (let count = -1; count !== stack.published().length; await sleep(3000)) count = stack.published().length;
}
