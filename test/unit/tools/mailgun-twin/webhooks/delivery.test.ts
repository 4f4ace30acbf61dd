import { createRandom } from '../../../../../tools/mailgun-twin/random.ts';
import {
  type DeliveryPlan,
  deliver,
  newRecord,
  SMOOTH,
  statusesOf,
} from '../../../../../tools/mailgun-twin/webhooks/delivery.ts';
import { RETRY_MINUTES } from '../../../../../tools/mailgun-twin/webhooks/retries.ts';
import type { WebhookSignature } from '../../../../../tools/mailgun-twin/webhooks/signature.ts';
import { createVirtualClock } from '../../../../support/doubles/virtual-clock.ts';

const START_MS = 1_790_000_000_000;

/** Delivers one event to a receiver with these responses in turn (the last one repeats); null means no response. */
async function deliverTo(statuses: readonly (number | null)[], event: string, plan: Partial<DeliveryPlan> = {}) {
  const { clock, runUntil } = createVirtualClock(START_MS);
  const signatures: WebhookSignature[] = [];
  const record = newRecord();
  let posts = 0;
  const post = async () => {
    const status = statuses[Math.min(posts++, statuses.length - 1)] ?? null;
    if (status === null) throw new Error('connection refused');
    return { status, text: '' };
  };
  const write = (signature: WebhookSignature) => {
    signatures.push(signature);
    return { headers: {}, body: '' };
  };
  const tools = { clock, post, random: createRandom(1), keys: { signing: 'key-of-the-twin' }, compression: 60 };
  await runUntil(deliver({ event, write }, { ...SMOOTH, ...plan }, record, tools));
  return { record, posts, tokens: signatures.map(({ token }) => token), signatures };
}

const statuses = (attempts: readonly { status: number | null }[]) => attempts.map(({ status }) => status);

test('200 ends a delivery at once', async () => {
  const { record } = await deliverTo([200], 'opened');

  expect(record).toEqual({ attempts: [{ at: START_MS, status: 200 }], repeats: [], outcome: 'acknowledged' });
});

test.each(['opened', 'delivered'])('406 stops %s permanently', async (event) => {
  const { record } = await deliverTo([406], event);

  expect(record).toMatchObject({ outcome: 'rejected', attempts: [{ status: 406 }] });
});

test.each([500, 503, 429, 401, 403, 204, 302, null])('%s is tried again', async (status) => {
  const { record } = await deliverTo([status, status, 200], 'opened');

  expect(statuses(record.attempts)).toEqual([status, status, 200]);
  expect(record.outcome).toBe('acknowledged');
});

test.each([500, 503, 429, 401, 204, null])('delivered is never tried again after %s', async (status) => {
  const { record, posts } = await deliverTo([status, 200], 'delivered');

  expect(posts).toBe(1);
  expect(record.outcome).toBe('lost');
});

test.each(Object.entries(RETRY_MINUTES))(
  'retries follow the schedule "%s", 60 times as fast',
  async (_name, minutes) => {
    const { record } = await deliverTo([503], 'opened', { retryMinutes: minutes });

    const waits = record.attempts.slice(1).map(({ at }, nth) => at - record.attempts[nth]!.at);
    expect(waits).toEqual(minutes.map((wait) => wait * 1000));
    expect(record.outcome).toBe('gave-up');
  },
);

test('a kept token comes back with the same signature', async () => {
  const { signatures } = await deliverTo([500, 500, 200], 'opened', { tokenOnRetry: 'same' });

  expect(new Set(signatures.map((signature) => JSON.stringify(signature))).size).toBe(1);
});

test('a fresh token is signed at the time of its retry', async () => {
  const { signatures, tokens } = await deliverTo([500, 500, 200], 'opened', { tokenOnRetry: 'fresh' });

  expect(new Set(tokens).size).toBe(3);
  expect(signatures.map(({ timestamp }) => timestamp)).toEqual(['1790000000', '1790000005', '1790000015']);
});

test('a request that is lost never reaches the receiver', async () => {
  const { record, posts } = await deliverTo([200], 'opened', { troubles: ['request-lost'] });

  expect(posts).toBe(1);
  expect(statuses(record.attempts)).toEqual([null, 200]);
});

test('a response that is lost brings the same event again', async () => {
  const { record, posts } = await deliverTo([200], 'opened', { troubles: ['response-lost'] });

  expect(posts).toBe(2);
  expect(statuses(record.attempts)).toEqual([null, 200]);
});

test('repeats carry the same token or a fresh one, and are not retried', async () => {
  const repeats = [
    { afterMs: 100, token: 'same' },
    { afterMs: 200, token: 'fresh' },
  ] as const;
  const { record, tokens } = await deliverTo([200, 500, 500], 'opened', { repeats });

  expect(statuses(record.repeats)).toEqual([500, 500]);
  expect(tokens[1]).toBe(tokens[0]);
  expect(tokens[2]).not.toBe(tokens[0]);
  expect(record.outcome).toBe('acknowledged');
});

test('the responses to repeats are recorded, without effect', async () => {
  const repeats = [{ afterMs: 100, token: 'same' }] as const;
  const { record } = await deliverTo([500, 200], 'delivered', { repeats });

  expect(record.outcome).toBe('lost');
  expect(statusesOf(record)).toEqual([500, 200]);
});

test('an event that is held back is signed when it leaves', async () => {
  const { record, signatures } = await deliverTo([200], 'opened', { delayMs: 7_000 });

  expect(record.attempts[0]?.at).toBe(START_MS + 7_000);
  expect(signatures[0]?.timestamp).toBe('1790000007');
});
