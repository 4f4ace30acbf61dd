import type { World } from '../../cli/command.ts';
import { OutOfReach } from '../../cli/errors.ts';
import { runProgram } from '../../cli/program.ts';
import type { Target } from '../../cli/target/types.ts';

/** Runs a command line as the operator would, and keeps what it says. */
export async function runCommand(args: readonly string[], over: Partial<World> = {}) {
  const lines: string[] = [];
  const errors: string[] = [];
  const exitCode = await runProgram(args, {
    print: (line) => lines.push(line),
    printError: (line) => errors.push(line),
    environment: {},
    findTarget: async () => stubTarget({}),
    openAccount: async () => {
      throw new OutOfReach('the stub has no account');
    },
    now: Date.now,
    sleep: async () => {},
    signal: new AbortController().signal,
    readInput: async () => '',
    ask: async () => undefined,
    ...over,
  });
  return { exitCode, lines, errors, json: () => lines.map((line) => JSON.parse(line)) };
}

/** A target of which only what is given can be used. */
export function stubTarget(over: Partial<Target>): Target {
  const missing = () => {
    throw new OutOfReach('the stub has none');
  };
  return {
    name: 'a stub',
    stackName: 'mailgun-ledger-stub',
    place: { kind: 'local', port: 4010 },
    domains: ['mg.example.com'],
    clients: {} as Target['clients'],
    output: missing,
    mailgunUrl: missing,
    invoke: missing,
    logs: missing,
    alarms: missing,
    soundAlarm: missing,
    audience: missing,
    notifications: missing,
    ...over,
  };
}
