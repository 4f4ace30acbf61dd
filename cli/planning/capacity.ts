import { PRICES } from './prices.ts';

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

/** Factor above the average, for peaks of a second and for repeats. */
const HEADROOM = 1.25;
const MONTH_SECONDS = 730 * 3600;
const BATCH_SIZE = 10;
const DEFAULTS = { throttlePerSecond: 1000, throttleBurst: 2000, maxConcurrency: 5, parallel: 8 };
const MAX = { throttlePerSecond: 100_000, throttleBurst: 50_000, maxConcurrency: 1000, shards: 32, parallel: 64 };

const roundUp = (value: number, step: number) => Math.ceil(value / step) * step;

/** Returns what webhooks of one domain at a steady rate need, if all else is as by default. */
export function planFor(perSecond: number): LoadPlan {
  const load = perSecond * HEADROOM;
  // Messages waiting for their batch must not look like a backlog, during which reconcile pauses.
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

// Assumptions shared by load plans and the simulation in tools/bench. A test compares the counts with measured ones.

/** Quotas and limits of AWS, by region and account; they may have changed. */
export const AWS_LIMITS = {
  partitionWritesPerSecond: 1000,
  newTableWritesPerSecond: 4000,
  tableWritesPerSecond: 40_000,
  /** An on-demand table takes twice its last peak; a higher one must come this much later. */
  tableDoublingSeconds: 1800,
  executions: 1000,
  newAccountExecutions: 10,
  /** Executions that a function may gain within ten seconds. */
  executionsPerTenSeconds: 1000,
  pollersPerMinute: 300,
  gatewayPerSecond: 10_000,
  messagesInFlight: 120_000,
} as const;

/** The usage of each resource by one webhook, as `npm run bench` counted it. */
export const PER_WEBHOOK = {
  /** Share of the most frequent event type, `accepted`. */
  mostFrequent: 0.378,
  /** Share of `delivered`, which Mailgun posts once. */
  delivered: 0.37,
  /** Without the indexes. */
  tableWrites: 2.8,
  writeUnits: 4.179,
  readUnits: 1.077,
  queueRequests: 1.2,
  invocations: 1.1,
  gigabyteSeconds: 0.0113,
  logBytes: 266,
  /** As AWS bills them, index entries included. */
  tableBytes: 1114,
  /** The same without entries: of point-in-time recovery. */
  itemBytes: 768,
} as const;

/** Assumed: nothing here was run on AWS. */
export const ASSUMED = {
  /** Ingest is busy with a webhook, process with a batch. */
  ingestSeconds: 0.1,
  batchSeconds: 0.2,
  coldStartSeconds: 1,
  /** Between the send of a message and the batch that holds it. */
  queueSeconds: 0.5,
  /** Seconds for a page of Mailgun's listing, comparison included, and the events on it. */
  pageSeconds: 0.5,
  pageEvents: 300,
  /** Sends of missing events. */
  requeuesPerSecond: 1000,
} as const;

/** Both passes list every slice. */
export const PASSES = 2;

/** Dollars of one webhook on its way into the table. */
export const dollarsPerWebhook =
  PRICES.perApiRequest +
  PER_WEBHOOK.invocations * PRICES.perInvocation +
  PER_WEBHOOK.gigabyteSeconds * PRICES.perGigabyteSecond +
  PER_WEBHOOK.writeUnits * PRICES.perWriteUnit +
  PER_WEBHOOK.readUnits * PRICES.perReadUnit +
  PER_WEBHOOK.queueRequests * PRICES.perQueueRequest +
  (PER_WEBHOOK.logBytes / 1e9) * PRICES.perLogGigabyte;

/** For a refusal: ingest reads nothing, and the access log gets a line. */
const REFUSAL = { gigabyteSeconds: 0.002, logBytes: 300 };

/** Dollars per refused post, during a flood, in which log lines are limited. */
export const dollarsPerRefusal =
  PRICES.perApiRequest +
  PRICES.perInvocation +
  REFUSAL.gigabyteSeconds * PRICES.perGigabyteSecond +
  (REFUSAL.logBytes / 1e9) * PRICES.perLogGigabyte;

/** Dollars a month for one webhook in point-in-time recovery, which AWS bills without indexes. */
export const dollarsBackedUp = (PER_WEBHOOK.itemBytes / 1e9) * PRICES.perBackupGigabyteMonth;

/** Dollars a month for keeping one webhook, backup included. */
export const dollarsKept = (PER_WEBHOOK.tableBytes / 1e9) * PRICES.perTableGigabyteMonth + dollarsBackedUp;
