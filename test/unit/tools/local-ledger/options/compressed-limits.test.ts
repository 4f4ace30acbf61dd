import { parseConfig } from '../../../../../lib/config/config.ts';
import {
  compressedLimits,
  compressedWatermarkSeconds,
} from '../../../../../tools/local-ledger/options/compressed-limits.ts';

const configured = (limits: object) =>
  parseConfig({
    environments: {
      dev: { region: 'eu-west-1', domains: [{ name: 'mg.example.com', region: 'us' }], alarms: { limits } },
    },
    env: 'dev',
  }).alarms.limits;

test('a minute of full length leaves the configured limits unchanged', () => {
  const { runPeriodSeconds: _, ...limits } = compressedLimits(60, 900);

  expect(configured({})).toMatchObject(limits);
});

test.each([
  { metricPeriodSeconds: 60, everySeconds: 15, runPeriodSeconds: 60 },
  { metricPeriodSeconds: 1, everySeconds: 15, runPeriodSeconds: 1800 },
  { metricPeriodSeconds: 1, everySeconds: 1, runPeriodSeconds: 120 },
  { metricPeriodSeconds: 4, everySeconds: 15, runPeriodSeconds: 480 },
  { metricPeriodSeconds: 1, everySeconds: 3600, runPeriodSeconds: 43_200 },
])(
  'a minute of $metricPeriodSeconds s and a run every $everySeconds s give a period of $runPeriodSeconds s for runs',
  ({ metricPeriodSeconds, everySeconds, runPeriodSeconds }) => {
    expect(compressedLimits(metricPeriodSeconds, everySeconds).runPeriodSeconds).toBe(runPeriodSeconds);
  },
);

test('limits that are times of metrics shrink with the minute, to a second at least', () => {
  expect(compressedLimits(1, 1)).toMatchObject({ oldestMessageSeconds: 5, publishLagSeconds: 360 });
  expect(compressedLimits(0.1, 1).oldestMessageSeconds).toBe(1);
});

test('compressed limits are a valid configuration', () => {
  expect(configured(compressedLimits(1, 15))).toMatchObject(compressedLimits(1, 15));
});

test('the alarm on a late ledger comes after those of its causes', () => {
  const times = { settleSeconds: 22, sliceSeconds: 5, everySeconds: 15 };
  expect(compressedWatermarkSeconds({ ...times, retentionSeconds: 120 })).toBe(87);
  expect(compressedWatermarkSeconds({ ...times, retentionSeconds: 86_400 })).toBe(43_200);
});
