import { ASSUMED, AWS_LIMITS, dollarsKept, dollarsPerWebhook, PASSES, PER_WEBHOOK } from './capacity.ts';

/** The needs of a load: settings of cdk.json, quotas of the account, and dollars. */
export interface LoadPlan {
  readonly perSecond: number;
  readonly settings: {
    readonly throttlePerSecond: number;
    readonly throttleBurst: number;
    readonly maxConcurrency: number;
    readonly shards: number;
    readonly parallel: number;
  };
  readonly quotas: { readonly executions: number; readonly gatewayPerSecond: number };
  /** Write units a second for which the table is to be warmed before; null where it need not. */
  readonly warmWritesPerSecond: number | null;
  /** A month of it, and each month that it is kept. */
  readonly dollarsPerMonth: number;
  readonly dollarsKeptPerMonth: number;
  /** Settings that would have to be above what they can be, as `key: needed`. */
  readonly beyond: readonly string[];
}

/** Above what is needed on the average, for peaks of a second and for repeats. */
const HEADROOM = 1.25;
const MONTH_SECONDS = 730 * 3600;
const BATCH_SIZE = 10;
const DEFAULTS = { throttlePerSecond: 1000, throttleBurst: 2000, maxConcurrency: 5, parallel: 8 };
const MAX = { throttlePerSecond: 100_000, throttleBurst: 50_000, maxConcurrency: 1000, shards: 32, parallel: 64 };

const roundUp = (value: number, step: number) => Math.ceil(value / step) * step;

/** Returns what webhooks of one domain at a steady rate need, if all else is as by default. */
export function planFor(perSecond: number): LoadPlan {
  const load = perSecond * HEADROOM;
  // What waits for its batch must not look like a backlog, into which reconcile sends nothing.
  const batchSeconds = Math.max(ASSUMED.batchSeconds, ASSUMED.queueSeconds);
  const maxConcurrency = Math.max(DEFAULTS.maxConcurrency, Math.ceil((load * batchSeconds) / BATCH_SIZE));
  const partitions = (load * PER_WEBHOOK.mostFrequent) / AWS_LIMITS.partitionWritesPerSecond;
  const listings = (PASSES * load * ASSUMED.pageSeconds) / ASSUMED.pageEvents;
  const needed = {
    throttlePerSecond: Math.max(DEFAULTS.throttlePerSecond, roundUp(load, 100)),
    throttleBurst: Math.max(DEFAULTS.throttleBurst, roundUp(load / 2, 100)),
    maxConcurrency,
    // A power of two: the number can be raised, and never lowered.
    shards: 2 ** Math.max(0, Math.ceil(Math.log2(partitions))),
    parallel: Math.max(DEFAULTS.parallel, Math.ceil(listings)),
  };
  const keys = Object.keys(needed) as (keyof typeof needed)[];
  const writes = load * PER_WEBHOOK.tableWrites;
  return {
    perSecond,
    settings: Object.fromEntries(keys.map((key) => [key, Math.min(needed[key], MAX[key])])) as LoadPlan['settings'],
    quotas: {
      executions: Math.max(100, roundUp(load * ASSUMED.ingestSeconds + maxConcurrency, 100)),
      gatewayPerSecond: Math.max(AWS_LIMITS.gatewayPerSecond, roundUp(load, 1000)),
    },
    warmWritesPerSecond: writes > AWS_LIMITS.newTableWritesPerSecond ? roundUp(writes, 1000) : null,
    dollarsPerMonth: perSecond * MONTH_SECONDS * dollarsPerWebhook,
    dollarsKeptPerMonth: perSecond * MONTH_SECONDS * dollarsKept,
    beyond: [
      ...keys.filter((key) => needed[key] > MAX[key]).map((key) => `${key}: ${needed[key]}`),
      ...(writes > AWS_LIMITS.tableWritesPerSecond ? [`write units a second of the table: ${Math.ceil(writes)}`] : []),
    ],
  };
}
