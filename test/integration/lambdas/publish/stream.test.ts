import { mock } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { GetCommand, PutCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import type { Context } from 'aws-lambda';
import { createRestoreNotes } from '../../../../lambdas/adapters/table/delivery-repository.ts';
import { createEventCorrection, createEventRepository } from '../../../../lambdas/adapters/table/event-repository.ts';
import { statusFacts } from '../../../../lambdas/adapters/table/recipient-repository.ts';
import { messagePartition, statusSort } from '../../../../lambdas/domain/keys.ts';
import { isPublishable } from '../../../../lambdas/domain/publishing/published.ts';
import { createProcess } from '../../../../lambdas/process/process.ts';
import type { Fault } from '../../../../tools/local-stack/aws/fault-rules.ts';
import { readStreamSources, type StreamSource } from '../../../../tools/local-stack/event-source/stream-definition.ts';
import { StreamPoller } from '../../../../tools/local-stack/event-source/stream-poller.ts';
import type { InvocationResult } from '../../../../tools/local-stack/functions/function-sandbox.ts';
import { createRandom } from '../../../../tools/mailgun-twin/random.ts';
import { lifeEvent, OUTCOME_NAMES } from '../../../model/worlds/life-events.ts';
import { LONE_PROCESS } from '../../../support/fixtures/erasures.ts';
import { statesInStream, wordsOf, wordsOfPublished } from '../../../support/fixtures/stream.ts';
import { DOMAIN, NOW_MS } from '../../../support/fixtures/webhooks.ts';
import { shareOf } from '../../../support/share.ts';
import { startTestEngines, type TestEngines } from '../../../support/stacks/engines.ts';

// The real table with its stream, the template's filters and batches, the handler, and the bus.

let engines: TestEngines;
let source: StreamSource;
let handler: (event: unknown, context: Context) => Promise<unknown>;
let poller: StreamPoller | undefined;
let logged: ReturnType<typeof silence> | undefined;

const silence = () => mock.method(process.stdout, 'write', () => true);

beforeAll(async () => {
  engines = await startTestEngines({ publish: { enabled: true, recipients: true, retrySeconds: 3600 } });
  [source] = readStreamSources(engines.stack) as [StreamSource];
  Object.assign(process.env, engines.awsEnvironment, {
    LEDGER_NAME: 'test',
    TABLE_NAME: engines.table.name,
    BUS_NAME: 'default',
    FAILURES_URL: engines.output('PublishFailuresUrl'),
    SUBJECT_KEY_SECRET_ARN: String(engines.stack.resolve({ Ref: secretId() }, 'test')),
    ERASURE_KEY_SECRET_ARN: engines.output('ErasureKeySecretArn'),
    RECIPIENTS: 'yes',
    RETRY_SECONDS: '3600',
    DOMAINS: DOMAIN,
    RECEIVERS: '[]',
    DELIVERY_DAYS: '30',
  });
  logged = silence();
  ({ handler } = (await import('../../../../lambdas/publish/handler.ts')) as never);
}, 60_000);
afterAll(async () => {
  logged?.mock.restore();
  await engines?.close();
});
afterEach(() => {
  engines.faults.replace([]);
  poller?.stop();
});

const secretId = () =>
  Object.keys(engines.stack.template.Resources).find((id) => id.startsWith('PublishSubjectKey')) ?? '';
const published = () => engines.raw.events.published();
const context = { getRemainingTimeInMillis: () => 60_000 } as Context;

/** Runs the function like Lambda's poller; `outcome` may kill it before or after its work. */
function follow(outcome: () => 'lives' | 'dies before' | 'dies after' = () => 'lives'): { batches: number[] } {
  const batches: number[] = [];
  const dead: InvocationResult = { ok: false, error: 'Runtime exited: SIGKILL', timedOut: false };
  poller = new StreamPoller({
    source: { ...source, batchSize: 40, windowSeconds: 0.1 },
    region: 'us-east-1',
    streams: engines.raw.dynamodb.streams,
    dynamodb: engines.raw.dynamodb,
    sqs: engines.raw.sqs,
    target: {
      async invoke(event): Promise<InvocationResult> {
        const end = outcome();
        batches.push(JSON.parse(event).Records.length);
        if (end === 'dies before') return dead;
        const result = await handler(JSON.parse(event), context);
        return end === 'dies after' ? dead : { ok: true, payload: JSON.stringify(result) };
      },
    },
    log: () => {},
  });
  return { batches };
}

const QUIET_MS = 1500;
/** Calls take effect up to three seconds late. */
const QUIET_WITH_DELAYS_MS = 4000;

/** Waits until every change is published, or never will be, and the bus was quiet for a while. */
async function calm(quietMs = QUIET_MS): Promise<void> {
  for (const endMs = Date.now() + 60_000; Date.now() < endMs && (await untold()).length > 0; ) await sleep(500);
  for (let count = -1; count !== published().length; await sleep(quietMs)) count = published().length;
}

type Words = ReturnType<typeof wordsOf>;
const unique = (list: Words[]) => new Set(list.map((each) => JSON.stringify(each)));
const changesOf = async () => (await statesInStream(engines)).filter(isPublishable).map(wordsOf);

async function untold(): Promise<string[]> {
  const announced = unique(published().map(wordsOfPublished));
  return [...unique(await changesOf())].filter((each) => !announced.has(each));
}

type LifeEvent = ReturnType<typeof lifeEvent>;
/** An event from a webhook, or, where it `corrects`, as Mailgun lists it. */
interface Arrival {
  event: LifeEvent;
  corrects?: boolean;
}

const store = (events: LifeEvent[]) => take(events.map((event) => ({ event })));

async function take(arrivals: readonly Arrival[]) {
  const process = createProcess({
    ...LONE_PROCESS,
    records: createEventRepository(engines.table),
    corrections: createEventCorrection(engines.table),
    retentionDays: 400,
  });
  const common = { receivedAt: NOW_MS, domain: DOMAIN };
  for (const { event, corrects } of arrivals) {
    await process(
      corrects ? { ...common, source: 'reconcile', event, corrects } : { ...common, source: 'webhook', event },
    );
  }
}

/** Returns the event as a forged webhook has it, under the same identity; of a failure a suppression follows. */
function forgedCopy(event: LifeEvent): LifeEvent {
  if (event.event === 'failed') return { ...event, severity: 'permanent', reason: 'bounce' };
  return event.event === 'complained' || event.event === 'unsubscribed'
    ? event
    : { ...event, timestamp: NOW_MS / 1000 - 9000 };
}

/** Returns events of many messages, each up to three times or forged and corrected, in random order. */
function wildEvents(seed: number, messages: number): Arrival[] {
  const random = createRandom(seed).next;
  const events = Array.from({ length: messages }, (_, message) =>
    OUTCOME_NAMES.flatMap((outcome) => {
      const event = lifeEvent(outcome, seed * 1000 + message, message % 7, Math.floor(random() * 3600));
      const arrivals = Array.from({ length: Math.floor(random() * 4) }, (): Arrival => ({ event }));
      const correction = { event, corrects: true };
      return random() < 0.3 ? [...arrivals, { event: forgedCopy(event) }, correction, correction] : arrivals;
    }),
  ).flat();
  return events
    .map((arrival) => ({ arrival, at: random() }))
    .toSorted((a, b) => a.at - b.at)
    .map(({ arrival }) => arrival);
}

/**
 * Asserts that every state in the stream was published and nothing else, and that the last published state is the last
 * one.
 */
async function expectAnnounced(isOrdered: boolean) {
  const words = await changesOf();
  const announced = published().map(wordsOfPublished);
  expect(await untold()).toEqual([]);
  expect([...unique(announced)].filter((each) => !unique(words).has(each))).toEqual([]);
  const lastOf = (list: Words[]) => Object.fromEntries(list.map(({ key, says }) => [key, says]));
  if (isOrdered) expect(lastOf(announced)).toEqual(lastOf(words));
  expect(keptByReceiver()).toEqual(lastOf(words));
  return { changes: words.length, published: announced.length };
}

/** Returns what a receiver holds that keeps the greatest order of each subject. */
function keptByReceiver(): Record<string, string> {
  const kept = new Map<string, { order: string; key: string; says: string }>();
  for (const event of published()) {
    const { subject, order } = event.detail as { subject: string; order: string };
    const held = kept.get(subject);
    if (held === undefined || held.order <= order) kept.set(subject, { order, ...wordsOfPublished(event) });
  }
  return Object.fromEntries([...kept.values()].map(({ key, says }) => [key, says]));
}

test('each change is published exactly once without faults, and a repeat without a change never', async () => {
  follow();
  const life = ['accepted', 'delivered', 'complained'] as const;
  const events = life.map((outcome, n) => lifeEvent(outcome, 1, 0, n));
  await store([...events, ...events, ...events]);
  await calm();

  const details = published().map(({ detail }) => detail as Record<string, unknown>);
  expect(details.map(({ status, kind }) => status ?? kind).toSorted()).toEqual([
    'ACCEPTED',
    'COMPLAINED',
    'DELIVERED',
    'complaint',
  ]);
  expect(new Set(details.map(({ id }) => id)).size).toBe(4);
  await expectAnnounced(true);
}, 60_000);

test('a write that changes nothing is not published, whether or not the engine records it', async () => {
  follow();
  await store([lifeEvent('delivered', 3, 2, 0)]);
  await calm();
  const before = published().length;

  const { client, name: TableName } = engines.table;
  const Key = { pk: messagePartition(`message3@${DOMAIN}`), sk: statusSort('person2@example.org') };
  const { Item } = await client.send(new GetCommand({ TableName, Key }));
  await client.send(new PutCommand({ TableName, Item }));
  const same = {
    UpdateExpression: 'SET #order = :same',
    ExpressionAttributeNames: { '#order': 'order' },
    ExpressionAttributeValues: { ':same': Item?.order },
  };
  await client.send(new UpdateCommand({ TableName, Key, ...same }));
  await calm();

  expect(statusFacts(Item ?? {}).status).toBe('DELIVERED');
  expect(published()).toHaveLength(before);
}, 60_000);

test('a suppression that was lifted and comes about again is published once more, its repeats are not', async () => {
  follow();
  const complaint = (second: number) => lifeEvent('complained', 2, 1, second);
  const Key = { pk: 'SUP#person1@example.org', sk: `${DOMAIN}#complaint#*` };
  const liftedAt = NOW_MS - 3600_000 + 150_500;
  const before = published().length;
  await store([complaint(100)]);
  const lift = { UpdateExpression: 'SET liftedAt = :at', ExpressionAttributeValues: { ':at': liftedAt } };
  await engines.table.client.send(new UpdateCommand({ TableName: engines.table.name, Key, ...lift }));
  await store([complaint(120), complaint(200), complaint(300), complaint(200)]);
  await calm();

  const announced = published()
    .slice(before)
    .filter(({ detailType }) => detailType === 'SuppressionChanged')
    .map(({ detail }) => detail as Record<string, string | null>)
    .filter(({ recipient }) => recipient === 'person1@example.org');
  expect(announced.map(({ liftedAt }) => liftedAt)).toEqual([null, new Date(liftedAt).toISOString(), null]);
  expect(announced[2]?.id).toMatch(new RegExp(`#again-${liftedAt}$`));
  await expectAnnounced(true);
}, 60_000);

test('a status that a correction lowers is published once, though its request is repeated, and then kept', async () => {
  follow();
  const [accepted, failed] = [lifeEvent('accepted', 4, 3, 0), lifeEvent('deferred', 4, 3, 1)];
  await store([accepted, { ...forgedCopy(failed), reason: 'espblock' }]);
  await calm();
  const before = published().length;
  const correction = createEventCorrection(engines.table);
  const process = createProcess({
    ...LONE_PROCESS,
    records: createEventRepository(engines.table),
    corrections: {
      ...correction,
      // Like the SDK after a lost reply.
      resetStatus: async (...request) =>
        (await correction.resetStatus(...request)) && correction.resetStatus(...request),
    },
    retentionDays: 400,
  });
  const message = { source: 'reconcile', receivedAt: NOW_MS, domain: DOMAIN, event: failed, corrects: true } as const;
  for (let repeats = 0; repeats < 3; repeats += 1) await process(message);
  await calm();

  const announced = published()
    .slice(before)
    .map(({ detail }) => detail as Record<string, unknown>);
  expect(announced).toMatchObject([{ status: 'DEFERRED', order: expect.stringMatching(/^c000001#20#/) }]);
  await expectAnnounced(true);
  await store([lifeEvent('delivered', 4, 3, 2)]);
  await calm();
  await expectAnnounced(true);
}, 60_000);

test('a correction of the reason alone is published as another event, and kept', async () => {
  follow();
  const failed = lifeEvent('bounced', 5, 4, 0);
  await store([{ ...failed, reason: 'forged' }]);
  await calm();
  const before = published().length;
  await take([
    { event: failed, corrects: true },
    { event: failed, corrects: true },
  ]);
  await calm();

  const statuses = published()
    .slice(before)
    .filter(({ detailType }) => detailType === 'MessageStatusChanged');
  expect(statuses.map(({ detail }) => (detail as { reason: string }).reason)).toEqual(['bounce']);
  await expectAnnounced(true);
}, 60_000);

const EVENTS = { service: 'events', operation: 'PutEvents' };
const FAULTS: { name: string; faults: Fault[]; isOrdered: boolean }[] = [
  { name: 'partial failures of batches', faults: [{ ...EVENTS, mode: 'partial', percent: 60 }], isOrdered: true },
  {
    name: 'errors, throttling, lost replies and partial failures',
    faults: [
      { ...EVENTS, mode: '500', percent: 15 },
      { ...EVENTS, mode: 'throttle', percent: 15 },
      { ...EVENTS, mode: 'drop-reply', percent: 15 },
      { ...EVENTS, mode: 'partial', percent: 30 },
    ],
    isOrdered: true,
  },
  {
    // A call that takes effect after its caller gave up may overtake a later one: `order` exists for that.
    name: 'calls that land late',
    faults: [{ ...EVENTS, mode: 'delay', percent: 50 }],
    isOrdered: false,
  },
];

test.each(FAULTS.map((each, nth) => ({ ...each, nth })))(
  'every change is published under repeats, wrong order, kills and $name, and the last is the stored one',
  async ({ faults, isOrdered, nth }) => {
    const random = createRandom(nth).next;
    const deaths = ['dies before', 'dies after'] as const;
    engines.faults.replace(faults);
    let died = 0;
    const { batches } = follow(() => {
      if (died >= 3 && random() >= 0.25) return 'lives';
      died += 1;
      return deaths[Math.floor(random() * 2)] ?? 'lives';
    });
    await take(wildEvents(nth + 2, shareOf(30)));
    await calm(faults.some(({ mode }) => mode === 'delay') ? QUIET_WITH_DELAYS_MS : QUIET_MS);

    const sums = await expectAnnounced(isOrdered);
    logged?.mock.restore();
    console.log(
      `${faults.map(({ mode }) => mode).join(', ')}: ${JSON.stringify({ ...sums, batches: batches.length, died })}`,
    );
    logged = silence();
    expect(died).toBeGreaterThanOrEqual(3);
  },
  180_000,
);

test('what is published since a restore began has its time at the beginning of its order, also after a clock that is behind', async () => {
  follow();
  const [accepted, delivered] = [lifeEvent('accepted', 6, 5, 0), lifeEvent('delivered', 6, 5, 1)];
  await store([accepted]);
  await calm();
  const restores = createRestoreNotes(engines.table);
  for (const beganAt of [1_790_000_000_000, 1_780_000_000_000]) await restores.noteBegin(beganAt);
  const before = published().length;
  await store([delivered]);
  await calm();

  const announced = published()
    .slice(before)
    .map(({ detail }) => detail as Record<string, unknown>);
  expect(announced).toMatchObject([{ status: 'DELIVERED', order: expect.stringMatching(/^r1790000000000#30#/) }]);
  await expectAnnounced(true);
}, 60_000);
