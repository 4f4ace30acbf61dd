import type { Unpublished } from '../../../../lambdas/publish/ports.ts';
import type { RepublishRequest } from '../../../../lambdas/publish/republish.ts';
import { republishIn } from '../../../../lambdas/publish/republish-contract.ts';
import { openRepublish, START_MS } from '../../../support/doubles/republish-ledger.ts';
import { DOMAIN } from '../../../support/fixtures/webhooks.ts';

const days = (n: number) => START_MS + n * 86_400_000;
const many = (count: number, stepMs = 1000) =>
  Array.from({ length: count }, (_, n) => ({ n, atMs: START_MS + n * stepMs }));

test('each status is published at its deciding event, and at no other', async () => {
  const { run, announced } = openRepublish([
    { n: 1, atMs: START_MS },
    { n: 2, atMs: START_MS + 5, decides: false },
  ]);

  expect(await run()).toEqual({
    state: 'ran',
    events: 2,
    statuses: 1,
    suppressions: 0,
    refused: 0,
    done: true,
    nextFromMs: days(1),
  });
  expect(announced.map(({ id }) => id.split('#').slice(3).join('#'))).toEqual(['delivered#1']);
});

test('a status that a correction took away is published again, one that never was is not', async () => {
  const { run, announced } = openRepublish([
    { n: 1, atMs: START_MS, over: { status: null, corrections: 1 } },
    { n: 2, atMs: START_MS, over: { status: null } },
  ]);

  expect(await run()).toMatchObject({ events: 2, statuses: 1 });
  expect(announced.map(({ id }) => id)).toEqual([expect.stringMatching(/#c000001#.*#delivered#1$/)]);
});

test('a complaint brings back its suppression too', async () => {
  const { run, announced } = openRepublish([{ n: 1, atMs: START_MS, name: 'complained' }]);

  expect(await run()).toMatchObject({ statuses: 1, suppressions: 1, done: true });
  expect(announced).toHaveLength(2);
});

test('republishing leaves out changes outside the time range', async () => {
  const { run } = openRepublish([
    { n: 1, atMs: START_MS - 1 },
    { n: 2, atMs: days(1) },
  ]);

  expect(await run()).toMatchObject({ events: 0, statuses: 0, done: true });
});

test('a plan counts the same and publishes nothing', async () => {
  const { run, announced } = openRepublish([{ n: 1, atMs: START_MS, name: 'complained' }, ...many(150).slice(2)]);

  expect(await run({ plan: true })).toMatchObject({ events: 149, statuses: 149, suppressions: 1, done: true });
  expect(announced).toEqual([]);
});

test('republishing keeps to its rate', async () => {
  const { run, announced } = openRepublish(many(100));
  await run({ rate: 20 });

  const [first, last] = [announced[0]?.atMs ?? 0, announced.at(-1)?.atMs ?? 0];
  expect(announced).toHaveLength(100);
  expect(last - first).toBeGreaterThanOrEqual(90 * 50);
});

test('republishing in many calls publishes everything once, whatever the deadline', async () => {
  const { run, announced, clock } = openRepublish(many(1050));
  let calls = 0;
  let fromMs = START_MS;
  for (let done = false; !done; calls += 1) {
    const report = await run({ fromMs, deadlineMs: clock() + 30 });
    ({ done, nextFromMs: fromMs } = report);
  }

  expect(calls).toBeGreaterThan(5);
  expect(new Set(announced.map(({ id }) => id)).size).toBe(1050);
  expect(announced).toHaveLength(1050);
});

test('republishing never splits events of one millisecond between calls', async () => {
  const stored = Array.from({ length: 250 }, (_, n) => ({ n, atMs: START_MS + Math.floor(n / 125) }));
  const { run, announced } = openRepublish(stored);
  const first = await run({ deadlineMs: 0 });
  await run({ fromMs: first.nextFromMs });

  expect(first).toMatchObject({ events: 125, nextFromMs: START_MS + 1, done: false });
  expect(announced).toHaveLength(250);
});

describe('a bus that rejects some entries', () => {
  const failed: Unpublished = { kind: 'failed', reason: 'ThrottlingException' };

  test('leaves failed entries to the next call', async () => {
    let isDown = true;
    const { run, announced } = openRepublish(many(150), (n) => (n === 120 && isDown ? failed : undefined));
    const first = await run();
    isDown = false;
    const second = await run({ fromMs: first.nextFromMs });

    expect(first).toMatchObject({ state: 'failed', reason: 'ThrottlingException', events: 100, done: false });
    expect(second).toMatchObject({ state: 'ran', events: 50, done: true });
    expect(new Set(announced.map(({ id }) => id)).size).toBe(150);
  });

  test('leaves no delivery noted that is not made, however long they are tried', async () => {
    const { run, wait, noted, delivered } = openRepublish(many(150), (n, call) =>
      [3, 120].includes(n) && call % 7 !== 0 ? failed : undefined,
    );
    wait(900);
    let request: Partial<RepublishRequest> = { datedMs: 7000 };
    const states: string[] = [];
    for (let done = false; !done; ) {
      const report = await run(request);
      states.push(report.state);
      request = { fromMs: report.nextFromMs, datedMs: 7000 };
      done = report.done;
      wait(5000);
    }

    expect(states.length).toBeGreaterThan(2);
    expect(states.at(-1)).toBe('ran');
    expect([...noted].toSorted()).toEqual([...delivered].toSorted());
    expect(delivered.size).toBe(150);
  });

  test('dates all of a call as it was requested, by default by its begin', async () => {
    const datesOf = async (request: Partial<RepublishRequest>) => {
      const { run, wait, delivered } = openRepublish(many(150));
      wait(60_000);
      await run({ ...request, rate: 20 });
      return new Set([...delivered].map((name) => Number(name.split(' ')[0])));
    };
    expect(await datesOf({ datedMs: 7000 })).toEqual(new Set([7]));
    expect(await datesOf({})).toEqual(new Set([60]));
  });

  test('causes no retry of an entry that it rejects for its content', async () => {
    const refused: Unpublished = { kind: 'refused', reason: 'MalformedDetail' };
    const { run, announced } = openRepublish(many(3), (n) => (n === 1 ? refused : undefined));

    expect(await run()).toMatchObject({ state: 'ran', refused: 1, done: true });
    expect(announced).toHaveLength(2);
  });
});

test('republishing refuses a foreign domain; events of old formats may have none', async () => {
  const { run } = openRepublish(many(1));

  expect(await run({ domain: 'foreign.example' })).toMatchObject({ state: 'unknown-domain', done: false });
  expect(await run({ domain: '-' })).toMatchObject({ state: 'ran', done: true });
});

describe('a republish request', () => {
  const good = { domain: DOMAIN, fromMs: 1, toMs: 2, rate: 10 };

  test('is parsed', () => {
    expect(republishIn({ republish: good })).toEqual({ ...good, plan: false });
    expect(republishIn({ republish: { ...good, datedMs: 7 } })).toEqual({ ...good, plan: false, datedMs: 7 });
    expect(republishIn({ Records: [] })).toBeUndefined();
  });

  test.each([
    { over: { domain: 7 }, expected: 'republish.domain is not a string' },
    { over: { fromMs: '1' }, expected: 'republish.fromMs is not a time' },
    { over: { toMs: -1 }, expected: 'republish.toMs is not a time' },
    { over: { plan: 'yes' }, expected: 'republish.plan is not a boolean' },
    { over: { datedMs: 'now' }, expected: 'republish.datedMs is not a time' },
    { over: { rate: 0 }, expected: 'republish.rate is not a rate' },
  ])('is refused if it is malformed: $expected', ({ over, expected }) => {
    expect(() => republishIn({ republish: { ...good, ...over } })).toThrow(expected);
  });
});
