import { shellWord } from '../../lambdas/domain/shell-word.ts';

/** Returns an operator's command line; its argument is quoted, since an address may hold what a shell would run. */
export function ledgerCommand(target: string | undefined, words: string, argument?: string): string {
  const command = `npm run ledger -- ${words} ${target ?? '--env <env>'}`;
  if (argument === undefined) return command;
  // Behind `--` nothing is an option.
  return `${command}${argument.startsWith('-') ? ' --' : ''} ${shellWord(argument)}`;
}
