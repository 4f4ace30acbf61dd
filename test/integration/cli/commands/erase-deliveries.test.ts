import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { DeleteMessageCommand, SendMessageCommand } from '@aws-sdk/client-sqs';
import { asciiJson } from '../../../../lambdas/domain/json.ts';
import { eraseOn } from '../../../support/cli/erase-command.ts';
import { eraseLine } from '../../../support/cli/json-lines/erase.ts';
import { startTestEngines, type TestEngines } from '../../../support/stacks/engines.ts';

// An erased address in the queues of published changes that only an operator empties.

let engines: TestEngines;
let erased: ReturnType<typeof eraseOn>['erased'];
let queues: { dead: string; failures: string };

beforeAll(async () => {
  engines = await startTestEngines({
    publish: { enabled: true, recipients: true },
    receivers: [{ name: 'crm', url: 'https://crm.example.com/', events: ['suppression.changed'], recipients: true }],
  });
  const [{ deadLettersUrl = '' } = {}] = JSON.parse(engines.output('Receivers'));
  queues = { dead: deadLettersUrl, failures: engines.output('PublishFailuresUrl') };
  ({ erased } = eraseOn(engines, [engines.queues]));
}, 60_000);
afterAll(() => engines?.close());

const REASON = { reason: { DataType: 'String', StringValue: 'exhausted' } };
const put = (QueueUrl: string, body: object | string) =>
  engines.queues.send(
    new SendMessageCommand({
      QueueUrl,
      MessageBody: typeof body === 'string' ? body : asciiJson(body as never),
      MessageAttributes: REASON,
    }),
  );

/** A message that a killed command has hidden appears after a second, and on a busy machine later. */
const HIDDEN_MS = 15_000;

/** Removes and returns all messages of a queue; waits for those that hold these texts. */
async function takeAll(QueueUrl: string, awaited: readonly string[] = []) {
  const taken: { body: string; attributes: unknown }[] = [];
  const untilMs = Date.now() + HIDDEN_MS;
  const isComplete = () =>
    Date.now() > untilMs || awaited.every((text) => taken.some(({ body }) => body.includes(text)));
  for (let empty = 0; empty < 2 || !isComplete(); await sleep(Math.min(empty, 2) * 200)) {
    const messages = await engines.receive(QueueUrl);
    empty = messages.length === 0 ? empty + 1 : 0;
    for (const { Body = '', MessageAttributes, ReceiptHandle } of messages) {
      taken.push({ body: Body, attributes: MessageAttributes });
      await engines.queues.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle }));
    }
  }
  return taken;
}

const queued = (detail: object) => ({
  version: '0',
  id: randomUUID(),
  source: 'mailgun-ledger',
  account: '333333333333',
  resources: [],
  'detail-type': 'SuppressionChanged',
  time: '2026-11-28T00:00:00Z',
  detail,
});
const failure = (detail: object) => ({ source: 'mailgun-ledger', detailType: 'MessageStatusChanged', detail });

/** Adds a dead delivery about the recipient, one that mentions them, an unreadable one, and one that must stay. */
async function sendToDlq() {
  const ada = `Ada-${randomUUID()}@Example.org`;
  // An event id may contain the address, and identifies the delivery: the command must not loop over it.
  const theirs = { id: `s#complained#${ada}`, recipient: ada.toLowerCase(), reason: `550 no ${ada} here` };
  const mention = { id: 'm', recipient: 'bob@example.org', reason: `reported by <${ada}>` };
  const other = queued({ id: 'o', recipient: `x${ada}` });
  for (const detail of [theirs, mention]) {
    await put(queues.dead, queued(detail));
    await put(queues.failures, failure(detail));
  }
  await put(queues.dead, other);
  await put(queues.dead, `{ broken ${ada}`);
  await put(queues.dead, 'broken');
  return { ada, other };
}

/** Asserts that only ids contain the recipient, and that nothing else is gone; empties the queues. */
async function expectErased({ ada, other }: Awaited<ReturnType<typeof sendToDlq>>) {
  const ids = [`s#complained#${ada}`, '"m"'];
  const [dead, failures] = [await takeAll(queues.dead, [...ids, '"o"']), await takeAll(queues.failures, ids)];
  // A copy that a killed command had hidden may appear only after the next one has begun.
  const isEarlier = ({ id }: { id: string }) => id.startsWith('s#complained#') && !id.includes(ada);
  const detailsOf = (messages: typeof dead) =>
    messages
      .flatMap(({ body }) => (body.startsWith('{') ? [JSON.parse(body).detail] : []))
      .filter((detail) => !isEarlier(detail));
  const cleaned = [
    { id: `s#complained#${ada}`, reason: '550 no erased here' },
    { id: 'm', recipient: 'bob@example.org', reason: 'reported by <erased>' },
  ];
  const distinct = (details: object[]) =>
    [...new Set(details.map((detail) => JSON.stringify(sorted(detail))))].toSorted();
  expect(distinct(detailsOf(dead))).toEqual(distinct([...cleaned, other.detail]));
  expect(distinct(detailsOf(failures))).toEqual(distinct(cleaned));
  expect(dead.filter(({ body }) => !body.startsWith('{')).map(({ body }) => body)).toEqual(['broken']);
  for (const { attributes } of [...dead, ...failures]) expect(attributes).toMatchObject(REASON);
}

const sorted = (detail: object) => Object.fromEntries(Object.entries(detail).toSorted());

test("erase removes the address, and nothing else, from the receivers' DLQs and the publish failure queue", async () => {
  const sent = await sendToDlq();
  const { exitCode, json } = await erased(sent.ada.toUpperCase());

  expect(exitCode).toBe(0);
  const lines = json().map((line) => eraseLine.parse(line));
  expect(lines).toContainEqual(expect.objectContaining({ event: 'deliveries', sentBack: 4, deleted: 1, hidden: 0 }));
  expect(lines.at(-1)).toMatchObject({ event: 'erased', deadLetters: 5, hidden: 0 });
  await expectErased(sent);
}, 60_000);

test('erase killed at any call that changes these queues completes when run again, and loses no delivery', async () => {
  const first = await sendToDlq();
  const { points } = await erased(first.ada);
  await takeAll(queues.dead);
  await takeAll(queues.failures);
  const changing = points.flatMap((point, call) => (/^(Send|Delete)Message$/.test(point) ? [call] : []));
  expect(changing.length).toBeGreaterThanOrEqual(9);
  // One message of each queue; the others take the same path.
  for (const call of [...changing.slice(0, 2), ...changing.slice(-2)]) {
    const sent = await sendToDlq();
    const dead = await erased(sent.ada, { call, moment: 'committed', kind: 'crash' });
    expect(dead.exitCode).toBe(1);
    expect((await erased(sent.ada)).exitCode).toBe(0);
    await expectErased(sent);
  }
}, 120_000);
