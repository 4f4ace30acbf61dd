import { ASSUMED, AWS_LIMITS } from '../../../cli/planning/capacity.ts';
import type { SimulatedStack } from './settings.ts';

/** Limits that can stop a webhook before the table. */
export type IngestLimit = 'throttle' | 'gateway' | 'executions';

/** Seconds after which an idle execution environment is removed. */
const IDLE_SECONDS = 600;
const NEW_PER_SECOND = AWS_LIMITS.executionsPerTenSeconds / 10;

/** Simulates gateway and ingest second by second. */
export class SimulatedIngest {
  readonly #stack: SimulatedStack;
  #tokens: number;
  #pool: number;
  #unusedGrowth: number = AWS_LIMITS.executionsPerTenSeconds;

  /** Starts warm, as after a steady load. */
  constructor(stack: SimulatedStack, warmPerSecond: number) {
    this.#stack = stack;
    this.#tokens = stack.throttleBurst;
    this.#pool = Math.min(this.#mostExecutions, warmPerSecond * stack.ingestSeconds);
  }

  /** Returns how many posts of a second reach ingest, and which limits stopped the others. */
  admit(offered: number): { admitted: number; met: IngestLimit[] } {
    const met: IngestLimit[] = [];
    const { throttlePerSecond, throttleBurst, gatewayPerSecond } = this.#stack;
    this.#tokens = Math.min(throttleBurst, this.#tokens) + throttlePerSecond;
    if (offered > gatewayPerSecond) met.push('gateway');
    if (offered > this.#tokens) met.push('throttle');
    const passed = Math.min(offered, gatewayPerSecond, this.#tokens);
    this.#tokens -= passed;
    const admitted = this.#execute(passed);
    if (admitted < passed) met.push('executions');
    return { admitted, met };
  }

  /** Executions that the account leaves to ingest when process uses all of its own. */
  get #mostExecutions(): number {
    return Math.max(0, this.#stack.executions - this.#stack.maxConcurrency);
  }

  /** A new execution environment spends a whole second on its first webhook. */
  #execute(passed: number): number {
    const warm = this.#pool / this.#stack.ingestSeconds;
    const wanted = Math.max(0, passed - warm);
    const started = Math.min(wanted, this.#unusedGrowth, this.#mostExecutions - this.#pool);
    this.#unusedGrowth = Math.min(AWS_LIMITS.executionsPerTenSeconds, this.#unusedGrowth - started + NEW_PER_SECOND);
    const needed = Math.min(passed * this.#stack.ingestSeconds, this.#mostExecutions);
    this.#pool =
      Math.max(needed === 0 ? 0 : Math.min(needed, this.#pool), this.#pool * (1 - 1 / IDLE_SECONDS)) + started;
    return Math.min(passed, warm + started / ASSUMED.coldStartSeconds);
  }
}
