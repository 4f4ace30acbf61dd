import type { StackUsage } from '../../../../../cli/target/types.ts';
import { environmentSchema } from '../../../../../lib/config/config-schema.ts';
import { runCommand, stubDeployment } from '../../../../support/cli/command-line.ts';
import { costsLine, planLine } from '../../../../support/cli/json-lines/doctor.ts';

/** Thirty days of 10 million webhooks a month that are kept for 400 days. */
const USAGE: StackUsage = {
  seconds: 30 * 86_400,
  writeUnits: 41.2e6,
  readUnits: 10.6e6,
  peakHourWriteUnits: 90_000,
  peakHourReadUnits: 25_000,
  tableBytes: 226e9,
  itemBytes: 150e9,
  logBytes: 2.6e9,
  refused: 1e6,
  table: { isInfrequentAccess: false, provisioned: undefined, isBackedUp: true },
};

const doctor = (over: Partial<StackUsage>, ...args: string[]) =>
  runCommand(['doctor', '--local', '--costs', ...args], {
    openDeployment: async () => stubDeployment({ usage: async () => ({ ...USAGE, ...over }) }),
  });

test('says what a month costs, what would be cheaper, and what a flood would cost', async () => {
  const { exitCode, lines } = await doctor({});

  expect(exitCode).toBe(0);
  expect(lines).toEqual([
    'At the pace of the last 30 days, a month costs in dollars:',
    '  reads and writes of the table           27.45',
    '  storage of the table                    56.50',
    '  point-in-time recovery                  30.00',
    '  logs                                     1.32',
    '  refused posts                            1.40',
    '  together                               116.66',
    'Each of these alone would be cheaper by:',
    '       43.25  retentionDays.events: half of what it is',
    '       30.00  table.pointInTimeRecovery: false, with seal.enabled',
    '       27.04  table.class: "infrequent-access"',
    expect.stringMatching(
      /^ +\d+\.\d\d {2}table\.provisioned: \{"write": \{"from": 18, "to": 18\}, "read": \{"from": 5, "to": 5\}\}$/,
    ),
    '1,000 forged posts a second cost 3,617.88 in a month; throttle.webhook is the limit.',
  ]);
});

test('advises what is configured against where that is cheaper, and nothing of less than a dollar', async () => {
  const table = { isInfrequentAccess: true, provisioned: { write: 4000, read: 10 }, isBackedUp: false };
  const { json } = await doctor({ tableBytes: 1e9, itemBytes: 1e9, table }, '--json');
  const { costs, cheaper } = costsLine.parse(json()[0]);

  // By what is provisioned, and not by the busiest hour.
  expect(costs[0]?.dollars).toBeCloseTo(1.25 * 730 * (4000 * 0.00065 + 10 * 0.00013));
  expect(cheaper.map(({ setting }) => setting)).toEqual([
    'table.provisioned left out: on demand',
    'table.class: "standard"',
  ]);
});

test('doctor --costs extrapolates the usage of a newly started stack', async () => {
  const { lines } = await doctor({ seconds: 120, writeUnits: 1000, tableBytes: 0, itemBytes: 0 });

  expect(lines[0]).toBe('At the pace of the last 2 minutes, a month costs in dollars:');
  expect((await doctor({ seconds: 12.4 })).lines[0]).toContain('the last 12 seconds,');
});

test('storage of which no one can tell the size is left out, and not free', async () => {
  const { json } = await doctor({ tableBytes: undefined, itemBytes: undefined }, '--json');
  const { costs, cheaper } = costsLine.parse(json()[0]);

  expect(costs.map(({ what }) => what)).toEqual(['reads and writes of the table', 'logs', 'refused posts']);
  expect(cheaper.map(({ setting }) => setting)).toEqual([expect.stringContaining('table.provisioned')]);
  const { lines } = await doctor({ tableBytes: undefined, writeUnits: 0, readUnits: 0 });
  expect(lines.slice(-3, -1)).toEqual([
    'Storage and backups of the table are not known here: neither they nor what would save them is counted.',
    'Nothing else of cdk.json would be cheaper by a dollar.',
  ]);
});

const plan = async (perSecond: string) => {
  const { exitCode, json } = await runCommand(['doctor', '--plan-for', perSecond, '--json']);
  return { exitCode, line: planLine.parse(json()[0]) };
};

test('the plan for 10,000 a second names shards, quotas and a warm table, each within what AWS and cdk.json take', async () => {
  const { exitCode, line } = await plan('10000');

  expect(exitCode).toBe(0);
  expect(line).toMatchObject({
    settings: { throttlePerSecond: 12_500, throttleBurst: 6300, maxConcurrency: 625, shards: 8, parallel: 42 },
    quotas: { executions: 1900, gatewayPerSecond: 13_000 },
    warmWritesPerSecond: 35_000,
    beyond: [],
  });
});

test.each([['1'], ['10'], ['250'], ['10000'], ['1000000']])(
  'what is planned for %s a second can be configured',
  async (rate) => {
    const { settings } = (await plan(rate)).line;

    const result = environmentSchema.safeParse({
      region: 'eu-west-1',
      domains: [{ name: 'mg.example.com', region: 'eu' }],
      throttle: { webhook: { ratePerSecond: settings.throttlePerSecond, burst: settings.throttleBurst } },
      processing: { maxConcurrency: settings.maxConcurrency },
      reconcile: { parallel: settings.parallel },
      shards: [{ from: '2027-01-01', count: settings.shards }],
    });
    expect(result.error).toBeUndefined();
  },
);

test('a small load needs the defaults, and no warm table', async () => {
  const { line } = await plan('10');

  expect(line.settings).toEqual({
    throttlePerSecond: 1000,
    throttleBurst: 2000,
    maxConcurrency: 5,
    shards: 1,
    parallel: 8,
  });
  expect(line.warmWritesPerSecond).toBeNull();
});

test('doctor --plan-for reports a load beyond every setting, and exits with 1', async () => {
  const { exitCode, lines } = await runCommand(['doctor', '--plan-for', '1000000']);

  expect(exitCode).toBe(1);
  expect(lines.join('\n')).toContain('BEYOND    throttlePerSecond: 1250000, which is more than there can be');
});

test('a person reads commands that can be copied', async () => {
  const { lines } = await runCommand(['doctor', '--plan-for', '10000']);

  expect(lines).toEqual([
    'For 10000 webhooks a second, all on one domain, and a quarter above it:',
    'cdk.json  throttle.webhook: {"ratePerSecond": 12500, "burst": 6300}',
    '          processing.maxConcurrency: 625',
    '          reconcile.parallel: 42',
    '          shards: [{"from": "<a day to come>", "count": 8}]',
    'quotas    aws service-quotas request-service-quota-increase --service-code lambda --quota-code L-B99A9384 --desired-value 1900',
    '          API Gateway: a throttle rate of 13000 requests a second, account and region',
    'table     aws dynamodb update-table --table-name <TableName> --warm-throughput ReadUnitsPerSecond=12000,WriteUnitsPerSecond=35000',
    expect.stringMatching(/^dollars {3}124,\d{3} a month, and 11,\d{3} for each month that it is kept$/),
  ]);
});

test.each(['0', '-5', 'many'])('--plan-for %s is wrong usage', async (rate) => {
  expect((await runCommand(['doctor', `--plan-for=${rate}`])).exitCode).toBe(2);
});
