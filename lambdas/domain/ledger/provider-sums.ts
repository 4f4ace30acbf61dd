import type { ProviderCounts } from '../recipients/provider-limits.ts';
import { addAll, type Counts, type Rows } from './counts.ts';
import { mayBeCut } from './dimensions.ts';
import type { Slice } from './slice.ts';

/** Adds up slices by mailbox provider. */
export class ProviderSums {
  readonly #sums = new Map<string, { counts: Counts; policy: Counts }>();
  #isCut = false;

  add({ dimensions }: Pick<Slice, 'dimensions'>): void {
    this.#addRows(dimensions.provider, 'counts');
    this.#addRows(dimensions.policy, 'policy');
    this.#isCut ||= mayBeCut(dimensions.provider);
  }

  /** True if slices had more providers than are counted, so that the rare ones are added up in `other`. */
  get isCut(): boolean {
    return this.#isCut;
  }

  /** Returns the sums of one provider, whose name is in lower case. */
  of(provider: string): ProviderCounts {
    return this.#sums.get(provider) ?? { counts: {}, policy: {} };
  }

  #addRows(rows: Rows, kind: keyof ProviderCounts): void {
    for (const [provider, row] of Object.entries(rows)) {
      const sum = this.#sums.get(provider) ?? { counts: {}, policy: {} };
      this.#sums.set(provider, sum);
      addAll(sum[kind], row);
    }
  }
}
