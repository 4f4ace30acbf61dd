import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ACCESS_METRICS, METRICS, SEAL_METRICS } from '../../../../../lambdas/contract.ts';
import { EVENT_TYPES } from '../../../../../lambdas/domain/event-types.ts';
import { Synthesized } from '../../../../support/stacks/synthesized.ts';

/** With everything that may write metrics switched on. */
const prod = new Synthesized('prod', {
  publish: { enabled: true },
  receivers: [{ name: 'crm', url: 'https://crm.mailgun-ledger.internal/', events: ['suppression.changed'] }],
  seal: { enabled: true },
});
const LAMBDAS = join(import.meta.dirname, '../../../../../lambdas');

const { namespace: _namespace, dimension: _dimension, reasonDimension: _reason, ...OWN } = METRICS;
const alarms = JSON.stringify(prod.ofType('AWS::CloudWatch::Alarm'));
const dashboard = JSON.stringify(prod.ofType('AWS::CloudWatch::Dashboard')).replaceAll('\\', '');
const code = (readdirSync(LAMBDAS, { recursive: true }) as string[])
  .filter((file) => file.endsWith('.ts') && file !== 'contract.ts')
  .map((file) => readFileSync(join(LAMBDAS, file), 'utf8'))
  .join('');

test.each([...Object.values(OWN), ...Object.values(ACCESS_METRICS), SEAL_METRICS.wait])(
  '%s is read by an alarm or the dashboard',
  (name) => {
    expect(alarms.includes(`"MetricName":"${name}"`) || dashboard.includes(`"${name}"`)).toBe(true);
  },
);

/** Written by the name that an event's type gives them. */
const BY_TYPE_OF_EVENT = Object.values(EVENT_TYPES).flatMap(({ metric }) => metric ?? []);

test('functions write every metric of the contract', () => {
  const unwritten = Object.keys(OWN).filter((key) => !new RegExp(`METRICS\\.${key}\\b`).test(code));

  expect(unwritten.sort()).toEqual([...new Set(BY_TYPE_OF_EVENT)].sort());
});

test('every custom metric that an alarm reads is named in the contract', () => {
  const read = [...alarms.matchAll(/"MetricName":"(\w+)","Namespace":"MailgunLedger[^"]*"/g)].map((match) => match[1]!);

  expect(read.length).toBeGreaterThan(10);
  const named = [OWN, ACCESS_METRICS, SEAL_METRICS].flatMap((names) => Object.values(names));
  expect(named).toEqual(expect.arrayContaining(read));
});
