import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { DeleteMessageCommand, ReceiveMessageCommand, SendMessageCommand } from '@aws-sdk/client-sqs';
import type { Deployment } from '../../../../cli/target/types.ts';
import { encodeQueueMessage } from '../../../../lambdas/domain/events/queue-message.ts';
import type { JsonObject } from '../../../../lambdas/domain/json.ts';
import type { LocalStack } from '../../../../tools/local-ledger/local-ledger.ts';
import { USUAL_RECONCILE } from '../../../../tools/local-ledger/options/reconcile-choice.ts';
import { createRandom } from '../../../../tools/mailgun-twin/random.ts';
import type { EventData } from '../../../../tools/mailgun-twin/traffic/event-parts.ts';
import { runCommand } from '../../../support/cli/command-line.ts';
import { eraseLine } from '../../../support/cli/json-lines/erase.ts';
import { itemsWith } from '../../../support/cli/table-text.ts';
import { DOMAIN, deliveredEvent } from '../../../support/fixtures/webhooks.ts';
import { startLocalLedger } from '../../../support/stacks/local-ledger.ts';
import { postPatiently } from '../../../support/stacks/local-stack.ts';

// A recipient is erased while their mail continues: webhooks, duplicates, lost webhooks, a replay, reconciliations and
// a dead letter of the same time. Afterwards nothing of them is left, and the ledger lacks nothing.

const ADA = `Ada-${randomUUID()}@Example.org`;
const OTHERS = ['bob', 'carol', 'dan'].map((name) => `${name}@example.org`);

let stack: LocalStack;
let target: Deployment;
const startedAt = Math.floor(Date.now() / 1000);

beforeAll(async () => {
  // On a busy machine the test takes longer than two minutes; then a replay could not reach its beginning.
  const reconcile = { ...USUAL_RECONCILE, everySeconds: 5, settleSeconds: 10, retentionSeconds: 900 };
  ({ stack, target } = await startLocalLedger({ reconcile }));
});
afterAll(() => stack?.stop());

async function post(event: JsonObject): Promise<void> {
  expect(await postPatiently(stack, event)).toBe(200);
}

interface EventsResponse {
  readonly totals: JsonObject;
  readonly events: readonly { readonly recipient: string | null }[];
}

async function read(path: string) {
  const response = await fetch(stack.ready.apiUrl + path, {
    headers: { authorization: `Bearer ${stack.ready.apiToken}` },
  });
  return { status: response.status, body: (await response.json()) as EventsResponse };
}

const random = createRandom(7);
const sent: JsonObject[] = [];

/** Adds a listed event; its webhook may be lost, or be repeated later. */
async function happen(): Promise<void> {
  const [recipient, isDropped, isDouble] = [random.next(), random.chance(0.15), random.chance(0.4)];
  const isAda = recipient < 0.4;
  const kinds: readonly [JsonObject, ...JsonObject[]] = [
    { event: 'accepted' },
    { event: 'opened', 'user-variables': { mail: ADA } },
    { event: 'complained' },
    { event: 'failed', severity: 'permanent', reason: 'bounce' },
  ];
  const messageId = `${isAda ? 'ada' : 'shared'}-${random.below(5)}@${DOMAIN}`;
  const event = deliveredEvent({
    ...random.pick(kinds),
    id: randomUUID(),
    timestamp: Date.now() / 1000,
    recipient: isAda ? ADA : OTHERS[random.below(OTHERS.length)],
    message: { headers: { 'message-id': messageId, to: `Ada <${ADA.toLowerCase()}>, ${OTHERS.join(', ')}` } },
  });
  sent.push(event);
  stack.list([event as unknown as EventData]);
  if (!isDropped) await post(event);
  const double = sent[random.below(sent.length)];
  if (isDouble && double) await post(double);
}

const run = (args: readonly string[]) => runCommand(args, { openDeployment: async () => target, sleep });
const replay = () => run(['replay', '--local', '--json', '--from', String(startedAt - 60), '--to', '1s']);

async function drained(): Promise<void> {
  for (let calm = 0; calm < 3; await sleep(300)) {
    const { queue } = await stack.stats();
    calm = queue.visible + queue.inFlight === 0 ? calm + 1 : 0;
  }
}

/** Returns the bodies of all messages in a queue. */
async function bodiesOf(QueueUrl: string): Promise<string[]> {
  const bodies: string[] = [];
  for (;;) {
    const { Messages = [] } = await target.clients.queues.send(
      new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10 }),
    );
    if (Messages.length === 0) return bodies;
    for (const { Body = '', ReceiptHandle } of Messages) {
      bodies.push(Body);
      await target.clients.queues.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle }));
    }
  }
}

/** Waits until every slice of the sent events is settled. */
async function settled(): Promise<void> {
  await sleep(USUAL_RECONCILE.sliceSeconds * 1000 + 11_000);
  for (let tries = 0; tries < 20; tries += 1) {
    await drained();
    const { done, open } = await stack.reconcile();
    if (done && open === 0) return;
    await sleep(1000);
  }
  throw new Error('the ledger does not settle');
}

test('a recipient erased under traffic, duplicates, a replay and reconciliations leaves no trace and no missing event', async () => {
  const deadEvent = deliveredEvent({ id: randomUUID(), recipient: ADA, timestamp: Date.now() / 1000 });
  sent.push(deadEvent);
  stack.list([deadEvent as unknown as EventData]);
  await target.clients.queues.send(
    new SendMessageCommand({
      QueueUrl: target.output('DeadLettersUrl'),
      MessageBody: encodeQueueMessage({ source: 'webhook', receivedAt: Date.now(), domain: DOMAIN, event: deadEvent }),
    }),
  );
  for (let n = 0; n < 40; n += 1) await happen();
  await drained();
  const table = { client: target.clients.table, name: target.output('TableName') };
  expect((await itemsWith(table, ADA)).length).toBeGreaterThan(10);

  let isOver = false;
  const traffic = (async () => {
    while (!isOver) {
      await happen();
      await sleep(100);
    }
  })();
  const replays = (async () => {
    while (!isOver) {
      await replay();
      await sleep(2000);
    }
  })();
  const { exitCode, json, errors } = await run(['erase', ADA.toUpperCase(), '--local', '--yes', '--json']);
  isOver = true;
  await Promise.all([traffic, replays]);
  expect({ exitCode, errors }).toEqual({ exitCode: 0, errors: [] });
  const end = json()
    .map((line) => eraseLine.parse(line))
    .at(-1);
  expect(end).toMatchObject({ event: 'erased', deadLetters: 1, kept: 0 });

  await settled();
  await replay();
  await settled();
  const { exitCode: lastExit } = await replay();
  await drained();
  expect(lastExit).toBe(0);

  expect(await itemsWith(table, ADA)).toEqual([]);
  const bodies = [...(await bodiesOf(target.output('QueueUrl'))), ...(await bodiesOf(target.output('DeadLettersUrl')))];
  expect(bodies).toEqual([]);
  expect(stack.logs().filter(({ line }) => line.toLowerCase().includes(ADA.toLowerCase()))).toEqual([]);

  const ledger = await read(
    `/mailgun/ledger?domain=${DOMAIN}&from=${startedAt - 3600}&to=${Math.ceil(Date.now() / 1000)}`,
  );
  console.log(JSON.stringify({ sent: sent.length, end, totals: ledger.body.totals }));
  expect(ledger.body.totals).toMatchObject({
    expected: sent.length,
    stored: sent.length,
    unaccounted: 0,
    unconfirmed: 0,
  });

  const own = sent.find(({ recipient, event }) => recipient === ADA && event === 'opened') as JsonObject;
  const messageId = (own.message as { headers: { 'message-id': string } }).headers['message-id'];
  const message = await read(`/mailgun/messages/${messageId}`);
  expect(message).toMatchObject({ status: 200, body: { messageId, recipients: [] } });
  expect(new Set(message.body.events.map(({ recipient }) => recipient))).toEqual(new Set([null]));
  expect(JSON.stringify(message.body).toLowerCase()).not.toContain(ADA.toLowerCase());
}, 400_000);
