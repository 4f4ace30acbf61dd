import type { CliContext } from './command.ts';
import { TargetUnavailableError } from './errors.ts';
import type { Output } from './output.ts';

// Shared by commands that call a function repeatedly, domain by domain, until it is done or the operator stops it.

/** Wait between two calls. */
export const WAIT_MS = 5000;
/** Maximum wait without progress. */
export const MAX_STALL_MS = 15 * 60_000;

/** The outcome of one call. */
export interface StepResult {
  readonly isDone: boolean;
  /** True if it made progress. */
  readonly hasMoved: boolean;
  /** Why it stopped; undefined if it can continue. `passes`: waiting may help. */
  readonly wait: { readonly text: string; readonly passes: boolean } | undefined;
}

/**
 * Calls a function until it is done; returns false if the operator stops it or it cannot continue, which is reported. A
 * call in flight at that moment is repeated later, so it must be idempotent.
 */
export async function callUntilDone<Result>(
  domain: string,
  { now, sleep, signal }: Pick<CliContext, 'now' | 'sleep' | 'signal'>,
  reporter: Pick<PartsReporter, 'waiting' | 'left'>,
  call: () => Promise<Result>,
  take: (result: Result) => StepResult,
): Promise<boolean> {
  let movedAt = now();
  let reportedWhy: string | undefined;
  const stopped = endOf(signal);
  while (!signal.aborted) {
    const result = await Promise.race([resultOrError(call), stopped]);
    if (result === undefined) return false;
    if (result instanceof TargetUnavailableError) {
      reporter.left(domain, `stopped: ${result.message}`);
      return false;
    }
    const { isDone, hasMoved, wait } = take(result);
    if (isDone) return true;
    if (hasMoved) movedAt = now();
    if (wait !== undefined) {
      if (!wait.passes || now() - movedAt >= MAX_STALL_MS) {
        reporter.left(domain, `stopped: ${wait.text}`);
        return false;
      }
      if (wait.text !== reportedWhy) reporter.waiting(domain, wait.text);
      await Promise.race([sleep(WAIT_MS), stopped]);
    }
    reportedWhy = wait?.text;
  }
  return false;
}

/** Makes a call; a failure is returned, so that one left behind rejects nothing. */
async function resultOrError<Result>(call: () => Promise<Result>): Promise<Result | TargetUnavailableError> {
  try {
    return await call();
  } catch (error) {
    return error instanceof TargetUnavailableError
      ? error
      : new TargetUnavailableError(String(error), { cause: error });
  }
}

/** Resolves when the operator ends the command. */
function endOf(signal: AbortSignal): Promise<undefined> {
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(undefined), { once: true }));
}

/** Works through the domains until the operator stops it; returns where to continue those that are not done. */
export async function eachDomainFrom(
  domains: readonly string[],
  from: number,
  signal: AbortSignal,
  work: (domain: string) => Promise<number | undefined>,
): Promise<[domain: string, from: number][]> {
  const rest = new Map(domains.map((domain) => [domain, from]));
  for (const domain of domains) {
    if (signal.aborted) break;
    const reached = await work(domain);
    if (reached === undefined) rest.delete(domain);
    else rest.set(domain, reached);
  }
  return [...rest];
}

/** Adds a call's counts to those so far; all else in its result is left out. */
export function addEach<Counts extends { [Name in keyof Counts]: number }>(sums: Counts, counts: Counts): Counts {
  const names = Object.keys(sums) as (keyof Counts)[];
  return Object.fromEntries(names.map((name) => [name, sums[name] + counts[name]])) as unknown as Counts;
}

/** The facts reported beside the counts. */
export interface PartsReporter {
  waiting(domain: string, why: string): void;
  /** Reports a part that failed, or is not due yet. */
  left(domain: string, why: string): void;
  /** Prints the commands that continue where it stopped. */
  resume(commands: readonly string[]): void;
}

export const partsAsText = ({ print, printError }: Output): PartsReporter => ({
  waiting: (domain, why) => printError(`${domain}  waiting: ${why}`),
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
