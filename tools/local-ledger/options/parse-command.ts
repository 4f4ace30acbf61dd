import { type Command, CommanderError, InvalidArgumentError } from 'commander';

/** A parsed command line: its options, or the help text it requested. */
type ParsedCommand<Options> = { readonly options: Options } | { readonly help: string };

/** Parses arguments; for a mistake throws the error that `mistake` makes from one sentence. */
export function parseCommand<Options>(
  command: Command,
  args: readonly string[],
  mistake: (sentence: string) => Error,
): ParsedCommand<Options> {
  let help = '';
  command
    .exitOverride()
    .showSuggestionAfterError(false)
    .configureOutput({ writeOut: (text) => (help += text), writeErr: () => {} })
    .configureHelp({ helpWidth: 110 });
  try {
    command.parse([...args], { from: 'user' });
    return { options: command.opts() as Options };
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return { help: help.trimEnd() };
    throw mistake(`${error.message.replace(/^error: /, '').replace(/\.$/, '')}; --help lists what there is`);
  }
}

/** Returns a parser of whole numbers in a range. */
export function wholeNumber(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= min && value <= max) return value;
    throw new InvalidArgumentError(`It must be a whole number from ${min} to ${max}.`);
  };
}

export function notBlank(text: string): string {
  if (text.trim() === '') throw new InvalidArgumentError('It must not be blank.');
  return text;
}

/** Returns a parser for a repeatable option; `parse` reads each value. */
export function repeated<T>(parse: (text: string) => T): (text: string, earlier?: readonly T[]) => readonly T[] {
  return (text, earlier = []) => [...earlier, parse(text)];
}
