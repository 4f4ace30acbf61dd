import { expect, test } from '@jest/globals';
import { parseFlags } from '../../../../../tools/local-ledger/options/flags.ts';
import { USUAL_RECONCILE } from '../../../../../tools/local-ledger/options/reconcile-choice.ts';

function mistake(...args: string[]) {
  try {
    parseFlags(args);
  } catch (error) {
    return error;
  }
  return undefined;
}

test('without flags: the usual port, traffic, one example domain', () => {
  expect(parseFlags([])).toMatchObject({
    port: 4010,
    traffic: true,
    once: false,
    json: false,
    domains: ['mg.example.com'],
    oddShapes: false,
    drop: 0,
    redactedDomains: [],
    legacy: false,
    reconcile: USUAL_RECONCILE,
    metricPeriodSeconds: 60,
    publish: false,
    archive: false,
    engine: undefined,
    faults: [],
  });
});

test('every flag that works', () => {
  const flags = parseFlags([
    ...['--port', '0', '--no-traffic', '--json', '--seed', '7', '--metric-period', '2'],
    ...['--signing-key', 'a', '--previous-signing-key', 'b', '--parent-signing-key', 'c'],
    ...['--domain', 'mg.acme.com', '--domain', 'eu.acme.com', '--fault', 'sqs.*:500:1'],
    ...[
      '--engine',
      'dynamodb-local',
      '--publish',
      '--archive',
      '--legacy',
      '--odd-shapes',
      '--redact',
      'eu.acme.com',
      '--receiver',
      'http://127.0.0.1:9999/',
      '--drop',
      '20',
      '--source',
      'logs',
      '--mailgun-url',
      'http://127.0.0.1:1',
      '--api-key',
      'd',
    ],
    ...[
      '--reconcile-every',
      '1',
      '--settle',
      '2',
      '--slice',
      '3',
      '--retention',
      '60',
      '--reconcile-from',
      '1790000000',
    ],
  ]);

  expect(flags).toEqual({
    help: false,
    port: 0,
    traffic: false,
    once: false,
    json: true,
    archive: true,
    publish: true,
    receivers: ['http://127.0.0.1:9999/'],
    signingKey: 'a',
    previousSigningKey: 'b',
    parentSigningKey: 'c',
    domains: ['mg.acme.com', 'eu.acme.com'],
    oddShapes: true,
    drop: 20,
    redactedDomains: ['eu.acme.com'],
    legacy: true,
    reconcile: {
      source: 'logs',
      everySeconds: 1,
      settleSeconds: 2,
      sliceSeconds: 3,
      retentionSeconds: 60,
      fromEpochSeconds: 1_790_000_000,
      mailgunUrl: 'http://127.0.0.1:1',
      apiKey: 'd',
    },
    engine: 'dynamodb-local',
    metricPeriodSeconds: 2,
    faults: [{ service: 'sqs', operation: '*', mode: '500', percent: 1 }],
    seed: 7,
  });
});

test('the retention grows with slices and settle times, which the second pass must reach', () => {
  const { reconcile } = parseFlags(['--settle', '100', '--slice', '60']);

  expect(reconcile.retentionSeconds / 2 + 160).toBeLessThan(reconcile.retentionSeconds);
});

test.each([
  { args: ['--colour'], message: "Unknown option '--colour'; --help lists what there is" },
  { args: ['x'], message: "Unexpected argument 'x'" },
  { args: ['--port'], message: "Option '--port <value>' argument missing" },
  { args: ['--port', '70000'], message: '--port is a whole number from 0 to 65535, not "70000"' },
  { args: ['--port', 'x'], message: '--port is a whole number' },
  { args: ['--once', '--no-traffic'], message: '--once plays the scenario and --no-traffic plays none' },
  { args: ['--drop', '101'], message: '--drop is a whole number from 0 to 100, not "101"' },
  { args: ['--redact', 'x.example'], message: '--redact names a --domain of this run, not "x.example"' },
  { args: ['--metric-period', '0'], message: '--metric-period is at least 1' },
  { args: ['--metric-period', '0.5'], message: '--metric-period is a whole number' },
  { args: ['--slice', '0'], message: '--slice is at least 1' },
  { args: ['--source', 'webhooks'], message: '--source is events or logs, not "webhooks"' },
  { args: ['--mailgun-url', 'nowhere'], message: '--mailgun-url is no URL: "nowhere"' },
  { args: ['--receiver', 'here'], message: '--receiver is no http or https URL: "here"' },
  { args: ['--signing-key', ' '], message: '--signing-key is blank' },
  { args: ['--fault', 'sqs.SendMessage:no:1'], message: '--fault sqs.SendMessage:no:1: mode must be one of' },
])('$args is one sentence and exit code 2', ({ args, message }) => {
  expect(mistake(...args)).toMatchObject({ message: expect.stringContaining(message), exitCode: 2 });
  expect(String(mistake(...args))).not.toContain('\n');
});

test('a receiver is published to without being told', () => {
  expect(parseFlags(['--receiver', 'http://127.0.0.1:1/'])).toMatchObject({ publish: true });
});
