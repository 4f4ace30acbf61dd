import { readUsage } from '../../../../cli/target/usage.ts';
import { outputOfItsKey } from '../../../support/cli/command-line.ts';

const NOW_MS = Date.parse('2027-01-31T00:00Z');
const throughput = (WriteCapacityUnits: number, ReadCapacityUnits: number) => ({
  WriteCapacityUnits,
  ReadCapacityUnits,
});

const asking = (createdMs = 0) =>
  ({
    table: {
      send: async ({ constructor: { name } }: object) =>
        name === 'DescribeTableCommand'
          ? {
              Table: {
                CreationDateTime: new Date(createdMs),
                TableSizeBytes: 1000,
                GlobalSecondaryIndexes: [
                  { IndexSizeBytes: 20, ProvisionedThroughput: throughput(2, 1) },
                  { IndexSizeBytes: 3, ProvisionedThroughput: throughput(3, 1) },
                ],
                TableClassSummary: { TableClass: 'STANDARD_INFREQUENT_ACCESS' },
                ProvisionedThroughput: throughput(5, 4),
              },
            }
          : {
              ContinuousBackupsDescription: {
                PointInTimeRecoveryDescription: { PointInTimeRecoveryStatus: 'ENABLED' },
              },
            },
    },
  }) as never;

test('readUsage sums a month of table, indexes, logs and refusals, and finds the busiest hour', async () => {
  const calls: string[] = [];
  const usage = await readUsage(
    { stackName: 'mailgun-ledger-prod', output: outputOfItsKey },
    asking(),
    async (queries, fromMs, toMs) => {
      calls.push(`${(toMs - fromMs) / 86_400_000} days`);
      return new Map(
        queries.map(({ Id = '', MetricStat }) => {
          const { Namespace, MetricName, Dimensions = [] } = MetricStat?.Metric ?? {};
          calls.push([Namespace, MetricName, ...Dimensions.map(({ Value }) => Value)].join(' '));
          if (MetricName === 'ConsumedWriteCapacityUnits') return [Id, [10, 1, 5]];
          return [Id, MetricName === 'Refused' ? [7] : [100]];
        }),
      );
    },
    NOW_MS,
  );

  expect(calls.slice(0, 4)).toEqual([
    '30 days',
    'AWS/DynamoDB ConsumedWriteCapacityUnits TableName',
    'AWS/DynamoDB ConsumedWriteCapacityUnits TableName byRecipient',
    'AWS/DynamoDB ConsumedWriteCapacityUnits TableName byDay',
  ]);
  expect(calls.at(-1)).toBe('MailgunLedger Refused mailgun-ledger-prod');
  expect(usage).toMatchObject({
    seconds: 30 * 86_400,
    writeUnits: 48,
    peakHourWriteUnits: 30,
    tableBytes: 1023,
    itemBytes: 1000,
    logBytes: 1000,
    refused: 7,
    table: { isInfrequentAccess: true, provisioned: { write: 10, read: 6 }, isBackedUp: true },
  });
});

test.each([
  { created: '2027-01-28T11:40Z', seconds: 60 * 3600 + 20 * 60, from: '2027-01-28T11:00Z' },
  { created: '2027-01-30T23:58Z', seconds: 3600, from: '2027-01-30T23:00Z' },
])(
  'readUsage measures a table created $created since then, and over at least an hour',
  async ({ created, seconds, from }) => {
    let begin = 0;
    const usage = await readUsage(
      { stackName: 'mailgun-ledger-prod', output: outputOfItsKey },
      asking(Date.parse(created)),
      async (_, fromMs) => {
        begin = fromMs;
        return new Map();
      },
      NOW_MS,
    );

    expect([usage.seconds, begin]).toEqual([seconds, Date.parse(from)]);
  },
);
