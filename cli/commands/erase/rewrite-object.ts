import { type ArchiveRow, leafOf } from '../../../lambdas/domain/archive/archive-row.ts';
import type { SealedObject } from '../../../lambdas/domain/archive/manifest.ts';
import { linkOf } from '../../../lambdas/domain/archive/manifest.ts';
import { createMerkleTree } from '../../../lambdas/domain/archive/merkle.ts';
import type { ChainWriter } from '../../../lambdas/seal/chain-writer.ts';
import type { ObjectReplacement, RewritableObjects, StoredObject } from '../../../lambdas/seal/ports.ts';
import type { ChainIndex, SealedAs } from './chain-index.ts';

interface RewriteDeps {
  chain: ChainWriter;
  objects: RewritableObjects;
  now: () => number;
}

/** `clean`: there is nothing to change; `faulty`: it is not as it was sealed, and stays as it is. */
type RewriteOutcome = { kind: 'clean' } | { kind: 'rewritten'; rows: number } | { kind: 'faulty'; what: string };

type ChangeRow = (row: ArchiveRow) => ArchiveRow;

/**
 * Writes an object again with changed rows, whose leaves stay the same. The manifest that names the new bytes comes
 * first, so that at any moment a manifest names the bytes that are there. An object that has no manifest yet gets none:
 * seal takes it over as it is by then.
 */
export function createRewriteObject({ chain, objects, now }: RewriteDeps) {
  return async (key: string, index: ChainIndex, change: ChangeRow): Promise<RewriteOutcome> => {
    for (;;) {
      const stored = await objects.open(key);
      if (stored === undefined) return { kind: 'faulty', what: 'is not in the archive' };
      const replacement = objects.begin();
      try {
        const copied = await copy(stored, replacement, change, index.domain);
        if (copied.changed === 0) return { kind: 'clean' };
        const { sha256, bytes } = await replacement.end();
        if (index.of(key) !== undefined) {
          if (!index.of(key)?.names.has(stored.sha256)) await index.readOn();
          const sealed = index.of(key) as SealedAs;
          if (!sealed.names.has(stored.sha256))
            return { kind: 'faulty', what: 'has other bytes than any manifest names' };
          if (sealed.root !== copied.root) return { kind: 'faulty', what: 'has rows of another Merkle root' };
          const object = { key, sha256, bytes, rows: copied.rows };
          if (!sealed.names.has(sha256)) await append(sealed, object, index.domain);
          await index.readOn();
        }
        if (await replacement.putOver(key, stored.tag)) return { kind: 'rewritten', rows: copied.changed };
      } finally {
        await Promise.all([stored.discard(), replacement.discard()]);
      }
    }
  };

  async function append({ start, end, number, root }: SealedAs, object: SealedObject, domain: string): Promise<void> {
    for (;;) {
      const { sequence, hash } = await chain.catchUp(domain);
      const link = linkOf({
        v: 1,
        kind: 'rewrite',
        domain,
        sequence: sequence + 1,
        previous: hash,
        start,
        end,
        number,
        object,
        root,
        slice: null,
        sealedAt: new Date(now()).toISOString(),
      });
      if (await chain.append(link)) return;
    }
  }
}

async function copy(stored: StoredObject, replacement: ObjectReplacement, change: ChangeRow, domain: string) {
  const tree = createMerkleTree();
  let rows = 0;
  let changed = 0;
  for await (const group of stored.rows()) {
    const copied = group.map(change);
    changed += copied.filter((row, nth) => row !== group[nth]).length;
    rows += copied.length;
    for (const row of copied) tree.add(leafOf(row, domain));
    await replacement.add(copied);
  }
  return { rows, changed, root: tree.root() };
}
