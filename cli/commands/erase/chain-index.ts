import { type Manifest, parseManifest } from '../../../lambdas/domain/archive/manifest.ts';
import { manifestKey } from '../../../lambdas/domain/archive/object-keys.ts';
import { BrokenChainError } from '../../../lambdas/seal/chain-writer.ts';
import type { ManifestBucket } from '../../../lambdas/seal/ports.ts';

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

const AT_ONCE = 16;

/** Reads the chain of a domain, which is given as the keys of objects have it. */
export async function readChainIndex(bucket: ManifestBucket, domainInKeys: string): Promise<ChainIndex> {
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

  const readOn = async () => {
    for (;;) {
      const keys = Array.from({ length: AT_ONCE }, (_, nth) => manifestKey(domainInKeys, position + 1 + nth));
      for (const text of await Promise.all(keys.map(bucket.readText))) {
        if (text === undefined) return;
        take(text);
      }
    }
  };
  await readOn();
  return {
    get domain() {
      return domain;
    },
    of: (key) => objects.get(key),
    readOn,
  };
}
