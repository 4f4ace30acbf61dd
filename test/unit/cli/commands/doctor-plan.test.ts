import { expect, test } from '@jest/globals';
import { environmentSchema } from '../../../../lib/config/config-schema.ts';
import { runCommand } from '../../../support/command-line.ts';
import { planLine } from '../../../support/json-lines/doctor.ts';

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
      ...{ region: 'eu-west-1', domains: [{ name: 'mg.example.com', region: 'eu' }] },
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

test('a load beyond every setting is said so, and exits 1', async () => {
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
