import { Command, Option } from 'commander';
import { type CliContext, parsePort, type Run } from '../command.ts';
import { UsageError } from '../errors.ts';
import { HELP_TOPICS, helpPage } from '../help/help-topics.ts';
import { runbookSection } from '../help/runbook.ts';
import { createEmit } from '../output.ts';

/** The line of `help --json`. */
export type HelpLine = { event: 'help'; topic: string; text: string };

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
    // No stack is asked; they stand in every command that an alarm prints.
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
