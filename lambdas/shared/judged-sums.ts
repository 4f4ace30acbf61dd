import { ProviderSums } from '../domain/ledger/provider-sums.ts';
import type { Slice } from '../domain/ledger/slice.ts';
import { judgedFrom } from '../domain/recipients/provider-limits.ts';

/** Reads slices; times in epoch seconds. */
interface Slices {
  list(domain: string, from: number, to: number): AsyncIterable<Pick<Slice, 'dimensions'>>;
}

/** Adds up the slices of a domain over the days that are judged. */
export async function judgedSums(slices: Slices, domain: string, nowMs: number): Promise<ProviderSums> {
  const sums = new ProviderSums();
  for await (const slice of slices.list(domain, judgedFrom(nowMs), Math.ceil(nowMs / 1000))) sums.add(slice);
  return sums;
}
