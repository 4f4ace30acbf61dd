import { setTimeout as sleep } from 'node:timers/promises';
import { DOMAIN } from '../../../test/support/fixtures/webhooks.ts';
import { drained, startTestStack } from '../../../test/support/stacks/local-stack.ts';
import type { LocalStack } from '../../local-ledger/local-ledger.ts';
import { USUAL_RECONCILE } from '../../local-ledger/options/reconcile-choice.ts';
import type { EventData } from '../../mailgun-twin/traffic/event-parts.ts';
import { ordinaryMail } from '../traffic-mix.ts';
import { signedWebhook } from '../webhooks.ts';
import { LOAD_SECONDS, type LocalRun, OFFERED_PER_SECOND, SETTINGS } from './comparison.ts';

const CALIBRATION_SECONDS = 10;
const EACH_MS = 50;
/** Slows the first call of each batch, so that process takes the same time on every machine. */
const SLOW_READS = { service: 'dynamodb', operation: 'BatchGetItem', mode: 'slow', percent: 100 } as const;

/**
 * Posts to the local stack at twice the rate that its gateway admits, which is more than process can store. A shorter
 * load before that measures the duration of a batch.
 */
export async function measureLocalStack(say: (line: string) => void): Promise<LocalRun> {
  const { throttlePerSecond: ratePerSecond, throttleBurst: burst, batchSize, maxConcurrency } = SETTINGS;
  const stack = await startTestStack({
    reconcile: { ...USUAL_RECONCILE, everySeconds: 3600 },
    overlay: {
      throttle: { webhook: { ratePerSecond, burst } },
      processing: { batchSize, maxConcurrency, batchingWindowSeconds: 0 },
    },
    faults: [SLOW_READS],
  });
  try {
    const { backlog, drainSeconds } = await offer(stack, CALIBRATION_SECONDS, 1);
    const batchSeconds = (maxConcurrency * batchSize * drainSeconds) / backlog;
    say(`a batch takes ${batchSeconds.toFixed(3)} s`);
    const run = await offer(stack, LOAD_SECONDS, 2);
    return { batchSeconds, measured: run };
  } finally {
    await stack.stop();
  }
}

/** Posts at a fixed rate, whatever the responses, and waits until everything acknowledged is stored. */
async function offer(stack: LocalStack, seconds: number, seed: number) {
  const posts: Promise<number>[] = [];
  const startMs = performance.now();
  for (const event of ordinaryMail(seconds * OFFERED_PER_SECOND, DOMAIN, seed, Date.now)) {
    await sleep(Math.max(0, startMs + (1000 * posts.length) / OFFERED_PER_SECOND - performance.now()));
    posts.push(post(stack, event));
  }
  const endMs = performance.now();
  const { queue } = await stack.stats();
  const statuses = await Promise.all(posts);
  await drained(stack, EACH_MS);
  const acknowledged = statuses.filter((status) => status === 200).length;
  return {
    acknowledged,
    refused: posts.length - acknowledged,
    backlog: queue.visible + queue.inFlight,
    drainSeconds: (performance.now() - endMs) / 1000,
  };
}

async function post({ ready }: LocalStack, event: EventData): Promise<number> {
  const { headers, body } = signedWebhook(event);
  const response = await fetch(ready.webhookUrl, { method: 'POST', headers, body });
  await response.arrayBuffer();
  return response.status;
}
