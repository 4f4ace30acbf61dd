import { dollarsPerRefusal, PER_WEBHOOK } from './capacity.ts';
import { PRICES } from './prices.ts';

const MONTH_HOURS = 730;
const HOUR_SECONDS = 3600;
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
