import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { LocalStack } from '../../../../tools/local-ledger/local-ledger.ts';
import { USUAL_RECONCILE } from '../../../../tools/local-ledger/options/reconcile-choice.ts';
import { chooseTableEngine, openLedgerRun } from '../../../../tools/local-ledger/stack-settings.ts';
import type { AlarmNews } from '../../../../tools/local-stack/alarms/start-alarms.ts';
import { createResources } from '../../../../tools/local-stack/aws/create-resources.ts';
import { startEngines } from '../../../../tools/local-stack/engines/engines.ts';
import type { Metric } from '../../../../tools/local-stack/metrics/metric.ts';
import { createQueueGauges } from '../../../../tools/local-stack/metrics/queue-gauges.ts';
import { Disposables } from '../../../../tools/local-stack/run/disposables.ts';

import { stackWith } from '../../../support/alarms/alarm-template.ts';
import { deliveredEvent } from '../../../support/fixtures/webhooks.ts';
import { postWebhook, startTestStack } from '../../../support/stacks/local-stack.ts';

// From metrics of functions, gateways and engines to notifications at a topic.

const changes: AlarmNews[] = [];
let stack: LocalStack;

beforeAll(async () => {
  stack = await startTestStack({
    reconcile: { ...USUAL_RECONCILE, everySeconds: 1 },
    metricPeriodSeconds: 1,
    onAlarm: (news) => changes.push(news),
  });
}, 60_000);
afterAll(() => stack?.stop());

const post = () => postWebhook(stack, deliveredEvent({ id: randomUUID() }));

const nameOf = (anchor: string) => `mailgun-ledger-dev-${anchor}`;
const stateOf = async (anchor: string) => (await stack.stats()).alarms[nameOf(anchor)];

async function becomes(anchor: string, state: string, meanwhile: () => Promise<unknown> = async () => {}) {
  while ((await stateOf(anchor)) !== state) {
    await meanwhile();
    await sleep(200);
  }
}

const control = async (path: string, body?: unknown) => {
  const init = body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) };
  const response = await fetch(stack.ready.controlUrl + path, init);
  // biome-ignore lint/suspicious/noExplicitAny: responses of many shapes, held by the assertions
  return { status: response.status, json: (await response.json()) as any };
};

/** Its window of nine hours takes nine minutes here. */
const SLOW = 'webhooks-not-arriving';

test('every alarm reaches a state from its own metrics', async () => {
  const anchors = Object.keys((await stack.stats()).alarms).map((name) => name.replace(nameOf(''), ''));
  expect(anchors).toContain(SLOW);
  for (const anchor of anchors.filter((each) => each !== SLOW)) await becomes(anchor, 'OK');
}, 60_000);

test('errors of the gateway set off an alarm, notify its topic, and end', async () => {
  stack.setFaults([{ service: 'sqs', operation: 'SendMessage', mode: 'refuse', percent: 100 }]);
  await becomes('webhook-errors', 'ALARM', post);
  stack.setFaults([]);
  await becomes('webhook-errors', 'OK');

  const { notifications } = (await control('/notifications')).json;
  const own = notifications.filter(
    ({ message }: { message: { AlarmName: string } }) => message.AlarmName === nameOf('webhook-errors'),
  );
  expect(
    own.map(({ topic, message }: { topic: string; message: { NewStateValue: string } }) => [
      topic,
      message.NewStateValue,
    ]),
  ).toEqual([
    ['topics-page', 'OK'],
    ['topics-page', 'ALARM'],
    ['topics-page', 'OK'],
  ]);
  expect(changes.filter(({ name }) => name === nameOf('webhook-errors')).map(({ to }) => to)).toEqual([
    'OK',
    'ALARM',
    'OK',
  ]);
  expect(
    stack
      .logs()
      .some(
        ({ source, line }) =>
          source === 'alarms' && line.startsWith(`${nameOf('webhook-errors')} OK -> ALARM: Threshold`),
      ),
  ).toBe(true);
}, 120_000);

test('a crashing function counts as an error', async () => {
  stack.setFaults([{ service: 'dynamodb', operation: 'UpdateItem', mode: 'hang', percent: 100 }]);
  await becomes('process-errors', 'ALARM', async () => {
    await post();
    await sleep(1500);
    process.kill((await stack.stats()).processes.process ?? 0, 'SIGKILL');
  });
  stack.setFaults([]);
}, 120_000);

test('a drill notifies like a real alarm, and the next evaluation ends it', async () => {
  expect(await control(`/alarms/${nameOf('stuck')}`, { state: 'ALARM', reason: 'drill' })).toMatchObject({
    status: 200,
  });
  await becomes('stuck', 'OK');

  const reported = changes.filter(({ name }) => name === nameOf('stuck'));
  expect(reported.map(({ to, reason }) => [to, reason]).slice(-2)).toEqual([
    ['ALARM', 'drill'],
    ['OK', expect.stringMatching(/^Threshold Crossed/)],
  ]);
}, 60_000);

test.each([
  { path: '/alarms/unknown', body: { state: 'ALARM', reason: 'drill' }, status: 404 },
  { path: `/alarms/${nameOf('stuck')}`, body: { state: 'RED', reason: 'drill' }, status: 400 },
  { path: `/alarms/${nameOf('stuck')}`, body: { state: 'ALARM' }, status: 400 },
  { path: '/alarms/', body: { state: 'ALARM', reason: 'drill' }, status: 404 },
])('control route $path with $body responds $status', async ({ path, body, status }) => {
  expect((await control(path, body)).status).toBe(status);
});

test('queue gauges show visible and invisible messages, and the age of the oldest that was not received too often', async () => {
  const disposables = new Disposables();
  try {
    const run = await openLedgerRun(0, disposables);
    const { sqs, ...others } = await startEngines(run, await chooseTableEngine({ needsStream: false }));
    const template = stackWith([]);
    await createResources(template, { sqs, ...others });
    const measured = new Map<string, number>();
    const gauge = createQueueGauges(template, sqs, ({ name }: Metric, value) => measured.set(name, value));
    const call = (operation: string, input: object) =>
      sqs.call(operation, Buffer.from(JSON.stringify({ QueueUrl: 'http://queues/Queue', ...input })));
    const stateIn = async (inSeconds: number) => {
      await gauge(Date.now() + inSeconds * 1000);
      return ['NumberOfMessagesVisible', 'NumberOfMessagesNotVisible', 'AgeOfOldestMessage'].map((name) =>
        measured.get(`Approximate${name}`),
      );
    };

    expect(await stateIn(0)).toEqual([0, 0, 0]);
    await call('SendMessage', { MessageBody: 'a'.repeat(1000) });
    await sleep(1100);
    await call('SendMessage', { MessageBody: 'b' });
    expect(await stateIn(60)).toEqual([2, 0, 61]);

    // In flight it is invisible, and still ages.
    await call('ReceiveMessage', { MaxNumberOfMessages: 1, VisibilityTimeout: 1 });
    expect(await stateIn(60)).toEqual([1, 1, 61]);

    for (let received = 1; received <= 3; received += 1) {
      await sleep(1100);
      await call('ReceiveMessage', { MaxNumberOfMessages: 10, VisibilityTimeout: 1 });
    }
    const [, , age] = await stateIn(60);
    expect(age).toBeLessThan(65);
    expect(age).toBeGreaterThan(61);
  } finally {
    await disposables.close();
  }
}, 60_000);
