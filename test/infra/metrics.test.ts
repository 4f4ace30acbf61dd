import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { ACCESS_METRICS, METRICS } from '../../lambdas/contract.ts';
import { Synthesized } from '../support/synthesized.ts';

const prod = new Synthesized('prod');
const LAMBDAS = join(import.meta.dirname, '../../lambdas');

const { namespace: _namespace, dimension: _dimension, reasonDimension: _reason, ...OWN } = METRICS;
const alarms = JSON.stringify(prod.ofType('AWS::CloudWatch::Alarm'));
const dashboard = JSON.stringify(prod.ofType('AWS::CloudWatch::Dashboard')).replaceAll('\\', '');
const code = (readdirSync(LAMBDAS, { recursive: true }) as string[])
  .filter((file) => file.endsWith('.ts') && file !== 'contract.ts')
  .map((file) => readFileSync(join(LAMBDAS, file), 'utf8'))
  .join('');

test.each([...Object.values(OWN), ...Object.values(ACCESS_METRICS)])(
  '%s is read by an alarm or the dashboard',
  (name) => {
    expect(alarms.includes(`"MetricName":"${name}"`) || dashboard.includes(`"${name}"`)).toBe(true);
  },
);

/** The comparison with what is registered at Mailgun writes it. */
const NOT_WRITTEN_HERE = ['webhookDrift'];

test('functions write every metric of the contract', () => {
  const unwritten = Object.keys(OWN).filter((key) => !new RegExp(`METRICS\\.${key}\\b`).test(code));

  expect(NOT_WRITTEN_HERE).toEqual(expect.arrayContaining(unwritten));
});

test('every metric of ours that an alarm reads has its name in the contract', () => {
  const read = [...alarms.matchAll(/"MetricName":"(\w+)","Namespace":"MailgunLedger[^"]*"/g)].map((match) => match[1]!);

  expect(read.length).toBeGreaterThan(10);
  expect([...Object.values(OWN), ...Object.values(ACCESS_METRICS)]).toEqual(expect.arrayContaining(read));
});
