import type { TargetRef } from '../../../cli/target/types.ts';
import packageFile from '../../../package.json' with { type: 'json' };
import { runCommand, stubDeployment } from '../../support/cli/command-line.ts';

test('--version prints the version of the package and exits with 0', async () => {
  expect(await runCommand(['--version'])).toMatchObject({ exitCode: 0, lines: [packageFile.version], errors: [] });
});

test.each([
  [['help'], /^Usage: mailgun-ledger /],
  [['help', 'dlq'], /^Usage: mailgun-ledger dlq /],
  [['dlq', 'help', 'show'], /^Usage: mailgun-ledger dlq show /],
])('%j shows the same help as --help', async (args, usage) => {
  const { exitCode, lines } = await runCommand(args);
  const asFlag = await runCommand([...args.filter((arg) => arg !== 'help'), '--help']);

  expect(exitCode).toBe(0);
  expect(lines.join('\n')).toMatch(usage);
  expect(lines.join('\n')).toBe(asFlag.lines.join('\n').trimEnd());
});

test.each([
  [['suppressions', 'ls'], /^unknown command 'ls'; there are list, show, lift\b/],
  [['dlq', 'lst'], /^unknown command 'lst'; there are list, show, /],
  [['replayy'], /^unknown command 'replayy'; there are status, doctor, /],
  [['erse'], /^unknown command 'erse'; there are status, doctor, /],
  [['quux'], /^unknown command 'quux'; there are status, doctor, /],
])('%j lists the commands and suggests none of them', async (args, message) => {
  const { exitCode, errors } = await runCommand(args);

  expect(exitCode).toBe(2);
  expect(errors).toEqual([expect.stringMatching(message)]);
  expect(errors.join()).not.toMatch(/did you mean/i);
});

test.each([
  ['findd', 'find'],
  ['statuss', 'status'],
  ['reprot', 'report'],
  ['lgs', 'logs'],
])('%s is a misspelling of %s, which only reads, so it is suggested', async (typed, meant) => {
  const { exitCode, errors } = await runCommand([typed]);
  const expected = new RegExp(`^unknown command '${typed}'; did you mean ${meant}\\? There are status, doctor, `);
  expect({ exitCode, errors }).toEqual({ exitCode: 2, errors: [expect.stringMatching(expected)] });
});

test('an unknown option exits with 2 and points to the help', async () => {
  const { exitCode, errors } = await runCommand(['status', '--yess', '--local']);
  expect({ exitCode, errors }).toEqual({ exitCode: 2, errors: ["unknown option '--yess'; --help shows the options"] });
});

test.each([
  [['why', '--local'], "missing required argument 'message-id'; --help shows how to call it"],
  [
    ['find', 'ada@example.org', 'b@example.org'],
    "too many arguments for 'find'. Expected 1 argument but got 2; --help shows how to call it",
  ],
  [['find', ''], "argument <address> '' is invalid. It is empty."],
  [['logs', 'x'], expect.stringMatching(/^argument <source> 'x' is invalid\. Allowed choices are ingest, process, /)],
])('%j exits with 2, and says which argument is wrong and what to do', async (args, message) => {
  const { exitCode, errors } = await runCommand(args);
  expect({ exitCode, errors }).toEqual({ exitCode: 2, errors: [message] });
});

test.each<[string[], string, TargetRef]>([
  [['--local'], '', { kind: 'local' }],
  [['--local', '--port', '7'], '', { kind: 'local', port: 7 }],
  [[], 'local', { kind: 'local' }],
  [[], 'local:8', { kind: 'local', port: 8 }],
  [['--port', '9'], 'local:8', { kind: 'local', port: 9 }],
  [[], 'prod', { kind: 'aws', environment: 'prod' }],
  [['--stack', 'Mail'], '', { kind: 'stack', stackName: 'Mail', region: 'eu-west-1' }],
  [[], 'stack:Mail', { kind: 'stack', stackName: 'Mail', region: 'eu-west-1' }],
])('with %j and LEDGER_TARGET=%s a command opens %j', async (args, variable, wanted) => {
  const opened: TargetRef[] = [];
  await runCommand(['logs', 'ingest', ...args], {
    environment: { LEDGER_TARGET: variable, AWS_REGION: 'eu-west-1' },
    openDeployment: async (ref) => {
      opened.push(ref);
      return stubDeployment({ logs: async () => [] });
    },
  });
  expect(opened).toEqual([wanted]);
});

test.each([
  [['--stack', 'Mail', '--local'], /^--stack and --local cannot be combined/],
  [['--stack', 'Mail', '--port', '7'], /^--port goes with --local only/],
  [['--stack', 'Mail'], /^--stack Mail needs AWS_REGION/],
])('%j is a wrong target', async (args, expected) => {
  expect(await runCommand(['status', ...args])).toMatchObject({
    exitCode: 2,
    errors: [expect.stringMatching(expected)],
  });
});

test.each(['stack:', 'stack: '])('LEDGER_TARGET=%s names no stack', async (variable) => {
  const environment = { LEDGER_TARGET: variable, AWS_REGION: 'eu-west-1' };
  const { exitCode, errors } = await runCommand(['status'], { environment });
  expect([exitCode, errors]).toEqual([2, ['LEDGER_TARGET names no stack; give stack:<name>']]);
});

test.each(['local:0', 'local:70000', 'local:x'])('LEDGER_TARGET=%s is a wrong value', async (variable) => {
  const { exitCode, errors } = await runCommand(['status'], { environment: { LEDGER_TARGET: variable } });
  expect({ exitCode, errors }).toEqual({
    exitCode: 2,
    errors: [expect.stringMatching(/^LEDGER_TARGET holds the port/)],
  });
});
