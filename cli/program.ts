import { Command, CommanderError } from 'commander';
import type { CommandBuilder, Run, World } from './command.ts';
import { eraseCommand } from './erase.ts';
import { replayCommand } from './replay.ts';
import { OutOfReach } from './target.ts';
import { WrongInput } from './wrong-input.ts';

const COMMANDS: readonly CommandBuilder[] = [replayCommand, eraseCommand];

const HELP = `
Exit code: 0 done, or healthy; 1 not all was done, or something is wrong; 2 wrong usage.

Where: --env <name> on AWS, --local on this machine, or LEDGER_TARGET=<name>|local|local:<port> in the environment.
Times are in UTC: ISO 8601 with offset, epoch seconds, or so long ago (45s, 30m, 2h, 3d).`;

/** Runs one command line; answers the exit code. */
export async function runProgram(args: readonly string[], world: World): Promise<number> {
  let exitCode = 0;
  const run: Run =
    (action) =>
    async (...given) => {
      // Commander hands over the arguments, the options and the command.
      const options = given.at(-2) as Parameters<typeof action>[0];
      exitCode = await action(options, ...(given.slice(0, -2) as string[]));
    };
  const program = new Command('mailgun-ledger')
    .description("The operator's command line of a mailgun-ledger stack.")
    .addHelpText('after', HELP);
  for (const build of COMMANDS) program.addCommand(build(world, run));
  prepare(program, world);

  try {
    await program.parseAsync([...args], { from: 'user' });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    if (!(error instanceof WrongInput || error instanceof OutOfReach)) throw error;
    if (args.includes('--json')) world.print(JSON.stringify({ event: 'error', message: error.message }));
    else world.printError(error.message);
    return error instanceof WrongInput ? 2 : 1;
  }
}

/** Nothing but `runProgram` ends the process, and every line goes through the world. */
function prepare(command: Command, world: World): void {
  const line = (write: (line: string) => void) => (text: string) => write(text.replace(/\n$/, ''));
  command
    .exitOverride()
    .helpCommand(false)
    .showSuggestionAfterError()
    .configureOutput({ writeOut: line(world.print), writeErr: line(world.printError) })
    .configureHelp({ helpWidth: 100 });
  for (const child of command.commands) prepare(child, world);
}
