import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { commitmentOf, leafOf } from '../../../../../lambdas/domain/archive/archive-row.ts';
import { createMerkleTree } from '../../../../../lambdas/domain/archive/merkle.ts';
import { archiveRow } from '../../../../support/archive/archive.ts';

interface Vectors {
  rows: {
    salt: string;
    event: string;
    commitment: string;
    fields: [string, string, string, string, number];
    leaf: string;
  }[];
  root: string;
}

const VECTORS = JSON.parse(
  readFileSync(join(import.meta.dirname, '../../../../../docs/schemas/archive-vectors.v1.json'), 'utf8'),
) as Vectors;

test('the published test vectors hold', () => {
  const tree = createMerkleTree();
  for (const { salt, event, commitment, fields, leaf } of VECTORS.rows) {
    const digest = createHash('sha256').update(Buffer.concat([Buffer.from(salt, 'hex'), Buffer.from(event)]));
    expect(digest.digest('hex')).toBe(commitment);
    expect(commitmentOf(salt, event)).toBe(commitment);
    const [name, key, type, domain, atMs] = fields;
    expect(leafOf({ ...archiveRow(0), commitment, name, key, type, atMs }, domain)).toBe(leaf);
    tree.add(leaf);
  }
  expect(VECTORS.rows).toHaveLength(3);
  expect(tree.root()).toBe(VECTORS.root);
});
