import { createHash, hash } from 'node:crypto';

// The tree hash of RFC 6962: leaves and nodes are hashed under different first bytes, so that neither can pass for the
// other, and an odd leaf is carried up instead of being doubled, so that no two lists share a root. Each object of the
// archive has one tree; its leaves are those of `leafOf` (`archive-row.ts`), in the order of the rows.

const LEAF = Uint8Array.of(0);
const NODE = Uint8Array.of(1);

/** Returns SHA-256 in lower-case hex. */
export function sha256Hex(bytes: Uint8Array | string): string {
  return hash('sha256', bytes);
}

/** Hashes the leaves of a tree as they come; it holds one hash for each level. */
interface MerkleTree {
  add(leaf: string): void;
  /** Returns the root of all leaves so far in lower-case hex; of none, the hash of nothing. */
  root(): string;
}

export function createMerkleTree(): MerkleTree {
  /** Roots of complete subtrees, the largest first; no two are of one size. */
  const complete: { size: number; hash: Uint8Array }[] = [];
  return {
    add(leaf) {
      let tree = { size: 1, hash: hashOf(LEAF, leaf) };
      for (let left = complete.at(-1); left?.size === tree.size; left = complete.at(-1)) {
        tree = { size: 2 * tree.size, hash: nodeHash(left.hash, tree.hash) };
        complete.pop();
      }
      complete.push(tree);
    },

    root() {
      const [last, ...others] = complete.map(({ hash }) => hash).reverse();
      if (last === undefined) return sha256Hex('');
      return Buffer.from(others.reduce((right, left) => nodeHash(left, right), last)).toString('hex');
    },
  };
}

function nodeHash(left: Uint8Array, right: Uint8Array): Uint8Array {
  return hashOf(NODE, left, right);
}

function hashOf(...parts: (Uint8Array | string)[]): Uint8Array {
  const all = createHash('sha256');
  for (const part of parts) all.update(part);
  return all.digest();
}
