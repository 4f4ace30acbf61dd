import { type Manifest, parseManifest } from '../../../lambdas/domain/archive/manifest.ts';
import { chainPrefix, manifestKey, parseManifestKey } from '../../../lambdas/domain/archive/object-keys.ts';
import { BrokenChainError } from '../../../lambdas/seal/chain-writer.ts';
import type { ManifestBucket, RewritableObjects, SealState } from '../../../lambdas/seal/ports.ts';
import { placesFrom, readManifests } from '../../certificates/read-manifests.ts';

/** An object as its chain describes it. */
export interface SealedAs extends Pick<Manifest, 'start' | 'end' | 'number' | 'root'> {
  /** Digests under which manifests name it. */
  names: Set<string>;
}

/** The objects of a chain by their keys. */
export interface ChainIndex {
  /** The domain as the chain names it. */
  readonly domain: string;
  of(key: string): SealedAs | undefined;
  /** Reads what was appended since. */
  readOn(): Promise<void>;
}

interface ChainSources {
  bucket: Pick<ManifestBucket, 'readText'>;
  objects: Pick<RewritableObjects, 'list'>;
  state: Pick<SealState, 'readHead'>;
}

/**
 * Reads the chain of a domain, which is given as the keys of objects have it. Throws BrokenChainError where a link is
 * absent that the table or a later link knows of: the objects behind it would seem to have no manifest, and be rewritten
 * without one.
 */
export async function readChainIndex(
  { bucket, objects: listing, state }: ChainSources,
  domainInKeys: string,
): Promise<ChainIndex> {
  const objects = new Map<string, SealedAs>();
  let domain = domainInKeys;
  let position = 0;
  let last: string | null = null;

  function take(text: string): void {
    const link = parseManifest(text);
    position += 1;
    if (link === undefined || link.manifest.sequence !== position || link.manifest.previous !== last)
      throw new BrokenChainError(`${manifestKey(domainInKeys, position)} does not continue the chain`);
    last = link.hash;
    domain = link.manifest.domain;
    const { object, start, end, number, root } = link.manifest;
    if (object === null) return;
    const known = objects.get(object.key);
    if (known === undefined) objects.set(object.key, { start, end, number, root, names: new Set([object.sha256]) });
    else known.names.add(object.sha256);
  }

  /** Reads the links from the position on to the end of the chain, which is behind those that are known. */
  async function readOn(known = 0): Promise<void> {
    for await (const { place, text } of readManifests(bucket, domainInKeys, placesFrom(position + 1))) {
      if (text !== undefined) take(text);
      else if (place > known) return;
      else throw new BrokenChainError(`${manifestKey(domainInKeys, place)}, a link of the chain, is not in the bucket`);
    }
  }

  let known = (await state.readHead(domainInKeys))?.sequence ?? 0;
  for await (const { key, isThere, oldVersions } of listing.list(chainPrefix(domainInKeys)))
    if (isThere || oldVersions.length > 0) known = Math.max(known, parseManifestKey(key) ?? 0);
  await readOn(known);
  return {
    get domain() {
      return domain;
    },
    of: (key) => objects.get(key),
    readOn: () => readOn(),
  };
}
