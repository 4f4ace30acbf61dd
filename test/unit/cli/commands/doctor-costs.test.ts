import { expect, test } from '@jest/globals';
import type { StackUsage } from '../../../../cli/target/types.ts';
import { runCommand, stubDeployment } from '../../../support/command-line.ts';
import { costsLine } from '../../../support/json-lines/doctor.ts';

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

test('a stack that was just started is taken at its pace', async () => {
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
