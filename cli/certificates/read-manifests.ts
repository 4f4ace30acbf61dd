import { manifestKey } from '../../lambdas/domain/archive/object-keys.ts';
import type { ManifestBucket } from '../../lambdas/seal/ports.ts';
import type { CliContext } from '../command.ts';
import { createProgress } from '../output.ts';

const AT_ONCE = 16;

/** Yields the places of a chain from one on, to a last one where that is known. */
export function* placesFrom(first: number, last = Number.POSITIVE_INFINITY): Generator<number> {
  for (let place = first; place <= last; place += 1) yield place;
}

/** Reports what was done of a domain's chain. */
export type ChainProgress = (domain: string, done: string) => void;

/** Returns a function that prints it to standard error, at most every few seconds. */
export function createChainProgress(context: Pick<CliContext, 'now' | 'printError'>): ChainProgress {
  const report = createProgress(context);
  return (domain, done) => report(() => context.printError(`  ${domain}: ${done}`));
}

/**
 * Yields the texts of a chain's manifests by their places, in the order of these, several of which are read at once;
 * undefined where there is none. A chain may have tens of thousands.
 */
export async function* readManifests(
  archive: Pick<ManifestBucket, 'readText'>,
  domain: string,
  places: Iterable<number>,
): AsyncGenerator<{ place: number; text: string | undefined }> {
  let batch: number[] = [];
  async function* read() {
    const texts = await Promise.all(batch.map((place) => archive.readText(manifestKey(domain, place))));
    yield* batch.map((place, nth) => ({ place, text: texts[nth] }));
    batch = [];
  }
  for (const place of places) if (batch.push(place) === AT_ONCE) yield* read();
  yield* read();
}
