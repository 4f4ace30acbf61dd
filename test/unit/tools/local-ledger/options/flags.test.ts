import { type Flags, parseFlags } from '../../../../../tools/local-ledger/options/flags.ts';
import { USUAL_RECONCILE } from '../../../../../tools/local-ledger/options/reconcile-choice.ts';

function mistake(...args: string[]) {
  try {
    parseFlags(args);
  } catch (error) {
    return error;
  }
  return undefined;
}

test('no flags give the usual port, traffic and one example domain', () => {
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

test('every valid flag is parsed', () => {
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
  const { reconcile } = parseFlags(['--settle', '100', '--slice', '60']) as Flags;

  expect(reconcile.retentionSeconds / 2 + 160).toBeLessThan(reconcile.retentionSeconds);
});

test('--help prints the flags with their defaults, and the examples', () => {
  const { help } = parseFlags(['--once', '--help']) as { help: string };

  expect(help).toMatch(/--drop <percent> .*\(default: 0\)/);
  expect(help).toContain('npm start -- --once --drop 30');
});

test.each([
  { args: ['--colour'], message: "unknown option '--colour'; --help lists what there is" },
  { args: ['x'], message: 'too many arguments' },
  { args: ['--port'], message: "option '--port <n>' argument missing" },
  { args: ['--port', '70000'], message: "argument '70000' is invalid. It must be a whole number from 0 to 65535" },
  { args: ['--port', 'x'], message: "option '--port <n>' argument 'x' is invalid" },
  { args: ['--once', '--no-traffic'], message: "option '--no-traffic' cannot be used with option '--once'" },
  { args: ['--drop', '101'], message: "argument '101' is invalid. It must be a whole number from 0 to 100" },
  { args: ['--redact', 'x.example'], message: '--redact names a --domain of this run, not "x.example"' },
  { args: ['--metric-period', '0'], message: 'It must be a whole number from 1 to 3600' },
  { args: ['--metric-period', '0.5'], message: 'It must be a whole number' },
  { args: ['--slice', '0'], message: 'It must be a whole number from 1' },
  { args: ['--source', 'webhooks'], message: "argument 'webhooks' is invalid. Allowed choices are events, logs" },
  { args: ['--engine', 'oracle'], message: 'Allowed choices are dynoxide, dynamodb-local' },
  { args: ['--mailgun-url', 'nowhere'], message: "argument 'nowhere' is invalid. It must be an http or https URL" },
  { args: ['--receiver', 'here'], message: "argument 'here' is invalid. It must be an http or https URL" },
  { args: ['--signing-key', ' '], message: 'It must not be blank' },
  { args: ['--fault', 'sqs.SendMessage:no:1'], message: 'mode must be one of' },
])('$args exits with 2 and one sentence', ({ args, message }) => {
  expect(mistake(...args)).toMatchObject({ message: expect.stringContaining(message), exitCode: 2 });
  expect(String(mistake(...args))).not.toContain('\n');
});

test('--receiver implies --publish', () => {
  expect(parseFlags(['--receiver', 'http://127.0.0.1:1/'])).toMatchObject({ publish: true });
});
