import { erasureHash } from '../../lambdas/domain/erasure.ts';
import type { Erasures } from '../../lambdas/domain/ports.ts';

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

/** For what has nothing to do with erasing. */
export const NOBODY_ERASED = { erasures: new InMemoryErasures(), erasureKey };
