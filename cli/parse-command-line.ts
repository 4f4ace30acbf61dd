import { readFileSync } from 'node:fs';
import { type Argument, Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { type CliContext, type CommandBuilder, type Run, unlessInterrupted } from './command.ts';
import { addCompletionCommand } from './commands/completion.ts';
import { HELP_TOPICS, helpCommand } from './commands/help.ts';
import { UsageError, whyUnavailable } from './errors.ts';
import { EVERY_COMMAND, EXIT_CODES, exitCodeText } from './exit-codes.ts';

/** Loads a command's module; loading all of them is most of what a start costs. */
type LoadCommand = () => Promise<CommandBuilder>;

/** Read-only commands, which may be suggested for a mistyped name. */
const READ_ONLY: Readonly<Record<string, LoadCommand>> = {
  status: async () => (await import('./commands/status.ts')).statusCommand,
  doctor: async () => (await import('./commands/doctor.ts')).doctorCommand,
  find: async () => (await import('./commands/find.ts')).findCommand,
  why: async () => (await import('./commands/why.ts')).whyCommand,
  tail: async () => (await import('./commands/tail.ts')).tailCommand,
  unconfirmed: async () => (await import('./commands/unconfirmed.ts')).unconfirmedCommand,
  report: async () => (await import('./commands/report.ts')).reportCommand,
  logs: async () => (await import('./commands/logs.ts')).logsCommand,
};

/** In the order of --help: look, repair, set up, drill, erase. */
const COMMANDS: Readonly<Record<string, LoadCommand>> = {
  ...READ_ONLY,
  dlq: async () => (await import('./commands/dlq.ts')).dlqCommand,
  replay: async () => (await import('./commands/replay.ts')).replayCommand,
  accept: async () => (await import('./commands/accept.ts')).acceptCommand,
  listing: async () => (await import('./commands/listing.ts')).listingCommand,
  distrust: async () => (await import('./commands/distrust.ts')).distrustCommand,
  export: async () => (await import('./commands/export.ts')).exportCommand,
  prove: async () => (await import('./commands/prove.ts')).proveCommand,
  verify: async () => (await import('./commands/verify.ts')).verifyCommand,
  publish: async () => (await import('./commands/publish.ts')).publishCommand,
  receivers: async () => (await import('./commands/receivers.ts')).receiversCommand,
  suppressions: async () => (await import('./commands/suppressions.ts')).suppressionsCommand,
  webhooks: async () => (await import('./commands/webhooks.ts')).webhooksCommand,
  keys: async () => (await import('./commands/keys.ts')).keysCommand,
  token: async () => (await import('./commands/token.ts')).tokenCommand,
  'send-test': async () => (await import('./commands/send-test.ts')).sendTestCommand,
  drill: async () => (await import('./commands/drill.ts')).drillCommand,
  erase: async () => (await import('./commands/erase.ts')).eraseCommand,
  'give-up-archive': async () => (await import('./commands/give-up-archive.ts')).giveUpArchiveCommand,
  mcp: async () => (await import('./commands/mcp.ts')).mcpCommand,
};

const HELP = `
Where: --env <name> or --stack <name> on AWS, --local on this machine, or LEDGER_TARGET=<env>|stack:<name>|local|local:<port>.
Times are in UTC: ISO 8601 with offset, epoch seconds, a date (its first second), or a duration ago (45s, 30m, 2h, 3d).
With --json each line is a JSON object with "event"; an error is {"event":"error","message"}.
Topics of help: ${Object.keys(HELP_TOPICS).join(', ')}, and every alarm.
A command that cannot be undone asks first, and needs --yes without a terminal. Keys are read from standard input and
never shown.

${exitCodeText(EVERY_COMMAND)}

Needs on AWS, besides what each command names: sts:GetCallerIdentity, cloudformation:DescribeStacks, dynamodb:GetItem on
the table.

Examples, of which each command's --help has more:
  npm run ledger -- doctor --env prod
  npm run ledger -- status --local --json`;

/** Returns the program: of a line that names a command, with that command alone, else with all. */
export async function createProgram(context: CliContext, run: Run, [name = '']: readonly string[] = []) {
  const program = new Command('mailgun-ledger')
    .description("The operator's command line of a mailgun-ledger stack.")
    .version(readVersion(), '-V, --version', 'print the version')
    .addHelpText('after', HELP);
  const named = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  const builders = await Promise.all((named === undefined ? Object.values(COMMANDS) : [named]).map((load) => load()));
  for (const build of builders) program.addCommand(build(context, run, runProgram));
  if (named === undefined) {
    program.addCommand(helpCommand(context, run, program));
    addCompletionCommand(program, context, run);
  }
  addExitCodes(program);
  return program;
}

/** Ends the help of each command by its row of the exit codes. */
function addExitCodes(command: Command, path: readonly string[] = []): void {
  const codes = EXIT_CODES[path.join(' ')];
  if (codes !== undefined) command.addHelpText('after', `\n${exitCodeText(codes)}`);
  for (const child of command.commands) addExitCodes(child, [...path, child.name()]);
}

/** Runs one command line; returns the exit code. */
export async function runProgram(args: readonly string[], context: CliContext): Promise<number> {
  let exitCode = 0;
  const run: Run =
    (action) =>
    async (...given) => {
      // Commander hands over the arguments, the options and the command.
      const options = given.at(-2) as Parameters<typeof action>[0];
      exitCode = await action(options, ...(given.slice(0, -2) as string[]));
    };
  const program = await createProgram(
    { ...context, openDeployment: (ref) => unlessInterrupted(context, context.openDeployment(ref)) },
    run,
    args,
  );
  const isJson = args.includes('--json');
  prepare(program, context, isJson);

  try {
    await program.parseAsync([...args], { from: 'user' });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    const message = error instanceof UsageError ? error.message : whyUnavailable(error);
    if (message === undefined) throw error;
    printError(message, context, isJson);
    return error instanceof UsageError ? 2 : 1;
  }
}

/** Returns an error of Commander as people type commands: `<id>`, not "command-argument". */
const worded = (text: string) =>
  text
    .replace(/^error: /, '')
    .replace(/(too many arguments.*)\.$/, '$1')
    .replace(/^command-argument value '(.*)' is invalid for argument '(.*?)'\./s, "argument <$2> '$1' is invalid.");

/** Returns a hint at similar commands or options for an unknown one. */
function hintFor(command: Command, text: string): string {
  if (/unknown option/.test(text)) return '; --help shows the options';
  if (/missing required argument|too many arguments/.test(text)) return '; --help shows how to call it';
  if (!/unknown command|missing.*command/.test(text)) return '';
  const names = command.commands.map((each) => each.name());
  const meant = command.parent === null ? meantBy(/unknown command '(.*)'/.exec(text)?.[1] ?? '', names) : undefined;
  return `; ${meant === undefined ? 'there' : `did you mean ${meant}? There`} are ${names.join(', ')}`;
}

/** Returns the one name that is a slip of the finger away, where that command only reads. */
function meantBy(typed: string, names: readonly string[]): string | undefined {
  const near = names.filter((name) => shortened(name).some((word) => shortened(typed).includes(word)));
  return near.length === 1 && Object.hasOwn(READ_ONLY, near[0] as string) ? near[0] : undefined;
}

/** Returns a word and its variants with one letter removed: two words one typing error apart share a variant. */
const shortened = (word: string) => [word, ...[...word].map((_, at) => word.slice(0, at) + word.slice(at + 1))];

function readVersion(): string {
  const file = readFileSync(new URL('../package.json', import.meta.url), 'utf8');
  return (JSON.parse(file) as { version: string }).version;
}

/** Nothing but `runProgram` ends the process, and every line goes through the context. */
function prepare(command: Command, context: CliContext, isJson: boolean): void {
  if (command.parent && command.commands.length > 0) {
    command.addHelpText('after', `\nExamples: npm run ledger -- ${command.name()} <command> --help`);
  }
  if (command.parent === null) command.helpCommand(false);
  else if (command.commands.length > 0) command.helpCommand('help [command]', 'show the help of a command');
  const line = (write: (line: string) => void) => (text: string) => write(text.replace(/\n$/, ''));
  command
    .exitOverride()
    // A typing error in a question must not lead to a change: the choices are listed instead.
    .showSuggestionAfterError(false)
    .configureOutput({
      writeOut: line(context.print),
      writeErr: line(context.printError),
      outputError: line((text) => printError(worded(text) + hintFor(command, text), context, isJson)),
    })
    .configureHelp({ helpWidth: 100 });
  for (const each of command.options.filter(({ long }) => long === '--domain')) each.argParser(domainOf);
  for (const each of [...command.options, ...command.registeredArguments]) refuseBlank(each);
  for (const each of command.options) refuseOption(each, command);
  for (const child of command.commands) prepare(child, context, isJson);
}

/** Returns a domain as the stack names it, in lower case. */
const domainOf = (typed: string) => typed.trim().toLowerCase();

/** A blank value comes from an unset variable, and must not read as if nothing was given. */
function refuseBlank(each: Option | Argument): void {
  const parse = each.parseArg;
  // A parser would have to collect the words itself, and those that a shell completes may be blank.
  if (each.variadic || (each instanceof Option && !each.required)) return;
  each.argParser((value: string, previous: unknown) => {
    if (value.trim() === '') throw new InvalidArgumentError('It is empty.');
    return parse ? parse(value, previous) : value;
  });
}

/** Options that people type with every command, also with one that has no target. */
const EVERYWHERE: readonly (string | undefined)[] = ['--help', '-h', '--env', '--stack', '--local', '--port'];

/** Commander takes the next word as the value, whatever it is: an option in its place means that there is none. */
function refuseOption(option: Option, { options }: Command): void {
  const parse = option.parseArg;
  if (!option.required) return;
  let given: string | undefined;
  option.argParser((value: string, previous: unknown) => {
    const isOption = [...EVERYWHERE, ...options.map(({ long }) => long)].includes(value.split('=')[0]);
    if (isOption) throw new UsageError(`${option.long} needs a value; ${value} in its place is an option`);
    // Of two values, Commander would drop the first; an option that may be repeated collects them.
    if (given !== undefined && given !== value && !Array.isArray(previous)) {
      throw new UsageError(`${option.long} is given twice, as ${given} and ${value}; give it once`);
    }
    given = value;
    return parse ? parse(value, previous) : value;
  });
}

function printError(message: string, context: CliContext, isJson: boolean): void {
  if (isJson) context.print(JSON.stringify({ event: 'error', message }));
  else context.printError(message);
}
