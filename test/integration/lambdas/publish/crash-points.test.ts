import { randomUUID } from 'node:crypto';
import { DeleteMessageCommand } from '@aws-sdk/client-sqs';
import { createEventBus, createPublishFailures } from '../../../../lambdas/adapters/aws/messaging.ts';
import { createCachedSecret } from '../../../../lambdas/adapters/aws/secrets.ts';
import { createDayIndexRepository } from '../../../../lambdas/adapters/table/day-index-repository.ts';
import { createPublishableRows, readChange } from '../../../../lambdas/adapters/table/delivery-repository.ts';
import { createEventRepository } from '../../../../lambdas/adapters/table/event-repository.ts';
import {
  hasChanged,
  type PublishableRow,
  type PublishedEvent,
  publishedEvent,
} from '../../../../lambdas/domain/publishing/published.ts';
import { createProcess } from '../../../../lambdas/process/process.ts';
import { createPublish } from '../../../../lambdas/publish/publish.ts';
import { createRepublish } from '../../../../lambdas/publish/republish.ts';
import {
  CRASH_MOMENTS,
  crashableInvocations,
  type InjectedFailure,
} from '../../../support/doubles/crashable-invocation.ts';
import { LONE_PROCESS } from '../../../support/fixtures/erasures.ts';
import { readStream, wordsOf, wordsOfPublished } from '../../../support/fixtures/stream.ts';
import { DOMAIN, deliveredEvent, NOW_MS } from '../../../support/fixtures/webhooks.ts';
import { startTestEngines, type TestEngines } from '../../../support/stacks/engines.ts';

// Every call that publish makes to AWS is a crash point: the process is killed before the call, after it took effect
// but before its reply, and after the reply; alone, and in every ordered pair over two attempts.

const RETRY_MS = 3_600_000;
let engines: TestEngines;
let invoke: ReturnType<typeof crashableInvocations>;
let secretArn: string;

beforeAll(async () => {
  engines = await startTestEngines({ publish: { enabled: true } });
  const { stack } = engines;
  const id = Object.keys(stack.template.Resources).find((each) => each.startsWith('PublishSubjectKey'));
  secretArn = String(stack.resolve({ Ref: id }, 'test'));
  invoke = crashableInvocations([engines.dynamodb, engines.queues, engines.secrets, engines.bus]);
}, 60_000);
afterAll(() => engines?.close());
afterEach(() => engines.faults.replace([]));

async function readEventOf(): Promise<(row: PublishableRow) => PublishedEvent> {
  const subjectKey = await createCachedSecret(engines.secrets, secretArn, Date.now).read();
  return (row) => publishedEvent(row, { ledger: 'test', subjectKey, recipients: true });
}

/** Changes a status and a suppression; returns the changes from the stream, with this age. */
async function changeRows(ageMs: number, fromMs = NOW_MS) {
  const messageId = `${randomUUID()}@${DOMAIN}`;
  const recipient = `${randomUUID()}@example.org`;
  const take = createProcess({ records: createEventRepository(engines.table), retentionDays: 400, ...LONE_PROCESS });
  for (const [nth, event] of ['accepted', 'delivered', 'complained'].entries()) {
    const over = {
      event,
      recipient,
      timestamp: fromMs / 1000 + nth,
      message: { headers: { 'message-id': messageId } },
    };
    const [source, receivedAt] = ['webhook' as const, fromMs + 5000];
    await take({ source, receivedAt, domain: DOMAIN, event: deliveredEvent({ ...over, id: randomUUID() }) });
  }
  const changes = (await readStream(engines)).flatMap((record) => readChange(record) ?? []);
  return changes
    .filter(({ before, after }) => after.recipient === recipient && hasChanged(before, after))
    .map((change) => ({ ...change, changedAtMs: Date.now() - ageMs }));
}

type RowChanges = Awaited<ReturnType<typeof changeRows>>;

/** Runs a batch through a cold start of publish. */
function publish(changes: RowChanges, trouble?: InjectedFailure) {
  return invoke(async () => {
    const eventOf = await readEventOf();
    const run = createPublish({
      bus: createEventBus(engines.bus, 'default'),
      failures: createPublishFailures(engines.queues, engines.output('PublishFailuresUrl')),
      sleep: async () => {},
      now: Date.now,
      retryMs: RETRY_MS,
      onUnpublished: () => {},
    });
    const batch = changes.map(({ position, after, changedAtMs }) => ({
      position,
      event: { ...eventOf(after), changedAtMs },
    }));
    return (await run(batch, Date.now() + 45_000)) ?? 'done';
  }, trouble);
}

/** Calls the operator's command. */
function republish(fromMs: number, trouble?: InjectedFailure) {
  return invoke(async () => {
    const eventOf = await readEventOf();
    const run = createRepublish({
      bus: createEventBus(engines.bus, 'default'),
      index: createDayIndexRepository(engines.table),
      rows: createPublishableRows(engines.table),
      domains: [DOMAIN],
      eventsOf: async (rows) => rows.map(eventOf),
      now: Date.now,
      sleep: async () => {},
    });
    const range = { domain: DOMAIN, fromMs, toMs: fromMs + 3_600_000 };
    const { state, done } = await run({ ...range, plan: false, rate: 1000, deadlineMs: Date.now() + 45_000 });
    return state === 'ran' && done ? 'done' : state;
  }, trouble);
}

interface Announced {
  detailType: string;
  detail: unknown;
}

/** Removes and returns the failure queue's messages with their payloads. */
async function kept(): Promise<Announced[]> {
  const QueueUrl = engines.output('PublishFailuresUrl');
  const events: Announced[] = [];
  for (;;) {
    const messages = await engines.receive(QueueUrl);
    if (messages.length === 0) return events;
    for (const { Body = '', ReceiptHandle } of messages) {
      events.push(JSON.parse(Body) as Announced);
      await engines.queues.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle }));
    }
  }
}

/** Asserts that every change was published or kept, and that the last one is the stored state. */
function expectAnnounced(changes: RowChanges, announced: readonly Announced[]): void {
  const words = changes.map(({ after }) => JSON.stringify(wordsOf(after)));
  const received = announced
    .map((event) => JSON.stringify(wordsOfPublished(event)))
    .filter((each) => words.includes(each));
  expect([...new Set(received)].toSorted()).toEqual([...new Set(words)].toSorted());
  expect(received.at(-1)).toBe(words.at(-1));
}

const deathsAt = (points: readonly string[]): InjectedFailure[] =>
  points.flatMap((_, call) => CRASH_MOMENTS.map((moment) => ({ call, moment, kind: 'crash' as const })));

/** Runs work with every crash and every pair of crashes until it reports that it is done. */
async function everyDeath(
  tryOnce: (deaths: readonly InjectedFailure[]) => Promise<string[]>,
): Promise<{ cells: number; seen: string[] }> {
  const clean = await tryOnce([]);
  const seen = new Set(clean);
  let cells = 0;
  for (const first of deathsAt(clean)) {
    const retried = await tryOnce([first]);
    cells += 1;
    for (const point of retried) seen.add(point);
    for (const second of deathsAt(retried)) {
      for (const point of await tryOnce([first, second])) seen.add(point);
      cells += 1;
    }
  }
  return { cells, seen: [...seen].toSorted() };
}

test('publish crashing at any call, once or twice, publishes every change, the last one last', async () => {
  const changes = await changeRows(0);
  expect(changes).toHaveLength(4);
  const { cells, seen } = await everyDeath(async (deaths) => {
    const before = engines.raw.events.published().length;
    let points: string[] = [];
    for (const death of [...deaths, undefined]) {
      const outcome = await publish(changes, death);
      points = outcome.points;
      if (death === undefined) expect(outcome.result).toBe('done');
    }
    expectAnnounced(changes, engines.raw.events.published().slice(before));
    return points;
  });
  console.log(`publish: calls ${seen.join(', ')}: ${cells} cells`);
  expect(seen).toEqual(['GetSecretValue', 'PutEvents']);
}, 300_000);

test('with the bus down for too long, publish crashing at any call sends every change to the failure queue', async () => {
  engines.faults.replace([{ service: 'events', operation: 'PutEvents', mode: 'refuse', percent: 100 }]);
  const changes = (await changeRows(RETRY_MS)).slice(-2);
  const { cells, seen } = await everyDeath(async (deaths) => {
    let points: string[] = [];
    for (const death of [...deaths, undefined]) {
      const outcome = await publish(changes, death);
      points = outcome.points;
      if (death === undefined) expect(outcome.result).toBe('done');
    }
    const words = (list: { key: string; says: string }[]) => [...new Set(list.map((each) => JSON.stringify(each)))];
    expect(words((await kept()).map(wordsOfPublished)).toSorted()).toEqual(
      words(changes.map(({ after }) => wordsOf(after))).toSorted(),
    );
    return points;
  });
  console.log(`publish, bus down: calls ${seen.join(', ')}: ${cells} cells`);
  expect(seen).toEqual(['GetSecretValue', 'PutEvents', 'SendMessage']);
}, 300_000);

test('republishing crashing at any call is completed by the next call', async () => {
  const fromMs = NOW_MS + 86_400_000;
  const changes = await changeRows(0, fromMs);
  const lastOfEach = [...new Map(changes.map((change) => [wordsOf(change.after).key, change])).values()];
  expect(lastOfEach).toHaveLength(2);
  const tryOnce = async (deaths: readonly InjectedFailure[]) => {
    const before = engines.raw.events.published().length;
    let points: string[] = [];
    for (const death of [...deaths, undefined]) {
      const outcome = await republish(fromMs, death);
      points = outcome.points;
      if (death === undefined) expect(outcome.result).toBe('done');
    }
    const announced = engines.raw.events.published().slice(before).map(wordsOfPublished);
    for (const { after } of lastOfEach) expect(announced).toContainEqual(wordsOf(after));
    return points;
  };
  const points = await tryOnce([]);
  const deaths = deathsAt(points);
  for (const death of deaths) await tryOnce([death]);
  const seen = [...new Set(points)].toSorted();
  console.log(`republish: calls ${seen.join(', ')}: ${deaths.length} cells`);
  expect(seen).toEqual(['BatchGetItem', 'GetSecretValue', 'PutEvents', 'Query']);
}, 300_000);
