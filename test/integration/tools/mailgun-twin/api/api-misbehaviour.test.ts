import { API_DOMAIN, BEGAN, NOW_SECONDS, startTestApi, type TestApi } from '../../../../support/doubles/mailgun-api.ts';

let api: TestApi;
afterEach(() => api.close());

const FIRST_PAGE = `/v3/${API_DOMAIN}/events?begin=${BEGAN}&end=${BEGAN + 1000}&limit=50`;
const WINDOW = FIRST_PAGE.split('?')[1] ?? '';

test('late events appear in pages already read', async () => {
  api = await startTestApi(50);
  api.misbehave({ late: { seconds: 60, percent: 40 } });
  api.clock.seconds = BEGAN + 30;
  const early = (await api.get(FIRST_PAGE)).json.items.length;

  api.clock.seconds = BEGAN + 120;

  expect(early).toBeGreaterThan(20);
  expect(early).toBeLessThan(40);
  expect((await api.get(FIRST_PAGE)).json.items).toHaveLength(50);
});

test('a changing page shows other events at each read', async () => {
  api = await startTestApi(50);
  api.misbehave({ changing: 30 });

  const [one, other] = [await api.get(FIRST_PAGE), await api.get(FIRST_PAGE)];

  expect(one.json.items).not.toEqual(other.json.items);
});

test('short pages are not the end of a listing, and lose nothing', async () => {
  api = await startTestApi(300);
  api.misbehave({ shortPages: true });

  expect(await api.readAll(WINDOW)).toHaveLength(300);
  expect(api.counts().calls).toBeGreaterThan(7);
});

test('an unruly listing is out of order and repeats itself over page borders, and lists every event', async () => {
  api = await startTestApi(300);
  const inOrder = (await api.readAll(WINDOW)).map(({ id }) => id);
  api.misbehave({ disorderSeconds: 3, repeats: 20, shortPages: true });

  const unruly = (await api.readAll(WINDOW)).map(({ id }) => id);

  const firsts = [...new Set(unruly)];
  expect(firsts.toSorted()).toEqual(inOrder.toSorted());
  expect(firsts).not.toEqual(inOrder);
  const distances = inOrder.map((id) => unruly.lastIndexOf(id) - unruly.indexOf(id)).filter((each) => each > 0);
  expect(distances.length).toBeGreaterThan(30);
  expect(Math.max(...distances)).toBeGreaterThan(100);
});

test('listed times may be rounded up', async () => {
  api = await startTestApi();
  api.log.add(API_DOMAIN, { event: 'opened', id: 'one', timestamp: BEGAN + 1.9996, recipient: 'ada@north.example' });

  api.misbehave({ rounding: 'millisecond' });
  expect((await api.get(FIRST_PAGE)).json.items[0].timestamp).toBe(BEGAN + 2);
  api.misbehave({ rounding: 'second' });
  expect((await api.get(FIRST_PAGE)).json.items[0].timestamp).toBe(BEGAN + 2);
  api.misbehave({ rounding: 'microsecond' });
  expect((await api.get(FIRST_PAGE)).json.items[0].timestamp).toBe(BEGAN + 1.9996);
});

test.each([
  { mode: '429-retry-after', header: 'retry-after', value: '3' },
  { mode: '429-reset-seconds', header: 'x-ratelimit-reset', value: String(NOW_SECONDS + 3) },
  { mode: '429-reset-milliseconds', header: 'x-ratelimit-reset', value: String((NOW_SECONDS + 3) * 1000) },
] as const)('$mode sends a Retry-After', async ({ mode, header, value }) => {
  api = await startTestApi();
  api.misbehave({ fails: { mode, percent: 100, seconds: 3 } });

  const { status, headers } = await api.get(FIRST_PAGE);

  expect([status, headers.get(header)]).toEqual([429, value]);
});

test.each(['401', '500'] as const)('a call fails with %s, and the next ones succeed', async (mode) => {
  api = await startTestApi(1);
  api.misbehave({ fails: { mode, percent: 100 } });
  expect((await api.get(FIRST_PAGE)).status).toBe(Number(mode));

  api.misbehave({});

  expect((await api.get(FIRST_PAGE)).json.items).toHaveLength(1);
});

test('a call that hangs gets no response', async () => {
  api = await startTestApi();
  api.misbehave({ fails: { mode: 'hang', percent: 100 } });

  await expect(api.get(FIRST_PAGE, { signal: AbortSignal.timeout(200) })).rejects.toThrow(/timeout/);
});

test('a truncated response is not JSON', async () => {
  api = await startTestApi(3);
  api.misbehave({ fails: { mode: 'truncate', percent: 100 } });

  await expect(api.get(FIRST_PAGE)).rejects.toThrow(SyntaxError);
});

test('the twin counts requests that follow a link to a foreign host, and those with the key', async () => {
  api = await startTestApi(1);
  api.misbehave({ next: 'foreign' });
  const { paging } = (await api.get(FIRST_PAGE)).json;

  expect(new URL(paging.next).host).not.toBe(new URL(api.url).host);
  await fetch(paging.next);
  expect(api.counts()).toEqual({ calls: 1, foreignRequests: 1, foreignCredentials: 0 });
  await api.get(paging.next);
  expect(api.counts()).toEqual({ calls: 1, foreignRequests: 2, foreignCredentials: 1 });
});

test('a listing can link to the same page for ever', async () => {
  api = await startTestApi(60);
  api.misbehave({ next: 'same' });

  const first = (await api.get(FIRST_PAGE)).json;
  const second = (await api.get(first.paging.next)).json;

  expect(second).toEqual(first);
});

test('a range beyond the retention is refused', async () => {
  api = await startTestApi();
  api.misbehave({ retentionSeconds: 3600 });

  expect((await api.get(FIRST_PAGE)).status).toBe(400);
  expect((await api.get(`/v3/${API_DOMAIN}/events?begin=${NOW_SECONDS - 60}&ascending=yes`)).status).toBe(200);
  expect((await api.logs({})).status).toBe(400);
});

test('a listing can be empty', async () => {
  api = await startTestApi(5);
  api.misbehave({ empty: true });

  expect((await api.get(FIRST_PAGE)).json.items).toEqual([]);
});

test('listed items can lack ids, and have times as strings', async () => {
  api = await startTestApi(1);

  api.misbehave({ items: 'without-id' });
  expect((await api.get(FIRST_PAGE)).json.items[0]).not.toHaveProperty('id');
  api.misbehave({ items: 'string-timestamps' });
  expect((await api.get(FIRST_PAGE)).json.items[0].timestamp).toBe('1790000000.000123');
});

test('thousands of events in one moment are each listed once', async () => {
  api = await startTestApi();
  const timestamp = BEGAN + 1;
  for (let nth = 0; nth < 3000; nth += 1) {
    api.log.add(API_DOMAIN, { event: 'opened', id: `event-${nth}`, timestamp, recipient: 'ada@north.example' });
  }

  const all = await api.readAll(WINDOW);

  expect(all).toHaveLength(3000);
  expect(new Set(all.map(({ id }) => id)).size).toBe(3000);
});

test('the Events API announces its end, and is gone', async () => {
  api = await startTestApi(1);
  const read = () => api.get(`/v3/${API_DOMAIN}/events?begin=${BEGAN}&ascending=yes`);

  api.misbehave({ sunset: 'Thu, 01 Jul 2027 00:00:00 GMT' });
  const { status, headers } = await read();
  expect([status, headers.get('sunset')]).toEqual([200, 'Thu, 01 Jul 2027 00:00:00 GMT']);
  api.misbehave({ discontinued: true });
  expect((await read()).status).toBe(410);
  expect((await api.logs({ start: BEGAN - 1, end: BEGAN + 10 })).json.items).toHaveLength(1);
});
