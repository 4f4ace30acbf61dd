import type { FunctionProcess } from '../../local-stack/functions/function-process.ts';
import type { Outcome } from '../../local-stack/functions/function-sandbox.ts';

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
