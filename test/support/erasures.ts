import { erasureHash } from '../../lambdas/domain/recipients/erasure.ts';
import type { Erasures } from '../../lambdas/process/ports.ts';

export const ERASURE_KEY = 'erasure-key-0001';
export const erasureKey = { read: async () => ERASURE_KEY };

/** Markers in memory; hashed, so that an address is found whatever its case. */
export class InMemoryErasures implements Erasures {
  readonly #hashes = new Set<string>();

  mark(recipient: string): void {
    this.#hashes.add(erasureHash(ERASURE_KEY, recipient));
  }

  async among(addresses: readonly string[]) {
    return addresses.filter((address) => this.#hashes.has(erasureHash(ERASURE_KEY, address)));
  }
}

/** What process needs besides the table, where nothing is erased, corrected or too late for its ledger. */
export const LONE_PROCESS = {
  erasures: new InMemoryErasures(),
  erasureKey,
  statusDays: 400,
  corrections: {
    siblings: async () => [],
    readOrder: async () => undefined,
    resetStatus: async () => true,
    withdrawSuppressions: async () => {},
    replaceEvent: async () => {},
  },
  copies: { read: async () => [], merge: async () => {}, dropStatus: async () => {} },
  stragglers: { ledgerStart: async () => undefined, note: async () => {} },
  secondPassSeconds: 86_400,
  now: () => 0,
};
