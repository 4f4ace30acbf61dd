import { HOUR_SECONDS } from '../../lambdas/contract.ts';
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
export const MONTH_SECONDS = 730 * 3600;
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
const PASSES = 2;

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

const MONTH_HOURS = 730;
const { infrequentAccess } = PRICES;

/** Share of provisioned capacity that must be used for it to be cheaper than on demand. */
export const BREAK_EVEN_UTILIZATION = {
  write: PRICES.perWriteCapacityHour / (HOUR_SECONDS * PRICES.perWriteUnit),
  read: PRICES.perReadCapacityHour / (HOUR_SECONDS * PRICES.perReadUnit),
};

/** Months for which a webhook must be kept for the infrequent-access class to be cheaper. */
export const BREAK_EVEN_MONTHS =
  ((infrequentAccess.throughput - 1) *
    (PER_WEBHOOK.writeUnits * PRICES.perWriteUnit + PER_WEBHOOK.readUnits * PRICES.perReadUnit)) /
  ((1 - infrequentAccess.storage) * (PER_WEBHOOK.tableBytes / 1e9) * PRICES.perTableGigabyteMonth);

/** From memory: what gzip leaves of log lines, in CloudWatch as in a bucket. */
const COMPRESSED = 0.15;

/**
 * Months for which logs must be kept for a stream into a bucket to be cheaper than CloudWatch; assumed: records that
 * fill the 5 KB to which Firehose rounds each one up. Where a few lines at a time are sent, it is more.
 */
export const BREAK_EVEN_LOG_MONTHS =
  PRICES.perStreamedGigabyte / (COMPRESSED * (PRICES.perLogGigabyteMonth - PRICES.perObjectGigabyteMonth));

/** The usage of a stack in a month; units are those of the table with its indexes. */
export interface MonthlyUsage {
  readonly writeUnits: number;
  readonly readUnits: number;
  /** Units in the busiest hour. */
  readonly peakHourWriteUnits: number;
  readonly peakHourReadUnits: number;
  /** Bytes of the table with its indexes; undefined where they are unknown. */
  readonly tableBytes: number | undefined;
  /** Bytes of the table's items, by which point-in-time recovery is billed. */
  readonly itemBytes: number | undefined;
  readonly logBytes: number;
  /** Posts that were refused. */
  readonly refused: number;
}

/** The configuration of the table. */
export interface TableState {
  readonly isInfrequentAccess: boolean;
  /** Provisioned at the moment, for the table with its indexes; undefined where it is paid on demand. */
  readonly provisioned: CapacityUnits | undefined;
  readonly isBackedUp: boolean;
}

/** Units a second. */
export interface CapacityUnits {
  readonly write: number;
  readonly read: number;
}

export interface CostLine {
  readonly what: string;
  readonly dollars: number;
}

/** A choice that would be cheaper, and by how many dollars a month. */
export interface Saving {
  readonly setting: string;
  readonly dollars: number;
}

/** Name of the cost line that exists if the table's size is known. */
export const STORAGE = 'storage of the table';

/** Capacity must be there before it is needed. */
const TARGET_UTILIZATION = 0.7;

/** Returns what a month costs where a choice changes it; a lower bound of the bill, which holds more. */
export function monthlyCosts(usage: MonthlyUsage, table: TableState): CostLine[] {
  return [
    { what: 'reads and writes of the table', dollars: throughputDollars(usage, table) },
    ...keepingCosts(usage, table),
    { what: 'logs', dollars: (usage.logBytes / 1e9) * PRICES.perLogGigabyte },
    { what: 'refused posts', dollars: usage.refused * dollarsPerRefusal },
  ];
}

function keepingCosts({ tableBytes, itemBytes }: MonthlyUsage, table: TableState): CostLine[] {
  if (tableBytes === undefined || itemBytes === undefined) return [];
  const backup = table.isBackedUp ? PRICES.perBackupGigabyteMonth : 0;
  return [
    { what: STORAGE, dollars: (tableBytes / 1e9) * PRICES.perTableGigabyteMonth * storageFactor(table) },
    { what: 'point-in-time recovery', dollars: (itemBytes / 1e9) * backup },
  ];
}

/** Returns what would be cheaper, the largest saving first. */
export function savings(usage: MonthlyUsage, table: TableState): Saving[] {
  const total = (chosen: TableState, used = usage) => sumOf(monthlyCosts(used, chosen));
  const other = !table.isInfrequentAccess;
  const isProvisioned = table.provisioned !== undefined;
  const choices: [setting: string, dollars: number][] = [
    [`table.class: "${other ? 'infrequent-access' : 'standard'}"`, total({ ...table, isInfrequentAccess: other })],
    [
      isProvisioned ? 'table.provisioned left out: on demand' : provisionedSetting(usage),
      total({ ...table, provisioned: isProvisioned ? undefined : provisionedFor(usage) }),
    ],
    ['table.pointInTimeRecovery: false, with seal.enabled', total({ ...table, isBackedUp: false })],
    [
      'retentionDays.events: half of what it is',
      total(table, { ...usage, tableBytes: half(usage.tableBytes), itemBytes: half(usage.itemBytes) }),
    ],
  ];
  const now = total(table);
  return choices
    .map(([setting, dollars]) => ({ setting, dollars: now - dollars }))
    .filter(({ dollars }) => dollars >= 1)
    .toSorted((one, another) => another.dollars - one.dollars);
}

/** Returns dollars together. */
export const sumOf = (lines: readonly CostLine[]): number => lines.reduce((sum, { dollars }) => sum + dollars, 0);

const half = (bytes: number | undefined) => bytes && bytes / 2;

const storageFactor = ({ isInfrequentAccess }: TableState) => (isInfrequentAccess ? infrequentAccess.storage : 1);

function throughputDollars(usage: MonthlyUsage, { isInfrequentAccess, provisioned }: TableState): number {
  const factor = isInfrequentAccess ? infrequentAccess.throughput : 1;
  if (provisioned === undefined) {
    return factor * (usage.writeUnits * PRICES.perWriteUnit + usage.readUnits * PRICES.perReadUnit);
  }
  const { write, read } = provisioned;
  return factor * MONTH_HOURS * (write * PRICES.perWriteCapacityHour + read * PRICES.perReadCapacityHour);
}

/** Units a second that hold the busiest hour without scaling: a bound from above. */
const provisionedFor = (usage: MonthlyUsage): CapacityUnits => ({
  write: Math.ceil(usage.peakHourWriteUnits / HOUR_SECONDS / TARGET_UTILIZATION),
  read: Math.ceil(usage.peakHourReadUnits / HOUR_SECONDS / TARGET_UTILIZATION),
});

/** The table's part of all units: an index has half as many as the table, and there are two. */
const TABLE_PART = 0.5;

function provisionedSetting(usage: MonthlyUsage): string {
  const { write, read } = provisionedFor(usage);
  const fixed = (units: number) => {
    const part = Math.max(1, Math.ceil(units * TABLE_PART));
    return `{"from": ${part}, "to": ${part}}`;
  };
  return `table.provisioned: {"write": ${fixed(write)}, "read": ${fixed(read)}}`;
}
