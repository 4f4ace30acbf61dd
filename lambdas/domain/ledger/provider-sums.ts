import type { ProviderCounts } from '../recipients/provider-limits.ts';
import { add, type Counts, type Rows } from './counts.ts';
import type { Slice } from './slice.ts';

/** Adds up slices by mailbox provider. */
export class ProviderSums {
  readonly #sums = new Map<string, { counts: Counts; policy: Counts }>();

  add({ dimensions }: Pick<Slice, 'dimensions'>): void {
    this.#addRows(dimensions.provider, 'counts');
    this.#addRows(dimensions.policy, 'policy');
  }

  /** Returns the sums of one provider, whose name is in lower case. */
  of(provider: string): ProviderCounts {
    return this.#sums.get(provider) ?? { counts: {}, policy: {} };
  }

  #addRows(rows: Rows, kind: keyof ProviderCounts): void {
    for (const [provider, row] of Object.entries(rows)) {
      const sum = this.#sums.get(provider) ?? { counts: {}, policy: {} };
      this.#sums.set(provider, sum);
      for (const [type, count] of Object.entries(row)) add(sum[kind], type, count);
    }
  }
}
