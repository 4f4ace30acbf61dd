import { setTimeout as sleep } from 'node:timers/promises';
import { type LocalStack, type LocalStackOptions, startLocalStack } from '../../../tools/local-ledger/local-ledger.ts';
import { USUAL_RECONCILE } from '../../../tools/local-ledger/options/reconcile-choice.ts';
import { DOMAIN, KEY, signed } from '../fixtures/webhooks.ts';
import { MAX_RETRIES } from './patience.ts';
import { shortLivedEngine } from './short-lived-engine.ts';

/** Too seldom to run during a test, which calls for reconciliation when it wants it. */
export const RECONCILE_ON_CALL = { ...USUAL_RECONCILE, everySeconds: 600 };

/** Starts a silent local stack without faults on any port. */
export async function startTestStack(over: Partial<LocalStackOptions> = {}): Promise<LocalStack> {
  return startLocalStack({
    engine: await shortLivedEngine(),
    port: 0,
    domains: [DOMAIN],
    keys: { current: KEY },
    faults: [],
    reconcile: RECONCILE_ON_CALL,
    seed: 1,
    phase: () => {},
    ...over,
  });
}

/** Returns a signature of now. */
export const signedNow = (key = KEY, over: { timestamp?: string; token?: string } = {}) =>
  signed(key, { timestamp: String(Math.floor(Date.now() / 1000)), ...over });

/**
 * Posts an event as a webhook, signed with the stack's initial key; returns the status code, or 0 without a response.
 */
export async function postWebhook(
  { ready }: Pick<LocalStack, 'ready'>,
  event: object,
  signature: object = signedNow(ready.signingKey),
): Promise<number> {
  const body = JSON.stringify({ signature, 'event-data': event });
  const headers = { 'content-type': 'application/json' };
  return fetch(ready.webhookUrl, { method: 'POST', headers, body }).then(
    ({ status }) => status,
    () => 0,
  );
}

/**
 * Posts an event as a webhook again, as Mailgun does, while ingest is busy: on a busy machine a call of it may exceed
 * its second. Returns the status code where it stays so.
 */
export async function postPatiently(stack: Pick<LocalStack, 'ready'>, event: object): Promise<number> {
  const signature = signedNow(stack.ready.signingKey);
  for (let retries = 0; ; retries += 1) {
    const status = await postWebhook(stack, event, signature);
    if (status !== 503 || retries === MAX_RETRIES) return status;
    await sleep(500);
  }
}

/** Waits until no message is waiting or in flight. */
export async function drained({ stats }: Pick<LocalStack, 'stats'>, everyMs = 200): Promise<void> {
  for (let calm = 0; calm < 2; await sleep(everyMs)) {
    const { queue } = await stats();
    calm = queue.visible + queue.inFlight === 0 ? calm + 1 : 0;
  }
}
