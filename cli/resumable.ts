import { TargetUnavailableError } from './errors.ts';

// Shared by commands that call a function repeatedly, domain by domain, until it is done or the operator stops it.

/** Makes a call; a failure is returned, so that one left behind rejects nothing. */
export async function resultOrError<Answer>(call: () => Promise<Answer>): Promise<Answer | TargetUnavailableError> {
  try {
    return await call();
  } catch (error) {
    return error instanceof TargetUnavailableError
      ? error
      : new TargetUnavailableError(String(error), { cause: error });
  }
}

/** Resolves when the operator ends the command. */
export function endOf(signal: AbortSignal): Promise<undefined> {
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(undefined), { once: true }));
}

/** Adds a call's counts to those so far; all else in its result is left out. */
export function addEach<Counts extends { [Name in keyof Counts]: number }>(sums: Counts, answer: Counts): Counts {
  const names = Object.keys(sums) as (keyof Counts)[];
  return Object.fromEntries(names.map((name) => [name, sums[name] + answer[name]])) as unknown as Counts;
}

/** The facts reported beside the counts. */
export interface PartsReporter {
  waiting(domain: string, why: string): void;
  /** Reports a part that failed, or is not due yet. */
  left(domain: string, why: string): void;
  /** Prints the commands that continue where it stopped. */
  resume(commands: readonly string[]): void;
}

export const partsAsText = (print: (line: string) => void): PartsReporter => ({
  waiting: (domain, why) => print(`${domain}  waiting: ${why}`),
  left: (domain, why) => print(`${domain}  ${why}`),
  resume(commands) {
    print('Continue with:');
    for (const command of commands) print(`  ${command}`);
  },
});

export type PartLine =
  | { event: 'waiting' | 'left'; domain: string; why: string }
  | { event: 'resume'; commands: string[] };

export const partsAsJson = (emit: (line: PartLine) => void): PartsReporter => ({
  waiting: (domain, why) => emit({ event: 'waiting', domain, why }),
  left: (domain, why) => emit({ event: 'left', domain, why }),
  resume: (commands) => emit({ event: 'resume', commands: [...commands] }),
});
