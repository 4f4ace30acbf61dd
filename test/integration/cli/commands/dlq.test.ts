import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { PurgeQueueCommand, SendMessageBatchCommand, SendMessageCommand } from '@aws-sdk/client-sqs';
import { PutCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { identify } from '../../../../lambdas/domain/events/identity.ts';
import { encodeQueueMessage } from '../../../../lambdas/domain/events/queue-message.ts';
import { dlqDiscardLine, dlqListLine, dlqRedriveLine, dlqShowLine } from '../../../support/cli/json-lines/dlq.ts';
import { DOMAIN, deliveredEvent } from '../../../support/fixtures/webhooks.ts';
import { localLedgerForAll, storedCopies } from '../../../support/stacks/local-ledger.ts';
import { drained } from '../../../support/stacks/local-stack.ts';

const local = localLedgerForAll();
beforeEach(async () => {
  await local.target.clients.queues.send(new PurgeQueueCommand({ QueueUrl: local.target.output('DeadLettersUrl') }));
});

const newEvent = () => deliveredEvent({ id: randomUUID(), message: { headers: { 'message-id': randomUUID() } } });
const messageOf = (event = newEvent()) =>
  encodeQueueMessage({ source: 'webhook', receivedAt: Date.now(), domain: DOMAIN, event });

/** Puts a body into the DLQ, as process does with a reason and SQS without one; returns its id. */
async function sendToDlq(body: string, reason?: string): Promise<string> {
  const { MessageId = '' } = await local.target.clients.queues.send(
    new SendMessageCommand({
      QueueUrl: local.target.output('DeadLettersUrl'),
      MessageBody: body,
      ...(reason && { MessageAttributes: { reason: { DataType: 'String', StringValue: reason } } }),
    }),
  );
  return MessageId;
}

const eventsOf = (event: ReturnType<typeof newEvent>) => storedCopies(local, event);

async function run(schema: { parse: (line: unknown) => unknown }, ...args: string[]) {
  const { exitCode, json, errors } = await local.ledger(['dlq', ...args, '--json']);
  expect(errors).toEqual([]);
  // biome-ignore lint/suspicious/noExplicitAny: lines of several shapes, each held by the schema
  return { exitCode, lines: json().map((line: any) => (line.event === 'error' ? line : schema.parse(line))) as any[] };
}
const list = () => run(dlqListLine, 'list');
const show = (id: string, ...flags: string[]) => run(dlqShowLine, 'show', id, ...flags);
const discard = (...flags: string[]) => run(dlqDiscardLine, 'discard', ...flags);
const redrive = (...flags: string[]) => run(dlqRedriveLine, 'redrive', '--yes', ...flags);

/** Waits until as many messages are visible as the command reports, so that none of them is hidden. */
async function visible(count: number): Promise<void> {
  expect(await local.stack.stats()).toMatchObject({ deadLetters: count });
  expect((await list()).lines.at(-1)).toMatchObject({ count });
}

test('a poison message among ten does not delay the others, is explained, and takes effect once when fixed', async () => {
  const events = Array.from({ length: 10 }, newEvent);
  const poison = events[6]!;
  const { partition, statusSort } = identify(poison, DOMAIN);
  const TableName = local.target.output('TableName');
  const Key = { pk: partition, sk: statusSort };
  // Leaves no room for another status: an item is at most 400 KB.
  const filler = 'x'.repeat(400 * 1024 - 150);
  await local.target.clients.table.send(new PutCommand({ TableName, Item: { ...Key, filler } }));
  const triesBefore = (await local.stack.stats()).calls['sqs.ChangeMessageVisibility'] ?? 0;

  await local.target.clients.queues.send(
    new SendMessageBatchCommand({
      QueueUrl: local.target.output('QueueUrl'),
      Entries: events.map((event, index) => ({ Id: String(index), MessageBody: messageOf(event) })),
    }),
  );
  for (const event of events) {
    while (event !== poison && (await eventsOf(event)).length === 0) await sleep(100);
  }
  await drained(local.stack);
  expect((await local.stack.stats()).calls['sqs.ChangeMessageVisibility'] ?? 0).toBe(triesBefore);
  expect(await eventsOf(poison)).toEqual([]);

  const { lines } = await list();
  expect(lines).toMatchObject([
    { event: 'reason', reason: 'unstorable', count: 1 },
    { count: 1, complete: true },
  ]);
  const [id] = lines[0].sample;
  expect((await show(id)).lines).toMatchObject([
    {
      reason: 'unstorable',
      detail: expect.stringMatching(/size/i),
      error: null,
      message: { messageId: partition.slice('MSG#'.length), eventKey: `delivered#${String(poison.id)}`, stored: false },
      advice: expect.stringMatching(/the table refused it: fix the cause/),
    },
  ]);

  // Without a fix it comes back.
  expect(await redrive('--wait', '20')).toMatchObject({
    exitCode: 1,
    lines: [{ event: 'progress' }, { event: 'back', reason: 'unstorable' }, { event: 'redriven', sent: 1, back: 1 }],
  });
  const remove = 'REMOVE filler';
  await local.target.clients.table.send(new UpdateCommand({ TableName, Key, UpdateExpression: remove }));
  const mended = await redrive();
  expect(mended.lines.at(-1)).toMatchObject({ event: 'redriven', sent: 1, stored: 1, back: 0, waiting: 0, left: 0 });
  expect(mended.exitCode).toBe(0);
  expect(await eventsOf(poison)).toHaveLength(1);
  await visible(0);
});

test('dlq list counts by reason, names no recipient, and hides no message', async () => {
  await sendToDlq('ada@north.example', 'not-json');
  await sendToDlq('{"to":"ada@north.example"}', 'unknown-version');
  for (let n = 0; n < 12; n += 1) await sendToDlq(messageOf());

  const { exitCode, lines } = await list();
  const text = await local.ledger(['dlq', 'list']);

  expect(exitCode).toBe(0);
  const counts = Object.fromEntries(lines.slice(0, -1).map(({ reason, count }) => [reason, count]));
  expect(counts).toEqual({ 'not-json': 1, 'unknown-version': 1, 'tries-used-up': 12 });
  expect(lines.find(({ reason }) => reason === 'tries-used-up').sample).toHaveLength(5);
  expect(text.lines.join('\n')).toMatch(/tries-used-up +12 {2}oldest \d+ (s|min) ago/);
  expect(JSON.stringify(lines) + text.lines.join()).not.toMatch(/@|example/);
  await visible(14);
});

test.each([
  [
    'ada@north.example',
    'not-json',
    { reason: 'not-json', where: 'body' },
    /who else may send.*get-queue-attributes.*then discard it: npm run ledger -- dlq discard --id \S+ --yes --local/,
  ],
  [
    messageOf().replace('"v":1', '"v":2'),
    'unknown-version',
    { reason: 'unknown-version', where: 'v' },
    /of version 2, and this code reads version 1: deploy the version.*If no release.*who else.*dlq discard --id \S+ --yes/,
  ],
  ['{"v":"ada@north.example"}', 'unknown-version', { reason: 'unknown-version', where: 'v' }, /^It is of no version/],
  [
    messageOf().replace('"domain":', '"d":'),
    'malformed-message',
    { reason: 'malformed-message', where: 'domain' },
    /who else/,
  ],
  [messageOf(), undefined, null, /the table was out for all its tries/],
  [messageOf(), 'unknown-version', null, /deploy it, then redrive/],
])('dlq show explains a message without personal data (case %#)', async (body, reason, error, advice) => {
  const id = await sendToDlq(body, reason);

  const { exitCode, lines } = await show(id);
  const text = await local.ledger(['dlq', 'show', id]);
  const [withBody] = (await show(id, '--show-body')).lines;

  expect(exitCode).toBe(0);
  expect(lines).toMatchObject([
    { id, reason: reason ?? 'tries-used-up', error, advice: expect.stringMatching(advice) },
  ]);
  expect(JSON.stringify(lines) + text.lines.join()).not.toMatch(/@/);
  expect(withBody.body).toBe(body);
  await visible(1);
});

test('dlq show of an unknown id is one sentence and exit code 1', async () => {
  const message = expect.stringMatching(/^there is no (such )?dead letter/);
  expect(await show('7c6ff0f5')).toEqual({ exitCode: 1, lines: [{ event: 'error', message }] });
  expect(await redrive('--id', '7c6ff0f5')).toEqual({ exitCode: 1, lines: [{ event: 'error', message }] });
});

test('an empty DLQ is not an error', async () => {
  expect(await list()).toEqual({ exitCode: 0, lines: [{ event: 'dead-letters', count: 0, complete: true }] });
  expect(await redrive()).toMatchObject({ exitCode: 0, lines: [{ event: 'redriven', sent: 0, left: 0 }] });
});

test('dlq redrive --plan prints what would be sent, and sends nothing', async () => {
  for (let n = 0; n < 3; n += 1) await sendToDlq(messageOf());
  await sendToDlq('{', 'not-json');
  const sends = (await local.stack.stats()).calls['sqs.SendMessage'];

  const { exitCode, lines } = await redrive('--plan');

  expect(exitCode).toBe(0);
  expect(lines.at(-1)).toEqual({ event: 'plan', count: 3, unreadable: 1, complete: true });
  expect(lines).toContainEqual({ event: 'planned', reason: 'tries-used-up', count: 3, mayComeBack: false });
  expect(lines).toContainEqual({
    event: 'unreadable',
    id: expect.any(String),
    reason: 'not-json',
    error: { reason: 'not-json', where: expect.any(String) },
  });
  expect((await local.stack.stats()).calls['sqs.SendMessage']).toBe(sends);
  await visible(4);
});

test('dlq redrive sends nothing without confirmation', async () => {
  await sendToDlq(messageOf());
  const refused = await local.ledger(['dlq', 'redrive']);
  expect(refused).toMatchObject({ exitCode: 2, errors: [expect.stringMatching(/needs --yes/)] });
  await visible(1);
});

test('dlq redrive sends only the named messages, by reason or by id', async () => {
  const [mine, other] = [newEvent(), newEvent()];
  const id = await sendToDlq(messageOf(mine));
  await sendToDlq(messageOf(other));
  await sendToDlq('{', 'not-json');

  expect((await redrive('--id', id)).lines.at(-1)).toMatchObject({ sent: 1, stored: 1 });
  expect([(await eventsOf(mine)).length, (await eventsOf(other)).length]).toEqual([1, 0]);
  await visible(2);
  expect((await redrive('--reason', 'tries-used-up')).lines.at(-1)).toMatchObject({ sent: 1, stored: 1 });
  expect((await list()).lines[0]).toMatchObject({ reason: 'not-json', count: 1 });
});

test('dlq redrive reports stored events as known, and never sends unreadable messages', async () => {
  const known = newEvent();
  await sendToDlq(messageOf(known));
  await redrive();
  await sendToDlq(messageOf(known));
  const unreadable = await sendToDlq('{', 'not-json');
  await sendToDlq(messageOf());

  const { exitCode, lines } = await redrive();

  expect(exitCode).toBe(1);
  expect(lines.at(-1)).toMatchObject({ sent: 2, stored: 1, known: 1, back: 0, waiting: 0, left: 0, unreadable: 1 });
  expect(lines).toContainEqual(expect.objectContaining({ event: 'unreadable', id: unreadable, reason: 'not-json' }));
  expect(await eventsOf(known)).toHaveLength(1);
  await visible(1);
  expect((await list()).lines[0].sample).toEqual([unreadable]);
  const text = await local.ledger(['dlq', 'redrive', '--plan']);
  expect(text.lines.join('\n')).toMatch(
    new RegExp(
      `unreadable, so not sent: ${unreadable} .*\\n.*fix: npm run ledger -- dlq discard --id ${unreadable} --yes --local`,
    ),
  );
});

test('dlq discard prints what is lost, deletes only the named messages, and changes nothing with --plan', async () => {
  const [stored, lost] = [newEvent(), newEvent()];
  await sendToDlq(messageOf(stored));
  await redrive();
  const ids = [
    await sendToDlq(messageOf(stored)),
    await sendToDlq(messageOf(lost)),
    await sendToDlq('ada@north.example', 'not-json'),
  ];
  await sendToDlq(messageOf());
  const named = ids.flatMap((id) => ['--id', id]);

  const plan = await discard('--plan', ...named);

  expect(plan.exitCode).toBe(0);
  const eventKey = `delivered#${String(lost.id)}`;
  expect(plan.lines).toContainEqual(expect.objectContaining({ id: ids[0], loses: 'nothing' }));
  expect(plan.lines).toContainEqual(expect.objectContaining({ id: ids[1], loses: 'event', eventKey, domain: DOMAIN }));
  expect(plan.lines).toContainEqual(expect.objectContaining({ id: ids[2], loses: 'unreadable', eventKey: null }));
  expect(plan.lines.at(-1)).toEqual({ event: 'plan', count: 3, losesEvents: 1, unreadable: 1, complete: true });
  await visible(4);
  const refused = await local.ledger(['dlq', 'discard', ...named]);
  expect(refused).toMatchObject({ exitCode: 2, errors: [expect.stringMatching(/needs --yes/)] });
  expect(refused.lines.join('\n')).toMatch(/cannot be read \(not-json, at .*\): its body is lost/);
  expect(refused.lines.join()).not.toMatch(/@/);
  await visible(4);

  const done = await discard('--yes', ...named);

  expect(done).toMatchObject({ exitCode: 0 });
  expect(done.lines.at(-1)).toEqual({ event: 'discarded', count: 3, left: 0, complete: true });
  await visible(1);
  expect(await eventsOf(lost)).toEqual([]);
});

test('dlq discard deletes all messages of a reason, none for an unknown id, and reports a failed deletion', async () => {
  await sendToDlq('{', 'not-json');
  await sendToDlq('[', 'not-json');
  const other = await sendToDlq(messageOf());
  const unknown = await discard('--yes', '--id', other, '--id', '7c6ff0f5');
  expect(unknown).toEqual({
    exitCode: 1,
    lines: [{ event: 'error', message: expect.stringMatching(/no such dead letter, .*: 7c6ff0f5$/) }],
  });
  local.stack.setFaults([{ service: 'sqs', operation: 'DeleteMessage', mode: '500', percent: 100 }]);
  expect(await discard('--yes', '--reason', 'not-json')).toMatchObject({ exitCode: 1 });
  local.stack.setFaults([]);
  await visible(3);
  expect((await discard('--yes', '--reason', 'not-json')).lines.at(-1)).toMatchObject({ count: 2, left: 0 });
  await visible(1);
});

test('an unreadable message moved by SQS has one reason in list, redrive and discard', async () => {
  const id = await sendToDlq('{');
  await sendToDlq(messageOf());
  const of = (reason: string) => expect.objectContaining({ reason, count: 1 });
  expect((await list()).lines).toEqual([of('not-json'), of('tries-used-up'), expect.objectContaining({ count: 2 })]);
  expect((await show(id)).lines).toMatchObject([{ reason: 'not-json', advice: expect.stringMatching(/discard it/) }]);
  const plan = await redrive('--plan', '--reason', 'tries-used-up');
  expect(plan.lines.at(-1)).toMatchObject({ event: 'plan', count: 1, unreadable: 0 });
  expect((await discard('--yes', '--reason', 'not-json')).lines.at(-1)).toMatchObject({ count: 1, left: 0 });
  await visible(1);
});

test.each([[discard], [redrive]])(
  'dlq reports the existing reasons for a reason that no message has (case %#)',
  async (command) => {
    const error = (message: string) => ({ exitCode: 1, lines: [{ event: 'error', message }] });
    const of = (...flags: string[]) => command('--plan', '--reason', 'unstorable', ...flags);
    expect(await of()).toEqual(error('no dead letter has the reason unstorable: there are none'));
    await sendToDlq('{');
    expect(await of()).toEqual(error('no dead letter has the reason unstorable: there are not-json'));
    await visible(1);
  },
);

test('dlq redrive keeps to its rate', async () => {
  for (let n = 0; n < 4; n += 1) await sendToDlq(messageOf());
  const startedMs = Date.now();
  expect((await redrive('--rate', '2/s')).lines.at(-1)).toMatchObject({ sent: 4, stored: 4 });
  expect(Date.now() - startedMs).toBeGreaterThanOrEqual(1500);
});

test('an interrupted dlq redrive makes unsent messages visible again', async () => {
  for (let n = 0; n < 4; n += 1) await sendToDlq(messageOf());
  const interruption = new AbortController();
  const { exitCode, lines } = await local.ledger(['dlq', 'redrive', '--yes', '--rate', '1', '--json'], {
    signal: interruption.signal,
    sleep: async (ms) => {
      if (ms > 500) interruption.abort();
      await sleep(ms > 500 ? 0 : ms);
    },
  });
  expect(exitCode).toBe(1);
  expect(JSON.parse(lines.at(-1) ?? '')).toMatchObject({ event: 'redriven', sent: 1, left: 3 });
  await drained(local.stack);
  await visible(3);
});

test.each([['SendMessage'], ['DeleteMessage']])(
  'dlq redrive stops if %s fails, and loses nothing',
  async (operation) => {
    const event = newEvent();
    await sendToDlq(messageOf(event));
    local.stack.setFaults([{ service: 'sqs', operation, mode: '500', percent: 100 }]);
    const { exitCode, lines } = await redrive('--wait', '5');
    local.stack.setFaults([]);

    expect(exitCode).toBe(1);
    expect(lines).toContainEqual({ event: 'stopped', why: expect.any(String) });
    await visible(1);
    expect(await redrive()).toMatchObject({ exitCode: 0 });
    expect(await eventsOf(event)).toHaveLength(1);
  },
);

test.each([
  [['redrive', '--rate', 'fast'], /whole number of at least 1/],
  [['redrive', '--rate', '0'], /whole number of at least 1/],
  [['show'], /missing required argument 'id'/],
  [['discard', '--yes'], /--id or --reason is missing/],
])('dlq exits with 2 and one sentence for the wrong input %p', async (args, expected) => {
  const { exitCode, errors } = await local.ledger(['dlq', ...args]);
  expect({ exitCode, errors }).toEqual({ exitCode: 2, errors: [expect.stringMatching(expected)] });
});
