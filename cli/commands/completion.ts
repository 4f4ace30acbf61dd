import addCompletion from '@bomb.sh/tab/commander';
import type { Command } from 'commander';

/** Adds `completion`, which prints a shell's script, and the hidden `complete` that the script calls. */
export function addCompletionCommand(program: Command): void {
  addCompletion(program, { completionCommandName: 'completion' });
  const summary = 'print the script by which a shell completes commands and options';
  program.commands
    .find((command) => command.name() === 'completion')
    ?.summary(summary)
    .description(summary)
    .addHelpText(
      'after',
      `
The script completes the command mailgun-ledger, as the npm package installs it. Bash needs its package bash-completion.

Examples:
  source <(mailgun-ledger completion bash)
  source <(mailgun-ledger completion zsh)
  mailgun-ledger completion fish | source

Needs on AWS: nothing.

Exit code: 0 printed; 2 wrong usage.`,
    );
}
