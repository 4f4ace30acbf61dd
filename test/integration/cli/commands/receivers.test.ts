import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { PutSecretValueCommand } from '@aws-sdk/client-secrets-manager';
import { Webhook } from 'standardwebhooks';
import type { ZodType } from 'zod';
import type { CliContext } from '../../../../cli/command.ts';
import { openClients } from '../../../../cli/target/clients.ts';
import { openDeployment } from '../../../../cli/target/open.ts';
import { runCommand } from '../../../support/cli/command-line.ts';
import {
  deliveryLine,
  enableLine,
  receiverLine,
  receiverTestLine,
  redeliverLine,
  rotateReceiverLine,
} from '../../../support/cli/json-lines/receivers.ts';
import { type ReceiverServer, startReceiver } from '../../../support/doubles/receiver-server.ts';
import { DOMAIN, deliveredEvent } from '../../../support/fixtures/webhooks.ts';
import { postPatiently, startTestStack } from '../../../support/stacks/local-stack.ts';

// The operator's receiver commands against a running stack. The tests depend on each other, like the steps of an
// incident.

let receiver: ReceiverServer;
let stack: Awaited<ReturnType<typeof startTestStack>>;

beforeAll(async () => {
  receiver = await startReceiver();
  stack = await startTestStack({
    publish: { recipients: true },
    // One minute of alarms takes a second.
    metricPeriodSeconds: 1,
    overlay: {
      receivers: [
        { name: 'crm', url: receiver.url, events: ['message.status.changed'], recipients: true, ratePerSecond: 50 },
      ],
      delivery: { retrySeconds: [1], timeoutSeconds: 2 },
    },
  });
});
afterAll(async () => {
  await stack?.stop();
  await receiver?.close();
});

const run = (args: string[], context: Partial<CliContext> = {}) =>
  runCommand(['receivers', ...args, '--local', '--port', String(new URL(stack.ready.webhookUrl).port)], {
    openDeployment,
    sleep,
    ...context,
  });

/** Runs a command with `--json`; checks every line against its schema. */
async function runJson<Line>(schema: ZodType<Line>, args: string[]) {
  const { exitCode, json, errors } = await run([...args, '--json']);
  expect(errors).toEqual([]);
  return { exitCode, lines: json().map((line) => schema.parse(line)) };
}

async function sendEvent(): Promise<string> {
  const messageId = `${randomUUID()}@${DOMAIN}`;
  const event = { id: randomUUID(), timestamp: Date.now() / 1000, message: { headers: { 'message-id': messageId } } };
  expect(await postPatiently(stack, deliveredEvent(event))).toBe(200);
  return messageId;
}

/** Reads the log until the delivery of a message is in this state. */
async function hasState(messageId: string, state: string) {
  for (let polls = 0; polls < 300; polls += 1) {
    const { json } = await run(['log', 'crm', '--json']);
    const found = json().find((line) => line.messageId === messageId && line.state === state);
    if (found) return deliveryLine.parse(found);
    await sleep(200);
  }
  throw new Error(`the delivery of ${messageId} did not become ${state}`);
}

async function isSounding(alarm: string, meanwhile: () => Promise<unknown> = () => sleep(100)): Promise<void> {
  const isOn = () => stack.alarms().some(({ name, state }) => name.endsWith(`-${alarm}`) && state === 'ALARM');
  for (let polls = 0; !isOn(); polls += 1) {
    if (polls > 300) throw new Error(`${alarm} is not on`);
    await meanwhile();
  }
}

let deadMessage: string;

test('receivers test sends a signed receiver.test and shows the response', async () => {
  const { exitCode, lines } = await runJson(receiverTestLine, ['test', 'crm']);

  expect({ exitCode, line: lines[0] }).toMatchObject({
    exitCode: 0,
    line: { state: 'acknowledged', attempt: { status: 204 } },
  });
  const { headers, body } = receiver.received.at(-1)!;
  const secret = stack.ready.receivers?.[0]?.secret ?? '';
  expect(new Webhook(secret).verify(body, headers as Record<string, string>)).toMatchObject({ type: 'receiver.test' });
});

test('receivers log and list show acknowledged deliveries, and dead ones with attempts and response', async () => {
  const fine = await sendEvent();
  await hasState(fine, 'acknowledged');
  receiver.respond((response, { body }) => void response.writeHead(500).end(`cannot: ${body.slice(-400)}`));
  deadMessage = await sendEvent();
  const dead = await hasState(deadMessage, 'dead');
  await isSounding('deliveries-dead-crm');

  expect(dead.attempts.map(({ status }) => status)).toEqual([500, 500]);
  expect(dead.response).toMatch(/^cannot: /);
  // The receiver's response repeated the address, which the log leaves out.
  expect(dead.response).toContain('"recipient":"erased"');
  const { exitCode, lines } = await runJson(receiverLine, ['list']);
  expect({ exitCode, line: lines[0] }).toMatchObject({
    exitCode: 1,
    line: { name: 'crm', state: 'failing', inDlq: 1, ledger: { dead: 1, unaccounted: 0 } },
  });
  expect(lines.slice(1)).toEqual([{ event: 'listed', count: 1 }]);
});

test('receivers redeliver prints its plan, then sends dead deliveries again, and empties the DLQ', async () => {
  receiver.respond((response) => void response.writeHead(204).end());
  expect((await runJson(redeliverLine, ['redeliver', 'crm', '--plan'])).lines).toEqual([
    { event: 'plan', dead: 1, seconds: 1 },
  ]);
  expect(await runJson(redeliverLine, ['redeliver', 'crm', '--id', 'another'])).toEqual({
    exitCode: 0,
    lines: [{ event: 'redelivered', sent: 0, left: 1, unreadable: 0, unseen: 0 }],
  });
  const others = [
    ['--status', 'FAILED'],
    ['--kind', 'complaint'],
    ['--type', 'suppression.changed'],
    ['--message', 'another'],
  ];
  for (const other of others) {
    expect(
      (await runJson(redeliverLine, ['redeliver', 'crm', '--plan', '--from', '1h', ...other])).lines,
    ).toMatchObject([{ dead: 0 }]);
  }
  expect((await runJson(redeliverLine, ['redeliver', 'crm', '--status', 'FAILED'])).lines).toMatchObject([{ left: 1 }]);
  const theirs = ['--status', 'DELIVERED', '--type', 'message.status.changed', '--message', deadMessage];
  expect((await runJson(redeliverLine, ['redeliver', 'crm', '--plan', '--from', '1h', ...theirs])).lines).toMatchObject(
    [{ dead: 1 }],
  );
  expect(await runJson(redeliverLine, ['redeliver', 'crm', ...theirs])).toEqual({
    exitCode: 0,
    lines: [{ event: 'redelivered', sent: 1, left: 0, unreadable: 0, unseen: 0 }],
  });
  const delivered = await hasState(deadMessage, 'acknowledged');

  expect(delivered.attempts.map(({ status }) => status)).toEqual([500, 500, 204]);
  expect(JSON.parse(receiver.received.at(-1)?.body ?? '{}').data.recipient).toContain('@');
  const { exitCode, lines } = await runJson(receiverLine, ['list']);
  expect({ exitCode, line: lines[0] }).toMatchObject({ exitCode: 0, line: { state: 'enabled', inDlq: 0 } });
});

test('a 410 disables a receiver, receivers list shows it with the first command, and enable ends it', async () => {
  receiver.respond((response) => void response.writeHead(410).end());
  await hasState(await sendEvent(), 'waiting');
  const disabled = await run(['list']);
  const listed = (await runJson(receiverLine, ['list'])).lines.find((line) => line.event === 'receiver');
  const waiting = await runJson(deliveryLine, ['log', 'crm', '--state', 'waiting']);
  await isSounding('receiver-disabled');
  const enabled = await runJson(enableLine, ['enable', 'crm']);
  const again = await runJson(enableLine, ['enable', 'crm']);

  expect(listed?.ledger.waiting).toBeGreaterThan(0);
  expect(waiting.lines).toHaveLength(listed?.ledger.waiting ?? -1);
  expect(disabled.exitCode).toBe(1);
  expect(disabled.lines.join('\n')).toMatch(
    /crm {2}disabled \(gone, last status 410\)[\s\S]* 1\. have the receiver fixed.*receivers log crm --local[\s\S]* 2\. .*receivers enable crm --local[\s\S]* 3\. .*receivers test crm --local/,
  );
  expect(enabled).toMatchObject({ exitCode: 0, lines: [{ wasDisabled: true, queued: 1, sentBy: expect.any(String) }] });
  expect(again).toMatchObject({ exitCode: 0, lines: [{ wasDisabled: false }] });
});

test('receivers rotate prints a secret that libraries accept, and refuses another rotation during the overlap', async () => {
  const { exitCode, lines } = await runJson(rotateReceiverLine, ['rotate', 'crm', '--yes', '--overlap', '2']);

  expect(exitCode).toBe(0);
  expect(() => new Webhook(lines[0]?.secret ?? '')).not.toThrow();
  expect(await run(['rotate', 'crm', '--yes'])).toMatchObject({
    exitCode: 2,
    errors: [expect.stringContaining('a rotation is in progress until')],
  });
});

test('a receiver whose secret cannot be read sets off deliver-errors, while its deliveries wait', async () => {
  const { region, awsEndpointUrl: endpoint, accessKeyId, outputs } = stack.place;
  const { secrets } = openClients({ region, endpoint, credentials: { accessKeyId, secretAccessKey: 'local' } });
  const [{ secretArn: SecretId }] = JSON.parse(outputs.Receivers ?? '[]');
  await secrets.send(new PutSecretValueCommand({ SecretId, SecretString: 'whsec_…' }));
  // The next one reads it again. On a busy machine the first may have been replaced by now.
  process.kill((await stack.stats()).processes.deliver ?? 0, 'SIGKILL');
  const requests = receiver.received.length;
  let messageId = '';
  await isSounding('deliver-errors', async () => {
    messageId = await sendEvent();
    await sleep(300);
  });

  expect(receiver.received).toHaveLength(requests);
  expect((await hasState(messageId, 'published')).attempts).toEqual([]);
});

test.each([
  { args: ['log', 'other'], error: 'there is no receiver other; the stack has crm' },
  { args: ['log', 'crm', '--id', 'nothing'], error: 'no delivery of that time matches' },
  { args: ['log', 'crm', '--state', 'lost'], error: '--state is one of published, waiting' },
  { args: ['log', 'crm', '--state', 'constructor'], error: '--state is one of published, waiting' },
  { args: ['list', '--from', '1h', '--to', '2h'], error: '--from is not before --to' },
])('$args is wrong usage: $error', async ({ args, error }) => {
  const { exitCode, errors } = await run(args);
  expect({ exitCode, errors }).toEqual({ exitCode: 2, errors: [expect.stringContaining(error)] });
});
