import type { HealthResponse } from '../../api/responses/health.ts';

interface QueueLength {
  /** Returns how many messages the queue holds. */
  messages(): Promise<number>;
}

export interface HealthDeps {
  ledgerName: string;
  domains: readonly string[];
  queue: QueueLength;
  deadLetters: QueueLength;
}

/**
 * What is known of the pipeline right now; null is what is not. A queue that does not answer takes nothing else along.
 * Alarms are CloudWatch's to know, which this function does not ask.
 */
export function createHealth({ ledgerName, domains, queue, deadLetters }: HealthDeps) {
  return async (): Promise<HealthResponse> => {
    const known = ({ messages }: QueueLength) => messages().catch(() => null);
    const [waiting, dead] = await Promise.all([known(queue), known(deadLetters)]);
    return { ledger: ledgerName, domains: [...domains], queue: waiting, deadLetters: dead, alarms: null };
  };
}
