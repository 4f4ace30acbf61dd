import { PRICES } from './prices.ts';

// What a plan for a load and the simulation in tools/bench rest on. A test compares the counts with the measured ones.

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
  /** Of the table, without its indexes. */
  tableWrites: 2.8,
  writeUnits: 4.179,
  readUnits: 1.077,
  queueRequests: 1.2,
  invocations: 1.1,
  gigabyteSeconds: 0.0113,
  logBytes: 266,
  /** As AWS bills them, entries in indexes included. */
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
  /** One page of Mailgun's listing, comparison included, and the events on it. */
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

/** Of a refusal: ingest reads nothing, and the access log has a line of it. */
const REFUSAL = { gigabyteSeconds: 0.002, logBytes: 300 };

/** Dollars of a post that is refused, while a flood gets no lines of its own. */
export const dollarsPerRefusal =
  PRICES.perApiRequest +
  PRICES.perInvocation +
  REFUSAL.gigabyteSeconds * PRICES.perGigabyteSecond +
  (REFUSAL.logBytes / 1e9) * PRICES.perLogGigabyte;

/** Dollars a month for one webhook in point-in-time recovery, which AWS bills without indexes. */
export const dollarsBackedUp = (PER_WEBHOOK.itemBytes / 1e9) * PRICES.perBackupGigabyteMonth;

/** Dollars a month for keeping one webhook, backup included. */
export const dollarsKept = (PER_WEBHOOK.tableBytes / 1e9) * PRICES.perTableGigabyteMonth + dollarsBackedUp;
