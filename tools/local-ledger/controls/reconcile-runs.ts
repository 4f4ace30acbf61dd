import type { FunctionProcess } from '../../local-stack/functions/function-process.ts';
import type { InvocationResult } from '../../local-stack/functions/function-sandbox.ts';
import { isRecord } from '../../local-stack/template/template.ts';

/** The result of a run of reconcile. */
export interface ReconcileResult {
  readonly slices: number;
  readonly expected: number;
  readonly missing: number;
  readonly sent: number;
  readonly open: number;
  readonly done: boolean;
}

/** Sums over all runs since the start. */
export interface ReconcileSums {
  readonly runs: number;
  readonly slices: number;
  readonly missing: number;
  readonly sent: number;
}

/** Runs reconcile on its schedule and on request. */
export class ReconcileRuns {
  readonly #target: Pick<FunctionProcess, 'invoke'>;
  readonly #inFlight = new Set<Promise<InvocationResult>>();
  #sums: ReconcileSums = { runs: 0, slices: 0, missing: 0, sent: 0 };

  constructor(target: Pick<FunctionProcess, 'invoke'>) {
    this.#target = target;
  }

  async run(event: string): Promise<InvocationResult> {
    const running = this.#target.invoke(event);
    this.#inFlight.add(running);
    const outcome = await running.finally(() => this.#inFlight.delete(running));
    if (outcome.ok) this.#count(JSON.parse(outcome.payload));
    return outcome;
  }

  /** Runs once, ignoring the waits. Waits for active runs first: beside them it would find the lease taken. */
  async byHand(): Promise<ReconcileResult> {
    await Promise.allSettled(this.#inFlight);
    const outcome = await this.run('{"ignoreWaits":true}');
    if (!outcome.ok) throw new Error(`reconcile failed: ${outcome.error}`);
    return JSON.parse(outcome.payload);
  }

  sums(): ReconcileSums {
    return this.#sums;
  }

  #count(result: unknown): void {
    if (!isRecord(result)) return;
    const { runs, slices, missing, sent } = this.#sums;
    const more = (name: string) => Number(result[name] ?? 0);
    this.#sums = {
      runs: runs + 1,
      slices: slices + more('slices'),
      missing: missing + more('missing'),
      sent: sent + more('sent'),
    };
  }
}
