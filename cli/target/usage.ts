import { CloudWatchClient, type MetricDataQuery, paginateGetMetricData } from '@aws-sdk/client-cloudwatch';
import {
  DescribeContinuousBackupsCommand,
  DescribeTableCommand,
  type ProvisionedThroughputDescription,
} from '@aws-sdk/client-dynamodb';
import { DAY_SECONDS, HOUR_MS, HOUR_SECONDS, INDEXES, METRICS } from '../../lambdas/contract.ts';
import type { CapacityUnits } from '../planning/capacity.ts';
import { type Clients, type Deployment, hasOutput, LOG_GROUPS, type StackUsage } from './types.ts';

/** Thirty days: CloudWatch keeps sums by the hour for longer. */
const USAGE_SECONDS = 30 * DAY_SECONDS;

/** Sums of each metric by the hour. */
type HourlySums = (queries: MetricDataQuery[], fromMs: number, toMs: number) => Promise<Map<string, number[]>>;

type Named = Pick<Deployment, 'output' | 'stackName'>;

/** Reads what a stack took in the last thirty days, or since its table was created, by the hour. */
export async function readUsage(
  deployment: Named,
  { table }: Pick<Clients, 'table'>,
  hourlySums: HourlySums,
  nowMs: number,
): Promise<StackUsage> {
  const TableName = deployment.output('TableName');
  const logGroups = Object.values(LOG_GROUPS).filter((key) => hasOutput(deployment as Deployment, key));
  const ofTable = (metric: string) => [
    query(`${metric}0`, 'AWS/DynamoDB', metric, { TableName }),
    ...Object.values(INDEXES).map(({ name }, index) =>
      query(`${metric}${index + 1}`, 'AWS/DynamoDB', metric, { TableName, GlobalSecondaryIndexName: name }),
    ),
  ];
  const queries = [
    ...ofTable('ConsumedWriteCapacityUnits'),
    ...ofTable('ConsumedReadCapacityUnits'),
    ...logGroups.map((key) =>
      query(`logs${key}`, 'AWS/Logs', 'IncomingBytes', { LogGroupName: deployment.output(key) }),
    ),
    query('refused', METRICS.namespace, METRICS.refused, { [METRICS.dimension]: deployment.stackName }),
  ];
  const [{ Table }, { ContinuousBackupsDescription: backups }] = await Promise.all([
    table.send(new DescribeTableCommand({ TableName })),
    table.send(new DescribeContinuousBackupsCommand({ TableName })),
  ]);
  const sinceMs = Math.max(nowMs - USAGE_SECONDS * 1000, Table?.CreationDateTime?.getTime() ?? 0);
  // CloudWatch sums whole hours.
  const sums = await hourlySums(queries, Math.floor(sinceMs / HOUR_MS) * HOUR_MS, nowMs);
  const totalOf = (prefix: string) =>
    [...sums].reduce((sum, [id, values]) => sum + (id.startsWith(prefix) ? total(values) : 0), 0);
  const indexes = Table?.GlobalSecondaryIndexes ?? [];
  const [write, read] = ['consumedWrite', 'consumedRead'];
  return {
    // The first minutes of a stack do not show its pace.
    seconds: Math.max(HOUR_SECONDS, (nowMs - sinceMs) / 1000),
    writeUnits: totalOf(write),
    readUnits: totalOf(read),
    peakHourWriteUnits: busiestHour(sums, write),
    peakHourReadUnits: busiestHour(sums, read),
    tableBytes: total([Table, ...indexes].map(bytesOf)),
    itemBytes: bytesOf(Table),
    logBytes: totalOf('logs'),
    refused: totalOf('refused'),
    table: {
      isInfrequentAccess: Table?.TableClassSummary?.TableClass === 'STANDARD_INFREQUENT_ACCESS',
      provisioned: provisionedOf([Table, ...indexes]),
      isBackedUp: backups?.PointInTimeRecoveryDescription?.PointInTimeRecoveryStatus === 'ENABLED',
    },
  };
}

/** Reads sums by the hour from CloudWatch. */
export function cloudWatchSums(settings: { readonly region: string; readonly requestHandler: object }): HourlySums {
  return async (MetricDataQueries, fromMs, toMs) => {
    const sums = new Map<string, number[]>();
    const pages = paginateGetMetricData(
      { client: new CloudWatchClient(settings) },
      { MetricDataQueries, StartTime: new Date(fromMs), EndTime: new Date(toMs), ScanBy: 'TimestampAscending' },
    );
    for await (const { MetricDataResults = [] } of pages) {
      for (const { Id = '', Timestamps = [], Values = [] } of MetricDataResults) {
        const hours = sums.get(Id) ?? [];
        // By its hour, since hours without data are left out.
        for (const [index, at] of Timestamps.entries()) {
          hours[Math.floor((at.getTime() - fromMs) / HOUR_MS)] = Values[index] ?? 0;
        }
        sums.set(Id, hours);
      }
    }
    return sums;
  };
}

/** An id begins with a small letter. */
const query = (id: string, Namespace: string, MetricName: string, dimensions: Record<string, string>) => ({
  Id: id.charAt(0).toLowerCase() + id.slice(1),
  MetricStat: {
    Metric: {
      Namespace,
      MetricName,
      Dimensions: Object.entries(dimensions).map(([Name, Value]) => ({ Name, Value })),
    },
    Period: HOUR_SECONDS,
    Stat: 'Sum',
  },
});

const total = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0);

/** Sums over table and indexes. */
function busiestHour(sums: ReadonlyMap<string, number[]>, prefix: string): number {
  const hours: number[] = [];
  for (const [id, values] of sums) {
    if (!id.startsWith(prefix)) continue;
    values.forEach((value, hour) => {
      hours[hour] = (hours[hour] ?? 0) + value;
    });
  }
  return hours.reduce((most, value) => Math.max(most, value), 0);
}

/** DynamoDB returns 0 for on-demand capacity. */
function provisionedOf(
  parts: readonly ({ ProvisionedThroughput?: ProvisionedThroughputDescription | undefined } | undefined)[],
): CapacityUnits | undefined {
  const units = (key: 'WriteCapacityUnits' | 'ReadCapacityUnits') =>
    total(parts.map((part) => part?.ProvisionedThroughput?.[key] ?? 0));
  const write = units('WriteCapacityUnits');
  return write > 0 ? { write, read: units('ReadCapacityUnits') } : undefined;
}

const bytesOf = (each: { TableSizeBytes?: number | undefined; IndexSizeBytes?: number | undefined } | undefined) =>
  each?.TableSizeBytes ?? each?.IndexSizeBytes ?? 0;
