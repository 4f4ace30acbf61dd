import { setTimeout as sleep } from 'node:timers/promises';
import type { MailgunClassesEntry } from '../../../../api/responses/ledger.ts';
import { createMailgunClasses } from '../../../../lambdas/adapters/mailgun/mailgun-apis.ts';
import { USUAL_RECONCILE } from '../../../../tools/local-ledger/options/reconcile-choice.ts';
import { listenOnLoopback } from '../../../../tools/local-stack/run/listener.ts';
import type { EventData } from '../../../../tools/mailgun-twin/traffic/event-parts.ts';
import { API_DOMAIN, API_KEY } from '../../../support/doubles/mailgun-api.ts';
import { openStubAtMailgun } from '../../../support/doubles/stub-at-mailgun.ts';
import { DOMAIN } from '../../../support/fixtures/webhooks.ts';
import { startTestStack } from '../../../support/stacks/local-stack.ts';

const MIDNIGHT = Math.floor(Date.now() / 86_400_000) * 86_400;
const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

const failed = (nth: number, over: object = {}) =>
  ({
    event: 'failed',
    id: `failed-${nth}`,
    timestamp: MIDNIGHT - 3600 + nth / 10,
    recipient: 'ada@north.example',
    severity: 'permanent',
    reason: 'bounce',
    'delivery-status': { code: 550, message: 'no such mailbox' },
    ...over,
  }) as unknown as EventData;

/** Runs reconcile at the twin; returns what the read API then says. */
async function afterRun(classesRefused: boolean): Promise<MailgunClassesEntry | undefined> {
  const stack = await startTestStack({
    reconcile: { ...USUAL_RECONCILE, everySeconds: 3600 },
    overlay: { reconcile: { bounceClasses: true } },
  });
  closers.push(() => stack.stop());
  stack.list([failed(1), failed(2), failed(3, { reason: 'espblock', severity: 'temporary' })]);
  stack.list([failed(4, { timestamp: MIDNIGHT - 8 * 86_400 })]);
  stack.misbehave({ classesRefused });
  expect(await stack.reconcile()).toMatchObject({ done: true });
  const { apiUrl, apiToken } = stack.ready;
  const read = async (by: string) => {
    const url = `${apiUrl}/mailgun/stats?domain=${DOMAIN}&by=${by}`;
    const response = await fetch(url, { headers: { authorization: `Bearer ${apiToken}` } });
    return (await response.json()) as { buckets: object[]; mailgunClasses?: MailgunClassesEntry };
  };
  expect(await read('tag')).toEqual({ buckets: expect.any(Array) });
  return (await read('provider')).mailgunClasses;
}

test('reconcile stores the classes of the last seven days, and the read API gives them', async () => {
  const isoDay = (days: number) => new Date((MIDNIGHT - days * 86_400) * 1000).toISOString();
  expect(await afterRun(false)).toEqual({
    triedAt: expect.any(String),
    note: null,
    read: {
      at: expect.any(String),
      from: isoDay(7),
      to: isoDay(0),
      classes: [
        { entity: 'north.example', category: 'bounce', severity: 'permanent', failures: 2 },
        { entity: 'north.example', category: 'espblock', severity: 'temporary', failures: 1 },
      ],
      cut: false,
    },
  });
}, 120_000);

test('a Mailgun plan without classes leaves a note, and the run is still complete', async () => {
  expect(await afterRun(true)).toEqual({ triedAt: expect.any(String), note: 'not-given', read: null });
}, 120_000);

const RANGE = { from: MIDNIGHT - 7 * 86_400, to: MIDNIGHT };
const readClasses = (baseUrl: string) =>
  createMailgunClasses({ baseUrl, apiKey: async () => API_KEY, now: Date.now, sleep }).ofDomain(
    { name: API_DOMAIN, region: 'us' },
    RANGE,
    Date.now() + 20_000,
  );

test.each([
  [50, 1, true],
  [51, 2, true],
  [250, 5, true],
  [251, 5, false],
])('reading %i classes takes %i calls', async (count, calls, isWhole) => {
  const stub = await openStubAtMailgun();
  closers.push(() => stub.api.close());
  for (let nth = 0; nth < count; nth += 1) stub.log.add(API_DOMAIN, failed(nth, { reason: `reason-${nth}` }));
  const found = await readClasses(stub.api.url);
  expect(new Set(found?.rows.map(({ category }) => category)).size).toBe(Math.min(count, 250));
  expect(found?.isWhole).toBe(isWhole);
  expect(stub.api.counts().calls).toBe(calls);
});

test.each([
  [404, undefined],
  [403, 'unauthorized'],
  [429, 'rate-limited'],
  [503, 'unavailable'],
])('a %i on reading classes is not retried', async (status, reason) => {
  let calls = 0;
  const server = await listenOnLoopback((_request, response) => {
    calls += 1;
    response.writeHead(status).end('{"message":"Not Found"}');
  });
  closers.push(() => server.close());
  const result = await readClasses(server.url).catch((error: { reason: string }) => error.reason);
  expect(result).toBe(reason);
  expect(calls).toBe(1);
});
