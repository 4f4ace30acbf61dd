/** Returns an operator's command line; its argument is quoted, since an address may hold what a shell would run. */
export function ledgerCommand(target: string | undefined, words: string, argument?: string): string {
  const command = `npm run ledger -- ${words} ${target ?? '--env <env>'}`;
  if (argument === undefined) return command;
  // Behind `--` nothing is an option.
  return `${command}${argument.startsWith('-') ? ' --' : ''} ${quoted(argument)}`;
}

/** Returns whether a command may be offered: control characters would run or hide a pasted line. */
export function canBeTyped(argument: string): boolean {
  return !/[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/.test(argument);
}

function quoted(word: string): string {
  return /^[\w@.+:/=-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
