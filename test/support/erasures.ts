import { erasureHash } from '../../lambdas/domain/recipients/erasure.ts';
import type { Erasures } from '../../lambdas/process/ports.ts';

export const ERASURE_KEY = 'erasure-key-0001';
export const erasureKey = { read: async () => ERASURE_KEY };

/** In-memory erasure markers; hashed, so that the case of an address does not matter. */
export class InMemoryErasures implements Erasures {
  readonly #hashes = new Set<string>();

  mark(recipient: string): void {
    this.#hashes.add(erasureHash(ERASURE_KEY, recipient));
  }

  async among(addresses: readonly string[]) {
    return addresses.filter((address) => this.#hashes.has(erasureHash(ERASURE_KEY, address)));
  }
}

/** Dependencies of process besides the table, with nothing erased, corrected or late. */
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
