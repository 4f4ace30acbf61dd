import { GetCommand } from '@aws-sdk/lib-dynamodb';
import {
  createDeliveryHistory,
  createDeliveryLog,
  createPublishedDeliveryRepository,
} from '../../../../lambdas/adapters/table/delivery-repository.ts';
import { deliveryKey } from '../../../../lambdas/domain/keys.ts';
import type { DeliveryPlace } from '../../../../lambdas/read-api/ports.ts';
import { startTestEngines, type TestEngines } from '../../../support/stacks/engines.ts';

// The delivery log, newest first, across the edges of hours, seconds and pages.

const HOUR = 3600;
const START = Date.UTC(2026, 10, 28, 12) / 1000;

let engines: TestEngines;
beforeAll(async () => {
  engines = await startTestEngines();
}, 60_000);
afterAll(() => engines?.close());

async function note(receiver: string, times: readonly number[]): Promise<string[]> {
  const named = times.map((publishedAt, nth) => ({ publishedAt, id: `subject#delivered#${nth}` }));
  const deliveries = named.map((name) => ({
    delivery: { receiver, ...name },
    detailType: 'MessageStatusChanged',
    detail: { id: name.id, messageId: 'm@mg.example.com' },
  }));
  await createPublishedDeliveryRepository(engines.table, { retentionDays: 30 }).note(deliveries as never);
  return named
    .toSorted((a, b) => b.publishedAt - a.publishedAt || (a.id < b.id ? 1 : -1))
    .map(({ publishedAt, id }) => `${publishedAt} ${id}`);
}

async function walk(receiver: string, from: number, to: number, limit: number) {
  const { newest } = createDeliveryHistory(engines.table);
  const found: string[] = [];
  let pages = 0;
  for (let place: DeliveryPlace | undefined = { publishedAt: to, id: '' }; place !== undefined; pages += 1) {
    const page: Awaited<ReturnType<typeof newest>> = await newest(receiver, from, limit, place);
    expect(page.deliveries.length).toBeLessThanOrEqual(limit);
    found.push(...page.deliveries.map(({ name }) => `${name.publishedAt} ${name.id}`));
    place = page.next;
  }
  return { found, pages };
}

describe.each([1, 2, 3, 1000])('pages of %i entries of the delivery log', (limit) => {
  test('hold every delivery of the time once, and none of another', async () => {
    const receiver = `edges-${limit}`;
    const times = [-1, 0, 0, 0, 1, HOUR - 1, HOUR, HOUR, HOUR + 1, 2 * HOUR - 1, 2 * HOUR].map((at) => START + at);
    const all = await note(receiver, times);

    expect((await walk(receiver, START - 1, START + 2 * HOUR + 1, limit)).found).toEqual(all);
    expect((await walk(receiver, START, START + 2 * HOUR, limit)).found).toEqual(all.slice(1, -1));
    expect((await walk(receiver, START + 1, START + HOUR, limit)).found).toEqual(
      all.filter((text) => Number(text.split(' ')[0]) > START && Number(text.split(' ')[0]) < START + HOUR),
    );
    expect((await walk('another', START - 1, START + 2 * HOUR, limit)).found).toEqual([]);
  });
});

test('the delivery log reads days without deliveries in pages of two days, up to the end', async () => {
  const all = await note('quiet', [START]);
  expect(await walk('quiet', START - 10 * 24 * HOUR, START + 10 * 24 * HOUR, 100)).toEqual({ found: all, pages: 10 });
});

test('the delivery log reads an hour of more than a megabyte completely', async () => {
  const item = (nth: number) => ({
    pk: { S: `DELIVERY#big#${String(START).padStart(12, '0')}` },
    sk: { S: `${String(START + nth).padStart(12, '0')}#e${nth}` },
    state: { S: 'published' },
    detail: { S: JSON.stringify({ id: `e${nth}`, filler: 'x'.repeat(100_000) }) },
  });
  for (let nth = 0; nth < 30; nth += 10) {
    await engines.writeBatch(Array.from({ length: 10 }, (_, each) => item(nth + each)));
  }
  const { found } = await walk('big', START, START + HOUR, 1000);
  expect(found).toEqual(Array.from({ length: 30 }, (_, nth) => `${START + 29 - nth} e${29 - nth}`));
});

test('the delivery log keeps a delivery for its days from publication on, then from each attempt on', async () => {
  const { client, name: TableName } = engines.table;
  const DAY = 24 * HOUR;
  const id = 'subject#delivered#0';
  const keptUntil = async () => {
    const { Item } = await client.send(new GetCommand({ TableName, Key: deliveryKey('late', START, id) }));
    return Item?.expiresAt;
  };
  await note('late', [START]);
  expect(await keptUntil()).toBe(START + 30 * DAY);

  // By an operator, from a DLQ: without the attempts before it, none would ever be the last.
  const at = (START + 40 * DAY) * 1000;
  const delivery = {
    state: 'waiting',
    version: 1,
    attempts: [{ at, ms: 20, status: 500 }],
    nextAt: at + 5000,
  } as const;
  const event = { detailType: 'MessageStatusChanged', publishedAt: START, detail: { id }, requestedAt: at };
  const log = createDeliveryLog(engines.table, { retentionDays: 30 });
  expect(await log.write({ receiver: 'late', publishedAt: START, id }, delivery, event)).toBe(true);
  expect(await keptUntil()).toBe(START + 70 * DAY);
});
