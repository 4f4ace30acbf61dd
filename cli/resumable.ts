import { OutOfReach } from './errors.ts';

// What commands share that call a function again and again, domain by domain, until all is done or the operator ends it.

/** Makes a call; one that fails is answered as such, so that one left behind troubles nobody. */
export async function answerOrFailure<Answer>(call: () => Promise<Answer>): Promise<Answer | OutOfReach> {
  try {
    return await call();
  } catch (error) {
    return error instanceof OutOfReach ? error : new OutOfReach(String(error), { cause: error });
  }
}

/** Resolves when the operator ends the command. */
export function endOf(signal: AbortSignal): Promise<undefined> {
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(undefined), { once: true }));
}

/** What is told beside the counts. */
export interface PartsReporter {
  waiting(domain: string, why: string): void;
  /** A part that could not be done, or is not to be yet. */
  left(domain: string, why: string): void;
  /** Commands that go on where it stopped. */
  resume(commands: readonly string[]): void;
}

export const partsAsText = (print: (line: string) => void): PartsReporter => ({
  waiting: (domain, why) => print(`${domain}  waiting: ${why}`),
  left: (domain, why) => print(`${domain}  ${why}`),
  resume(commands) {
    print('Go on with:');
    for (const command of commands) print(`  ${command}`);
  },
});

export type PartLine =
  | { event: 'waiting' | 'left'; domain: string; why: string }
  | { event: 'resume'; commands: string[] };

export const partsAsJson = (tell: (line: PartLine) => void): PartsReporter => ({
  waiting: (domain, why) => tell({ event: 'waiting', domain, why }),
  left: (domain, why) => tell({ event: 'left', domain, why }),
  resume: (commands) => tell({ event: 'resume', commands: [...commands] }),
});
