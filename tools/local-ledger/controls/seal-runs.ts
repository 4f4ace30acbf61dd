import type { FunctionProcess } from '../../local-stack/functions/function-process.ts';
import type { Outcome } from '../../local-stack/functions/function-sandbox.ts';
import type { Clock } from '../../mailgun-twin/clock.ts';

/** What a run of seal returns. */
export interface SealResult {
  readonly sealed: number;
  readonly rows: number;
  readonly done: boolean;
}

/** The runs of seal, by its schedule and by hand. */
export class SealRuns {
  readonly #target: Pick<FunctionProcess, 'invoke'>;
  readonly #inFlight = new Set<Promise<Outcome>>();

  constructor(target: Pick<FunctionProcess, 'invoke'>) {
    this.#target = target;
  }

  run(event: string): Promise<Outcome> {
    const running = this.#target.invoke(event);
    this.#inFlight.add(running);
    return running.finally(() => this.#inFlight.delete(running));
  }

  /** One run that ignores the waits. It waits for those under way, beside which it could do nothing. */
  async byHand(): Promise<SealResult> {
    await Promise.allSettled(this.#inFlight);
    const outcome = await this.run('{"ignoreWaits":true}');
    if (!outcome.ok) throw new Error(`seal failed: ${outcome.error}`);
    return JSON.parse(outcome.payload);
  }
}

const SEAL_AGAIN_MS = 1000;
/** A run that ended without a word may have left its lease, which lasts two minutes. */
const SEAL_PATIENCE_MS = 240_000;

/** Seals until nothing is left to seal; gives up once patience ends, with what the last run said. */
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
