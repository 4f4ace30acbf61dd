import type { LocalStack } from '../../../../tools/local-ledger/local-ledger.ts';
import { USUAL_RECONCILE } from '../../../../tools/local-ledger/options/reconcile-choice.ts';
import type { EventData } from '../../../../tools/mailgun-twin/traffic/event-parts.ts';
import { deliveredEvent } from '../../../support/fixtures/webhooks.ts';
import { drained, postWebhook, startTestStack } from '../../../support/stacks/local-stack.ts';

// The deployed function against an HTTP listing that is unordered, repeats, rounds, shrinks and refuses calls.

const SLICE_SECONDS = 900;
const EVENTS = 700;
const begin = (Math.floor(Date.now() / 1000 / SLICE_SECONDS) - 4) * SLICE_SECONDS;
let stack: LocalStack;

beforeAll(async () => {
  stack = await startTestStack({
    reconcile: {
      ...USUAL_RECONCILE,
      everySeconds: 3600,
      sliceSeconds: SLICE_SECONDS,
      retentionSeconds: 86_400,
      fromEpochSeconds: begin,
    },
  });
}, 60_000);
afterAll(() => stack?.stop());

const eventOf = (id: string, timestamp: number) =>
  deliveredEvent({ id, timestamp, message: { headers: { 'message-id': `${id}@mail.example` } } });

async function ledgerTotals() {
  const { apiUrl, apiToken, domains } = stack.ready;
  const url = `${apiUrl}/mailgun/ledger?domain=${domains[0]}&from=${begin}&to=${begin + 2 * SLICE_SECONDS}`;
  const response = await fetch(url, { headers: { authorization: `Bearer ${apiToken}` } });
  return ((await response.json()) as { totals: object }).totals;
}

test('an unruly, shrinking, rate-limited listing ends with every event stored once and the forged one named', async () => {
  const listed = Array.from({ length: EVENTS }, (_, n) =>
    eventOf(`event-${n}`, begin + (n / EVENTS) * 2 * SLICE_SECONDS),
  );
  stack.list(listed as unknown as EventData[]);
  for (const event of listed.filter((_, n) => n % 10 === 0)) expect(await postWebhook(stack, event)).toBe(200);
  expect(await postWebhook(stack, eventOf('forged', begin + 10))).toBe(200);
  await drained(stack);
  const unruly = { disorderSeconds: 0.9, repeats: 15, rounding: 'millisecond', shortPages: true } as const;

  for (const [changing, mode] of [
    [30, '429-reset-milliseconds'],
    [10, '429-reset-seconds'],
    [0, '429-retry-after'],
  ] as const) {
    stack.misbehave({ ...unruly, changing, fails: { mode, percent: 20, seconds: 0.2 } });
    await stack.reconcile();
    await drained(stack);
  }
  stack.misbehave(unruly);
  const { open } = await stack.reconcile();

  expect(open).toBe(0);
  // Stored events that are not listed count as expected too.
  expect(await ledgerTotals()).toMatchObject({
    expected: EVENTS + 1,
    stored: EVENTS + 1,
    unaccounted: 0,
    unconfirmed: 1,
  });
}, 120_000);
