import { Command } from 'commander';
import type { CliContext, Run } from '../command.ts';
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
  if (command !== undefined) return outputOf(command);
  const name = words.join(' ');
  const topic = HELP_TOPICS[name];
  if (topic !== undefined) return helpPage(name, topic);
  const section = runbookSection(name);
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
