import { expect, test } from '@jest/globals';
import { parseFlags } from '../../local/flags.ts';

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
    faults: [],
  });
});

test('every flag that works', () => {
  const flags = parseFlags([
    ...['--port', '0', '--no-traffic', '--once', '--json', '--seed', '7'],
    ...['--signing-key', 'a', '--previous-signing-key', 'b', '--parent-signing-key', 'c'],
    ...['--domain', 'mg.acme.com', '--domain', 'eu.acme.com', '--fault', 'sqs.*:500:1'],
  ]);

  expect(flags).toEqual({
    help: false,
    port: 0,
    traffic: false,
    once: true,
    json: true,
    signingKey: 'a',
    previousSigningKey: 'b',
    parentSigningKey: 'c',
    domains: ['mg.acme.com', 'eu.acme.com'],
    faults: [{ service: 'sqs', operation: '*', mode: '500', percent: 1 }],
    seed: 7,
  });
});

test.each([
  'drop',
  'mailgun-url',
  'api-key',
  'source',
  'reconcile-every',
  'settle',
  'slice',
  'retention',
  'reconcile-from',
  'metric-period',
])('--%s answers that it is not there yet, with exit code 2', (name) => {
  expect(mistake(`--${name}`, '1')).toMatchObject({ message: expect.stringMatching(/^not yet: /), exitCode: 2 });
});

test.each([
  { args: ['--colour'], message: "Unknown option '--colour'; --help lists what there is" },
  { args: ['x'], message: "Unexpected argument 'x'" },
  { args: ['--port'], message: "Option '--port <value>' argument missing" },
  { args: ['--port', '70000'], message: '--port is a whole number from 0 to 65535, not "70000"' },
  { args: ['--port', 'x'], message: '--port is a whole number' },
  { args: ['--signing-key', ' '], message: '--signing-key is blank' },
  { args: ['--fault', 'sqs.SendMessage:no:1'], message: '--fault sqs.SendMessage:no:1: mode must be one of' },
])('$args is one sentence and exit code 2', ({ args, message }) => {
  expect(mistake(...args)).toMatchObject({ message: expect.stringContaining(message), exitCode: 2 });
  expect(String(mistake(...args))).not.toContain('\n');
});
