import { canBeTyped, shellWord } from '../lambdas/domain/shell-word.ts';
import { targetRefText } from './command.ts';
import type { Deployment } from './target/types.ts';

/** Returns a command on the same deployment to paste; undefined where an argument holds what no terminal shows. */
export function printedCommand({ ref }: Pick<Deployment, 'ref'>, words: string, ...args: string[]): string | undefined {
  if (!args.every(canBeTyped)) return undefined;
  // Behind `--` nothing is an option.
  const end = args.some((arg) => arg.startsWith('-')) ? ['--'] : [];
  return ['npm run ledger --', words, targetRefText(ref), ...end, ...args.map(shellWord)].join(' ');
}
