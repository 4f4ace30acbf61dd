import addCompletion from '@bomb.sh/tab/commander';
import type { Command } from 'commander';
import type { CliContext, Run } from '../command.ts';
import { createEmit } from '../output.ts';

/** The line of `completion --json`. */
type CompletionLine = { event: 'script'; shell: string; script: string };

/** Adds `completion`, which prints a shell's script, and the hidden `complete` that the script calls. */
export function addCompletionCommand(program: Command, context: CliContext, run: Run): void {
  const completion = addCompletion(program, { completionCommandName: 'completion' });
  const summary = 'print a completion script for a shell';
  program.commands
    .find((command) => command.name() === 'completion')
    ?.summary(summary)
    .description(summary)
    .option('--json', 'JSON lines in place of text')
    .addHelpText(
      'after',
      `
The script completes the command mailgun-ledger, as the npm package installs it. Bash needs its package bash-completion.

Examples:
  source <(mailgun-ledger completion bash)
  source <(mailgun-ledger completion zsh)
  mailgun-ledger completion fish | source

Needs on AWS: nothing.`,
    )
    .action(
      run<{ json?: boolean }>(async ({ json }, shell = '') => {
        const script = printed(() => completion.setup(program.name(), program.name(), shell));
        createEmit<CompletionLine>(context, json)({ event: 'script', shell, script }, script);
        return 0;
      }),
    );
}

/** Returns what a call prints: the library knows no other way to its script. */
function printed(call: () => void): string {
  const lines: string[] = [];
  const { log } = console;
  console.log = (line) => lines.push(String(line));
  try {
    call();
  } finally {
    console.log = log;
  }
  return lines.join('\n');
}
