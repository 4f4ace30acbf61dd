import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { SendMessageBatchCommand } from '@aws-sdk/client-sqs';
import { encodeQueueMessage } from '../../../../lambdas/domain/events/queue-message.ts';
import { type Death, openKillingEndpoint } from '../../../support/doubles/killing-endpoint.ts';
import { DOMAIN, deliveredEvent } from '../../../support/fixtures/webhooks.ts';
import { type LocalLedger, startLocalLedger, storedCopies } from '../../../support/stacks/local-ledger.ts';
import { drained } from '../../../support/stacks/local-stack.ts';

// The real command in a process of its own against the running stack, killed (SIGKILL) at each of its calls: before the
// call took effect, and after it but before its reply. It is run again after each.

const ROOT = join(import.meta.dirname, '../../../..');
/** No stack can run on such a port, so its file is free; each test process uses another one. */
const GATE_PORT = 1 + (process.pid % 1000);
const GATE_FILE = join(ROOT, '.local', `${GATE_PORT}.json`);
const REASON = { reason: { DataType: 'String', StringValue: 'unstorable' } };

let local: LocalLedger;
beforeAll(async () => {
  local = await startLocalLedger();
}, 120_000);
afterAll(async () => {
  await local?.stack.stop();
  rmSync(GATE_FILE, { force: true });
});

const newEvent = () => deliveredEvent({ id: randomUUID(), message: { headers: { 'message-id': randomUUID() } } });

/** Puts two events into the DLQ, as process does. */
async function sendTwoToDlq() {
  const events = [newEvent(), newEvent()];
  await local.target.clients.queues.send(
    new SendMessageBatchCommand({
      QueueUrl: local.target.output('DeadLettersUrl'),
      Entries: events.map((event, index) => ({
        Id: String(index),
        MessageBody: encodeQueueMessage({ source: 'webhook', receivedAt: Date.now(), domain: DOMAIN, event }),
        MessageAttributes: REASON,
      })),
    }),
  );
  return events;
}

const REDRIVE = ['dlq', 'redrive', '--yes', '--json', '--wait', '30'];

/** Runs the command in a process of its own; the exit code is null if it was killed. */
async function redrive(death?: Death) {
  let kill = () => {};
  const gate = await openKillingEndpoint(local, death, () => kill());
  const { mailgunUrl, domains } = local.stack.ready;
  writeFileSync(GATE_FILE, JSON.stringify({ controlUrl: gate.url, mailgunUrl, domains }));
  const child = spawn(process.execPath, ['bin/mailgun-ledger.ts', ...REDRIVE, '--local', '--port', String(GATE_PORT)], {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  kill = () => child.kill('SIGKILL');
  const [output, exitCode] = await Promise.all([
    text(child.stdout),
    new Promise<number | null>((resolve) => child.once('close', resolve)),
  ]);
  gate.close();
  return { ...gate, exitCode, output };
}

test('dlq redrive killed at any call stores every event exactly once in the end', async () => {
  const whole = await sendTwoToDlq();
  const clean = await redrive();
  expect(clean).toMatchObject({ exitCode: 0 });
  expect(JSON.parse(clean.output.trim().split('\n').at(-1) ?? '')).toMatchObject({ sent: 2, stored: 2, left: 0 });
  expect(clean.calls.filter((call) => call === 'SendMessage' || call === 'DeleteMessage')).toEqual([
    ...['SendMessage', 'DeleteMessage'],
    ...['SendMessage', 'DeleteMessage'],
  ]);
  const sent = clean.requests.filter((_, call) => clean.calls[call] === 'SendMessage');
  const keys = ['MessageBody', 'MessageGroupId', 'QueueUrl'];
  expect(sent.map((request) => Object.keys(request).sort())).toEqual([keys, keys]);
  for (const event of whole) expect((await storedCopies(local, event)).length).toBe(1);

  const died = new Map<string, number>();
  for (let call = 0; ; call += 1) {
    const ends = [];
    for (const moment of ['before', 'after'] as const) {
      const events = await sendTwoToDlq();
      const killed = await redrive({ call, moment });
      ends.push(killed.exitCode);
      const point = `${moment} ${killed.calls[call] ?? 'the end'}`;
      if (killed.exitCode === null) died.set(point, (died.get(point) ?? 0) + 1);
      await killed.expireVisibility();
      const { exitCode, lines, errors } = await local.ledger(REDRIVE);
      await drained(local.stack);
      const copies = (await Promise.all(events.map((event) => storedCopies(local, event)))).map(({ length }) => length);
      const { deadLetters } = await local.stack.stats();
      expect({ point, exitCode, lines, errors, copies, deadLetters }).toEqual({
        point,
        exitCode: 0,
        lines,
        errors,
        copies: [1, 1],
        deadLetters: 0,
      });
    }
    // It exited by itself: it makes fewer calls than that.
    if (ends.every((exitCode) => exitCode === 0)) break;
  }
  console.log(`redrive was killed\n${[...died].map(([point, times]) => `  ${point}: ${times} times`).join('\n')}`);
  for (const moment of ['before', 'after']) {
    for (const call of [
      'ReceiveMessage',
      'BatchGetItem',
      'SendMessage',
      'DeleteMessage',
      'ChangeMessageVisibilityBatch',
    ]) {
      expect([...died.keys()]).toContain(`${moment} ${call}`);
    }
  }
}, 900_000);
