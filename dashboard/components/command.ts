import { shellWord } from '../../lambdas/domain/shell-word.ts';

/** Returns an operator's command line; its arguments are quoted, since an address may hold what a shell would run. */
export function ledgerCommand(target: string | undefined, words: string, ...given: string[]): string {
  const command = `npm run ledger -- ${words} ${target ?? '--env <env>'}`;
  // Behind `--` nothing is an option.
  const separator = given.some((argument) => argument.startsWith('-')) ? ['--'] : [];
  return [command, ...separator, ...given.map(shellWord)].join(' ');
}
