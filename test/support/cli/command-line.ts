import type { CliContext } from '../../../cli/command.ts';
import { TargetUnavailableError } from '../../../cli/errors.ts';
import { EVERY_COMMAND, EXIT_CODES, type ExitCodes } from '../../../cli/exit-codes.ts';
import { runProgram } from '../../../cli/parse-command-line.ts';
import type { Deployment } from '../../../cli/target/types.ts';

/** Runs a command line as an operator would, and records its output. */
export async function runCommand(args: readonly string[], over: Partial<CliContext> = {}) {
  const lines: string[] = [];
  const errors: string[] = [];
  const exitCode = await runProgram(args, {
    print: (line) => lines.push(line),
    printError: (line) => errors.push(line),
    environment: {},
    openDeployment: async () => stubDeployment({}),
    openAccount: async () => {
      throw new TargetUnavailableError('the stub has no account');
    },
    now: Date.now,
    sleep: async () => {},
    signal: new AbortController().signal,
    readInput: async () => '',
    ask: async () => undefined,
    ...over,
  });
  if (codesOf(args)[exitCode] === undefined)
    throw new Error(`${args.join(' ')} exits with ${exitCode}, which no row says`);
  return { exitCode, lines, errors, json: () => lines.map((line) => JSON.parse(line)) };
}

/** Returns the exit codes of the command on a command line. */
function codesOf(args: readonly string[]): ExitCodes {
  const [first = '', second = ''] = args;
  return EXIT_CODES[`${first} ${second}`] ?? EXIT_CODES[first] ?? EVERY_COMMAND;
}

/** Returns an output whose value is its key, for a stack without shards, receivers and JWTs. */
export function outputOfItsKey(key: string): string {
  if (['DayShards', 'Receivers', 'JwtIssuer'].includes(key))
    throw new TargetUnavailableError(`the stub has no output ${key}`);
  return key;
}

/** Returns a deployment as an earlier version has deployed it, without an output. */
export function withoutOutput(deployment: Deployment, missing: string): Deployment {
  const output = (key: string) => {
    if (key === missing) throw new TargetUnavailableError(`${deployment.name} has no output ${key}`);
    return deployment.output(key);
  };
  return { ...deployment, output };
}

/** Returns a deployment of which only the given parts work. */
export function stubDeployment(over: Partial<Deployment>): Deployment {
  const missing = () => {
    throw new TargetUnavailableError('the stub has none');
  };
  return {
    name: 'a stub',
    stackName: 'mailgun-ledger-stub',
    ref: { kind: 'local', port: 4010 },
    domains: ['mg.example.com'],
    clients: {} as Deployment['clients'],
    output: missing,
    mailgunUrl: missing,
    invoke: missing,
    logs: missing,
    alarms: missing,
    soundAlarm: missing,
    audience: missing,
    usage: missing,
    notifications: missing,
    ...over,
  };
}
