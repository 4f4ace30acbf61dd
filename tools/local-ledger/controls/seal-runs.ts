import type { FunctionProcess } from '../../local-stack/functions/function-process.ts';
import type { InvocationResult } from '../../local-stack/functions/function-sandbox.ts';
import type { Clock } from '../../mailgun-twin/clock.ts';

/** Result of a run of seal. */
export interface SealResult {
  readonly sealed: number;
  readonly rows: number;
  readonly done: boolean;
}

/** Runs seal on its schedule and on request. */
export class SealRuns {
  readonly #target: Pick<FunctionProcess, 'invoke'>;
  readonly #inFlight = new Set<Promise<InvocationResult>>();

  constructor(target: Pick<FunctionProcess, 'invoke'>) {
    this.#target = target;
  }

  run(event: string): Promise<InvocationResult> {
    const running = this.#target.invoke(event);
    this.#inFlight.add(running);
    return running.finally(() => this.#inFlight.delete(running));
  }

  /** Runs once, ignoring the waits. Waits for active runs first: beside them it would find the lease taken. */
  async byHand(): Promise<SealResult> {
    await Promise.allSettled(this.#inFlight);
    const outcome = await this.run('{"ignoreWaits":true}');
    if (!outcome.ok) throw new Error(`seal failed: ${outcome.error}`);
    return JSON.parse(outcome.payload);
  }
}

const SEAL_AGAIN_MS = 1000;
/** A killed run may have left its lease, which lasts two minutes. */
const SEAL_PATIENCE_MS = 240_000;

/** Seals until nothing is left; after `SEAL_PATIENCE_MS` throws with the last run's result. */
export async function sealAll(
  seal: () => Promise<SealResult>,
  clock: Pick<Clock, 'now' | 'sleep'>,
): Promise<SealResult> {
  const untilMs = clock.now() + SEAL_PATIENCE_MS;
  let sums = { sealed: 0, rows: 0, done: false };
  for (;;) {
    const isLast = clock.now() >= untilMs;
    try {
      const { sealed, rows, done } = await seal();
      sums = { sealed: sums.sealed + sealed, rows: sums.rows + rows, done };
    } catch (error) {
      if (isLast) throw error;
    }
    if (sums.done || isLast) return sums;
    await clock.sleep(SEAL_AGAIN_MS);
  }
}
