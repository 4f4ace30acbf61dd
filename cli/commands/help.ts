import { readFileSync } from 'node:fs';
import { Command, Option } from 'commander';
import { type CliContext, parsePort, type Run } from '../command.ts';
import { UsageError } from '../errors.ts';
import { EVERY_COMMAND, exitCodeTable, exitCodeText } from '../exit-codes.ts';
import { createEmit } from '../output.ts';

/** A page of `help`. */
interface HelpTopic {
  /** A summary for the list of topics. */
  readonly summary: string;
  readonly description: string;
  /** Related commands and topics. */
  readonly seeAlso: readonly string[];
}

/** Facts about several commands, by the name that `help` takes. */
export const HELP_TOPICS: Readonly<Record<string, HelpTopic>> = {
  targets: {
    summary: 'which stack a command works on',
    description: `
--env <name>     the stack of this environment of cdk.json on AWS, with the credentials of the shell
--stack <name>   the stack of this name, in the AWS_REGION of the shell; cdk.json is not needed
--local          the stack that runs on this machine; --port <n> where several run

Without any of them LEDGER_TARGET decides: <env>, stack:<name>, local, or local:<port>. They cannot be combined. All that
a command needs, it finds by the outputs of the stack.

Example:
  LEDGER_TARGET=prod npm run ledger -- status`,
    seeAlso: ['environment', 'doctor'],
  },
  times: {
    summary: 'how times are written',
    description: `
All times are in UTC. A command takes
  2026-11-22T08:00:00Z, 2026-11-22T10:00:00+02:00   ISO 8601, with an offset
  2026-11-22                                        a date: its first second
  1795334400                                        epoch seconds
  45s, 30m, 2h, 3d                                  a duration ago

A range holds its beginning and not its end.

Example:
  npm run ledger -- replay --env prod --from 2026-11-22 --to 2h --plan`,
    seeAlso: ['replay', 'report', 'tail'],
  },
  json: {
    summary: 'what --json prints',
    description: `
Every command takes --json, export with --out only, and none together with --csv. Each line of standard output is then
one JSON object, whose "event" names its kind. An error
is {"event":"error","message"}, on standard output too. Progress, questions and hints go to standard error. Lines may get
more fields; none is renamed within a major version.
mcp speaks the Model Context Protocol, so --json changes nothing there.

Example:
  npm run --silent ledger -- tail --local --json | jq -r 'select(.event == "stored").entry.recipient'`,
    seeAlso: ['exit-codes', 'tail'],
  },
  'exit-codes': {
    summary: 'how each command exits',
    description: `
${exitCodeText(EVERY_COMMAND)}

${exitCodeTable()}`,
    seeAlso: ['json'],
  },
  environment: {
    summary: 'variables that commands read',
    description: `
LEDGER_TARGET       the stack, if no option names one
LEDGER_MAILGUN_KEY  a Mailgun API key that may write, for commands with --write-key
AWS_REGION, AWS_PROFILE and all else that the AWS SDK reads: region and credentials
NO_COLOR            not needed: no command prints colors`,
    seeAlso: ['targets', 'keys set'],
  },
};

/** The line of `help --json`. */
type HelpLine = { event: 'help'; topic: string; text: string };

const topics = Object.entries(HELP_TOPICS).map(([name, { summary }]) => `  ${name.padEnd(14)}${summary}`);

const EXAMPLES = `
Topics:
${topics.join('\n')}
The name of an alarm shows its section of the runbook.

Examples:
  npm run ledger -- help times
  npm run ledger -- help dlq redrive
  npm run ledger -- help dead-letters

Needs on AWS: nothing.`;

/** Returns `help`: of the program, a command, a topic, or an alarm. */
export const helpCommand = (context: CliContext, run: Run, program: Command) =>
  new Command('help')
    .summary('show the help of a command, a topic or an alarm')
    .description('show the help of a command, a topic or an alarm')
    .argument('[topic...]', 'a command with its sub-command, a topic, or the name of an alarm')
    .option('--json', 'JSON lines in place of text')
    // The help reads no stack; alarms print these options with every command.
    .addOption(new Option('--env <name>').hideHelp())
    .addOption(new Option('--stack <name>').hideHelp())
    .addOption(new Option('--local').hideHelp())
    .addOption(new Option('--port <n>').argParser(parsePort).hideHelp())
    .addHelpText('after', EXAMPLES)
    .action(
      run<{ json?: boolean }>(async ({ json }, ...given) => {
        const words = given.flat();
        const text = helpOf(program, words);
        createEmit<HelpLine>(context, json)({ event: 'help', topic: words.join(' '), text }, text);
        return 0;
      }),
    );

function helpOf(program: Command, words: readonly string[]): string {
  const command = words.reduce<Command | undefined>(
    (found, word) => found?.commands.find((each) => each.name() === word),
    program,
  );
  const name = words.join(' ');
  const section = runbookSection(name);
  // A command and an alarm may have one name.
  if (command !== undefined) return [outputOf(command), ...(section.isError ? [] : section.entries)].join('\n\n');
  const topic = HELP_TOPICS[name];
  if (topic !== undefined) return helpPage(name, topic);
  if (!section.isError) return section.entries.join('\n');
  throw new UsageError(
    `there is no help on ${name}; there are ${Object.keys(HELP_TOPICS).join(', ')}, every command and every alarm`,
  );
}

/** Returns what a command's `--help` prints. */
function outputOf(command: Command): string {
  const { writeOut } = command.configureOutput();
  let text = '';
  command.configureOutput({ writeOut: (part) => (text += part) }).outputHelp();
  command.configureOutput({ ...(writeOut && { writeOut }) });
  return text.trimEnd();
}

/** Returns a topic as a page in the manner of man. */
export function helpPage(name: string, { summary, description, seeAlso }: HelpTopic): string {
  const indented = description.trim().replaceAll(/^(?=.)/gm, '  ');
  return [
    'NAME',
    `  ${name} - ${summary}`,
    '',
    'DESCRIPTION',
    indented,
    '',
    'SEE ALSO',
    `  ${seeAlso.map((each) => `help ${each}`).join(', ')}`,
  ].join('\n');
}

const RUNBOOK = new URL('../../docs/runbook.md', import.meta.url);

/** Returns the section under a heading of the runbook, or the headings that there are. */
export function runbookSection(heading: string, page = readFileSync(RUNBOOK, 'utf8')) {
  const sections = page.split(/^(?=#{2,3} )/m).map((section) => ({
    heading: /^#+ (.*)/.exec(section)?.[1] ?? '',
    section,
  }));
  const found = sections.find((each) => each.heading.toLowerCase() === heading.toLowerCase());
  if (found !== undefined) return { isError: false, entries: [found.section.trim()] };
  return {
    isError: true,
    entries: [{ reason: 'unknown-heading', headings: sections.map((each) => each.heading).slice(1) }],
  };
}
