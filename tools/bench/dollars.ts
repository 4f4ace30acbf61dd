import { PRICES } from '../../cli/planning/prices.ts';
import {
  ACCESS_METRICS,
  CLAIM_MARGIN_SECONDS,
  METRICS,
  SEAL_METRICS,
  SIGNATURE_WINDOW_SECONDS,
} from '../../lambdas/contract.ts';
import { UNREADABLE_REASONS } from '../../lambdas/domain/events/queue-message.ts';
import { STATUS_CODES } from '../../lambdas/ingest/status-codes.ts';
import { Synthesized } from '../../test/support/stacks/synthesized.ts';
import type { StoredBytes } from './ledger/item-size.ts';
import type { SliceCost } from './ledger/reconciliation.ts';
import type { SealingFigures } from './ledger/sealing.ts';
import type { ItemKind, SealUsage, StorageFigures } from './ledger/storage.ts';
import type { PipelineFigures } from './pipeline.ts';
import { BENCH_RATE, type ReceiverFigures } from './receivers.ts';

/** One line of a bill. */
export interface BillLine {
  readonly what: string;
  /** Quantity with its unit, for example `1,000,000 requests`. */
  readonly amount: string;
  readonly dollars: number;
}

export interface Costs {
  /** For a million webhooks, publishing off. */
  readonly requestPath: readonly BillLine[];
  /** For a million webhooks and each month that they are kept in the table. */
  readonly keeping: readonly BillLine[];
  /** For a million webhooks: both passes over their slices. */
  readonly reconciliation: readonly BillLine[];
  /** For a million webhooks that are sealed. */
  readonly sealing: readonly BillLine[];
  /** For a million webhooks and each month that they are kept in the archive. */
  readonly archive: readonly BillLine[];
  /** For a million webhooks, where the environment publishes. */
  readonly publishing: readonly BillLine[];
  /** A month, of one environment without traffic. */
  readonly fixed: readonly BillLine[];
  /** A month, of its archive. */
  readonly fixedArchive: readonly BillLine[];
  readonly sums: readonly MonthlySum[];
  /** Days that the table keeps items. */
  readonly keptDays: { readonly tableOnly: KeptDays; readonly archived: KeptDays };
  readonly functionMegabytes: number;
}

/** Dollars a month once the history is full. */
interface MonthlySum {
  readonly millionsPerMonth: number;
  readonly dollarsPerMonth: number;
  readonly archivedDollars: number;
  /** With the archive in place of point-in-time recovery. */
  readonly unbackedDollars: number;
  readonly publishingDollars: number;
}

/** Measurements that a bill is computed from. */
interface Measured {
  readonly pipeline: PipelineFigures;
  readonly reconciliation: readonly SliceCost[];
  readonly storage: StorageFigures;
  readonly sealing: { readonly slices: readonly SealingFigures[] };
}

type KeptDays = Readonly<Record<ItemKind, number>>;

const MILLION = 1e6;
const GIGABYTE = 1e9;
const MONTH_SECONDS = 730 * 3600;
const DAY_SECONDS = 86_400;
/** The slices of one sending domain. */
const SLICES_PER_MONTH = MONTH_SECONDS / 900;
/** Items that stay in the table after the pass; claims expire. */
const KEPT_KINDS = ['events', 'statuses', 'others'] as const satisfies readonly ItemKind[];
const ITEM_KINDS = [...KEPT_KINDS, 'claims'] as const satisfies readonly ItemKind[];
export const MONTH_DAYS = 365.25 / 12;
/** Lambda gives one full vCPU at this memory size, and proportionally less below it. */
const MEGABYTES_PER_PROCESSOR = 1769;
/** Assumed, not measured here: duration of a DynamoDB or SQS call inside a region. */
const ASSUMED_CALL_MS = 5;
/** Lambda keeps five pollers on an empty queue; each polls every 20 s. */
const POLLS_PER_SECOND = 5 / 20;
/** Assumed, not measured here: most runs find one slice or none. */
const ASSUMED_RUN_SECONDS = 2;
const PASSES = 2;

export const sum = (lines: readonly BillLine[]) => lines.reduce((total, { dollars }) => total + dollars, 0);

/**
 * The bill that commit f983ae6 printed for 10 million webhooks a month at the same prices. Its engine counted whole
 * items in keys-only indexes, and counted both in point-in-time recovery. `stored` is what AWS bills for the same
 * items, at their size of that time.
 */
export const BASELINE = {
  commit: 'f983ae6',
  millionsPerMonth: 10,
  dollars: 163.56,
  tableBytes: 1719.93,
  stored: { items: 863.47, entries: 345.72 } satisfies StoredBytes,
};

/** Returns the dollars that a run's counts cost at list prices. */
export function costsOf({ pipeline, reconciliation: slices, storage, sealing: { slices: sealings } }: Measured): Costs {
  const { perWebhook, batchSize, logBytesPerWebhook } = pipeline;
  const { ingest, process } = perWebhook;
  const tableOnly = new Synthesized('prod');
  const archived = new Synthesized('prod', { seal: { enabled: true } });
  const functionMegabytes = memoryOf(tableOnly, 'Process');
  const writes = ingest.writeUnits + process.writeUnits;
  const reads = ingest.readUnits + process.readUnits;
  // In ingest the calls run in sequence; in a batch, one read is shared and each record makes two writes.
  const cpuMs = ((ingest.cpuMs + process.cpuMs) * MEGABYTES_PER_PROCESSOR) / functionMegabytes;
  const billedMs = cpuMs + (2 + 3 / batchSize) * ASSUMED_CALL_MS;
  const gigabyteSeconds = (billedMs / 1000) * (functionMegabytes / 1024);
  const queueRequests = (ingest.calls['sqs.SendMessage'] ?? 0) + 2 / batchSize;
  const invocations = 1 + 1 / batchSize;
  const requestPath = [
    line('HTTP API requests', 1, PRICES.perApiRequest),
    line('function invocations', invocations, PRICES.perInvocation),
    line('function time, GB-seconds', gigabyteSeconds, PRICES.perGigabyteSecond),
    line('write units', writes, PRICES.perWriteUnit),
    line('read units', reads, PRICES.perReadUnit),
    line('queue requests', queueRequests, PRICES.perQueueRequest),
    line('gigabytes of logs', logBytesPerWebhook / GIGABYTE, PRICES.perLogGigabyte),
  ];

  const keeping = KEPT_KINDS.flatMap((kind) => [
    line(
      `gigabytes of ${kind} in table and indexes`,
      (storage.bytes[kind].items + storage.bytes[kind].entries) / GIGABYTE,
      PRICES.perTableGigabyteMonth,
    ),
    line('in point-in-time recovery', storage.bytes[kind].items / GIGABYTE, PRICES.perBackupGigabyteMonth),
  ]);

  const largest = slices.at(-1);
  const ofSlice = (units = 0) => (PASSES * units) / (largest?.events ?? Number.NaN);
  const reconciliation = [
    line('read units', ofSlice(largest?.readUnits), PRICES.perReadUnit),
    line('write units', ofSlice(largest?.writeUnits), PRICES.perWriteUnit),
  ];

  const sealed = sealings.at(-1);
  const cpuSeconds = (sealed?.cpuSeconds ?? Number.NaN) / (sealed?.events ?? Number.NaN);
  const sealing = [
    line('read units', storage.sealing.readUnitsPerEvent, PRICES.perReadUnit),
    line(
      'function time, GB-seconds',
      // Up to a gigabyte, Lambda gives only a share of one vCPU.
      cpuSeconds * (MEGABYTES_PER_PROCESSOR / 1024),
      PRICES.perGigabyteSecond,
    ),
  ];
  const bytesPerEvent = sealed?.bytesPerEvent ?? Number.NaN;
  const archive = [line('gigabytes in the bucket', bytesPerEvent / GIGABYTE, PRICES.perObjectGigabyteMonth)];

  const publishing = [line('published events', process.calls['dynamodb.UpdateItem'] ?? 0, PRICES.perPublishedEvent)];
  const fixed = fixedCosts(tableOnly, functionMegabytes);
  const fixedArchive = fixedCostsOfArchive(tableOnly, archived, storage.sealing);
  const keptDays = { tableOnly: keptDaysOf(tableOnly), archived: keptDaysOf(archived) };
  const months = (days: number) => days / MONTH_DAYS;
  const keptFor = (days: KeptDays, dollarsAMonth: (bytes: StoredBytes) => number) =>
    ITEM_KINDS.reduce(
      (dollars, kind) => dollars + MILLION * months(days[kind]) * dollarsAMonth(storage.bytes[kind]),
      0,
    );
  const perMillion = sum(requestPath) + sum(reconciliation);
  const perArchivedMillion = perMillion + sum(sealing) + months(keptDays.archived.statuses) * sum(archive);
  return {
    requestPath,
    keeping,
    reconciliation,
    sealing,
    archive,
    publishing,
    fixedArchive,
    fixed: [...fixed, metricsByReason()],
    keptDays,
    functionMegabytes,
    sums: [1, 10, 100].map((millionsPerMonth) => {
      const unbackedDollars =
        sum(fixed) +
        sum(fixedArchive) +
        millionsPerMonth * (perArchivedMillion + keptFor(keptDays.archived, tableDollars));
      return {
        millionsPerMonth,
        dollarsPerMonth:
          sum(fixed) +
          millionsPerMonth *
            (perMillion + keptFor(keptDays.tableOnly, tableDollars) + keptFor(keptDays.tableOnly, backupDollars)),
        archivedDollars: unbackedDollars + millionsPerMonth * keptFor(keptDays.archived, backupDollars),
        unbackedDollars,
        publishingDollars: millionsPerMonth * sum(publishing),
      };
    }),
  };
}

/** Returns dollars a month for what is kept in the table and its indexes, point-in-time recovery included. */
const tableDollars = ({ items, entries }: StoredBytes) => ((items + entries) / GIGABYTE) * PRICES.perTableGigabyteMonth;
const backupDollars = ({ items }: StoredBytes) => (items / GIGABYTE) * PRICES.perBackupGigabyteMonth;

/** Returns the baseline's bill by the bytes that AWS bills: indexes are smaller, and not in point-in-time recovery. */
export function baselineByItemSize(costs: Costs): number {
  const printed = (BASELINE.tableBytes / GIGABYTE) * (PRICES.perTableGigabyteMonth + PRICES.perBackupGigabyteMonth);
  const billed = tableDollars(BASELINE.stored) + backupDollars(BASELINE.stored);
  const months = costs.keptDays.tableOnly.events / MONTH_DAYS;
  return BASELINE.dollars - BASELINE.millionsPerMonth * MILLION * months * (printed - billed);
}

const memoryOf = (stack: Synthesized, name: string): number =>
  stack.named('AWS::Lambda::Function', name).Properties.MemorySize;

function keptDaysOf(stack: Synthesized): KeptDays {
  const { RETENTION_DAYS, STATUS_DAYS } = stack.named('AWS::Lambda::Function', 'Process').Properties.Environment
    .Variables;
  const statuses = Number(STATUS_DAYS);
  return {
    events: Number(RETENTION_DAYS),
    statuses,
    others: statuses,
    claims: (SIGNATURE_WINDOW_SECONDS + CLAIM_MARGIN_SECONDS) / DAY_SECONDS,
  };
}

/** Returns one line of a bill for a million webhooks, from the quantity per webhook. */
function line(what: string, perWebhook: number, price: number): BillLine {
  const amount = perWebhook * MILLION;
  const digits = amount < 100 ? 3 : 0;
  return {
    what,
    amount: amount.toLocaleString('en-US', { maximumFractionDigits: digits }),
    dollars: amount * price,
  };
}

/**
 * CloudWatch bills each reason of a refusal or dead letter as a metric of its own (the last reason: unstorable), for
 * the hours in which it occurs. In a usual month that is almost none, so it is in no sum.
 */
const metricsByReason = () =>
  monthly(
    'metrics by reason of refusals and dead letters, if all occur',
    Object.keys(STATUS_CODES).length + UNREADABLE_REASONS.length + 1,
    PRICES.perMetricMonth,
  );

/** Returns what the prod template costs before the first webhook. */
function fixedCosts(stack: Synthesized, functionMegabytes: number): BillLine[] {
  const { namespace: _space, dimension: _dimension, reasonDimension: _reason, ...all } = METRICS;
  // Only a stack with receivers writes these.
  const { deliverFailed: _failed, receiverDisabled: _disabled, ...names } = all;
  const metrics = Object.keys(names).length + Object.keys(ACCESS_METRICS).length;
  const runs = runsAMonth(stack);
  const gigabyteSeconds = runs * ASSUMED_RUN_SECONDS * (functionMegabytes / 1024);
  return [
    monthly('metrics, if all occur', metrics, PRICES.perMetricMonth),
    monthly('metrics read by alarms', alarmMetricsOf(stack), PRICES.perAlarmMetricMonth),
    monthly('dashboards', stack.ofType('AWS::CloudWatch::Dashboard').length, PRICES.perDashboardMonth),
    monthly('secrets', stack.ofType('AWS::SecretsManager::Secret').length, PRICES.perSecretMonth),
    monthly('receives of the empty queue', MONTH_SECONDS * POLLS_PER_SECOND, PRICES.perQueueRequest),
    monthly('runs of reconcile', runs, PRICES.perScheduledRun + PRICES.perInvocation),
    monthly('GB-seconds of reconcile', gigabyteSeconds, PRICES.perGigabyteSecond),
  ];
}

/** Returns what the archive adds to the fixed costs, for one sending domain. */
function fixedCostsOfArchive(
  tableOnly: Synthesized,
  archived: Synthesized,
  { perRun, perSlice }: StorageFigures['sealing'],
): BillLine[] {
  const runs = runsAMonth(archived);
  const ofSeal = (count: (usage: SealUsage) => number) => runs * count(perRun) + SLICES_PER_MONTH * count(perSlice);
  const gigabyteSeconds = runs * ASSUMED_RUN_SECONDS * (memoryOf(archived, 'SealFunction') / 1024);
  return [
    monthly('keys that sign', archived.ofType('AWS::KMS::Key').length, PRICES.perKeyMonth),
    monthly('metrics of seal', Object.keys(SEAL_METRICS).length, PRICES.perMetricMonth),
    monthly(
      'metrics read by its alarm',
      alarmMetricsOf(archived) - alarmMetricsOf(tableOnly),
      PRICES.perAlarmMetricMonth,
    ),
    monthly('runs of seal', runs, PRICES.perScheduledRun + PRICES.perInvocation),
    monthly('GB-seconds of seal', gigabyteSeconds, PRICES.perGigabyteSecond),
    monthly(
      'objects, records and manifests put',
      ofSeal(({ puts }) => puts),
      PRICES.perObjectPut,
    ),
    monthly(
      'objects read',
      ofSeal(({ reads }) => reads),
      PRICES.perObjectRead,
    ),
    monthly(
      'write units of seal',
      ofSeal(({ writeUnits }) => writeUnits),
      PRICES.perWriteUnit,
    ),
    monthly(
      'read units of seal',
      ofSeal(({ readUnits }) => readUnits),
      PRICES.perReadUnit,
    ),
  ];
}

function alarmMetricsOf(stack: Synthesized): number {
  return stack.ofType('AWS::CloudWatch::Alarm').reduce((count, { Properties }) => {
    const metrics: { MetricStat?: unknown }[] | undefined = Properties.Metrics;
    return count + (metrics?.filter(({ MetricStat }) => MetricStat !== undefined).length ?? 1);
  }, 0);
}

/** Reconcile and seal run on the same schedule. */
function runsAMonth(stack: Synthesized): number {
  const schedule: string = stack.ofType('AWS::Scheduler::Schedule')[0]?.Properties.ScheduleExpression;
  const [, every = '', unit] = /^rate\((\d+) (minute|hour)s?\)$/.exec(schedule) ?? [];
  return MONTH_SECONDS / (Number(every) * (unit === 'hour' ? 3600 : 60));
}

const monthly = (what: string, amount: number, price: number): BillLine => ({
  what,
  amount: Math.round(amount).toLocaleString('en-US'),
  dollars: amount * price,
});

/** Returns deliver's settings for a receiver, as in the prod template. */
function deployedReceiver(): { batchSize: number; paceMs: number; megabytes: number } {
  const receiver = { name: 'bench', url: 'https://bench.mailgun-ledger.internal/', ratePerSecond: BENCH_RATE };
  const stack = new Synthesized('prod', {
    publish: { enabled: true },
    receivers: [{ ...receiver, events: ['message.status.changed'] }],
  });
  const { BatchSize } = stack.named('AWS::Lambda::EventSourceMapping', 'DeliverFunction').Properties;
  const { Environment } = stack.named('AWS::Lambda::Function', 'DeliverFunction').Properties;
  const [, paceMs] = /paceMs\W+(\d+)/.exec(JSON.stringify(Environment.Variables.RECEIVERS)) ?? [];
  return { batchSize: BatchSize, paceMs: Number(paceMs), megabytes: memoryOf(stack, 'DeliverFunction') };
}

/** Returns the bill for a million deliveries to one receiver at list prices, without the bus's events. */
export function costsOfDelivery({ perDelivery, bytesPerDelivery }: ReceiverFigures): BillLine[] {
  const { publish, deliver } = perDelivery;
  const { batchSize, paceMs, megabytes } = deployedReceiver();
  // The requests of a batch are paced, so the function waits longer than it works.
  const gigabyteSeconds = (paceMs / 1000) * (megabytes / 1024);
  return [
    line('queue requests', 1 + 2 / batchSize, PRICES.perQueueRequest),
    line('function invocations', 1 / batchSize, PRICES.perInvocation),
    line('function time, GB-seconds', gigabyteSeconds, PRICES.perGigabyteSecond),
    line('write units', publish.writeUnits + deliver.writeUnits, PRICES.perWriteUnit),
    line('read units', publish.readUnits + deliver.readUnits, PRICES.perReadUnit),
    line('gigabytes sent to the internet', bytesPerDelivery / GIGABYTE, PRICES.perGigabyteSent),
  ];
}
