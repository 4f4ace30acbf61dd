import { ASSUMED, AWS_LIMITS, PER_WEBHOOK } from '../../../cli/planning/capacity.ts';
import type { SimulatedStack } from './settings.ts';

/** Limits that can stop a webhook in queue, process or table. */
export type ProcessLimit = 'table' | 'process' | 'partition' | 'backlog';

const CLAIM_WRITES = 1;
const FIRST_POLLERS = 5;

/** Simulates claims, queue, process and table second by second. */
export class SimulatedProcess {
  readonly #stack: SimulatedStack;
  #capacity: number;
  #peak = 0;
  #pollers: number;
  /** Messages waiting in the queue. */
  backlog = 0;

  /** Starts with the pollers of a steady load. */
  constructor(stack: SimulatedStack, warmPerSecond: number) {
    this.#stack = stack;
    this.#pollers = Math.max(FIRST_POLLERS, (warmPerSecond * stack.batchSeconds) / stack.batchSize);
    this.#capacity = stack.warmWritesPerSecond;
  }

  /** Returns true if reconcile pauses, because the queue holds more than process can have in flight. */
  isPausing(arriving: number): boolean {
    const { maxConcurrency, batchSize } = this.#stack;
    return this.backlog + arriving * ASSUMED.queueSeconds > maxConcurrency * batchSize;
  }

  /** Accepts the webhooks of a second and what is requeued; returns how many were claimed, and how many stored. */
  take(atSecond: number, webhooks: number, requeued: number): { claimed: number; stored: number; met: ProcessLimit[] } {
    const met: ProcessLimit[] = [];
    const arriving = webhooks + requeued;
    if (this.isPausing(arriving)) met.push('backlog');
    const { processing, mostProcessing, partitions } = this.#rates();
    const waiting = this.backlog + arriving;
    if (arriving > mostProcessing) met.push('process');
    if (Math.min(waiting, processing) > partitions) met.push('partition');
    const wanted = Math.min(waiting, processing, partitions);
    const writes = webhooks * CLAIM_WRITES + wanted * (PER_WEBHOOK.tableWrites - CLAIM_WRITES);
    const share = writes > this.#capacity ? this.#capacity / writes : 1;
    if (share < 1) met.push('table');
    this.#warm(atSecond, writes * share);
    const claimed = webhooks * share;
    const stored = Math.min(wanted * share, this.backlog + claimed + requeued);
    this.backlog += claimed + requeued - stored;
    if (this.backlog > 1) this.#pollers += AWS_LIMITS.pollersPerMinute / 60;
    return { claimed, stored, met };
  }

  #rates() {
    const { maxConcurrency, batchSize, batchSeconds, shards, domains } = this.#stack;
    const perExecution = batchSize / batchSeconds;
    const partition = AWS_LIMITS.partitionWritesPerSecond / PER_WEBHOOK.mostFrequent;
    return {
      processing: Math.min(maxConcurrency, this.#pollers) * perExecution,
      mostProcessing: maxConcurrency * perExecution,
      partitions: partition * shards * domains,
    };
  }

  /** An on-demand table doubles its capacity half an hour after a peak. */
  #warm(atSecond: number, writes: number): void {
    this.#peak = Math.max(this.#peak, writes);
    if (atSecond % AWS_LIMITS.tableDoublingSeconds !== AWS_LIMITS.tableDoublingSeconds - 1) return;
    this.#capacity = Math.min(this.#stack.tableWritesPerSecond, Math.max(this.#capacity, 2 * this.#peak));
    this.#peak = 0;
  }
}
