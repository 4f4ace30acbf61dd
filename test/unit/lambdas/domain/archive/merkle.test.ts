import { createHash } from 'node:crypto';
import { createMerkleTree } from '../../../../../lambdas/domain/archive/merkle.ts';
import fc from '../../../../support/property.ts';

const rootOf = (leaves: readonly string[]) => {
  const tree = createMerkleTree();
  for (const leaf of leaves) tree.add(leaf);
  return tree.root();
};

/** RFC 6962, section 2.1, word by word. */
function definition(leaves: readonly string[]): Buffer {
  const hash = (...parts: (string | Buffer)[]) =>
    createHash('sha256')
      .update(Buffer.concat(parts.map((part) => Buffer.from(part))))
      .digest();
  if (leaves.length === 0) return hash('');
  if (leaves.length === 1) return hash(Buffer.of(0), leaves[0] as string);
  let split = 1;
  while (split * 2 < leaves.length) split *= 2;
  return hash(Buffer.of(1), definition(leaves.slice(0, split)), definition(leaves.slice(split)));
}

test.each([
  [[], 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'],
  [[''], '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d'],
  [['a', 'b', 'c'], '36642e73c2540ab121e3a6bf9545b0a24982cd830eb13d3cd19de3ce6c021ec1'],
])('the Merkle root of %j is the published one', (leaves, root) => {
  expect(rootOf(leaves)).toBe(root);
});

test('the Merkle root of any number of leaves is that of RFC 6962', () => {
  fc.assert(
    fc.property(fc.array(fc.string(), { maxLength: 70 }), (leaves) => {
      expect(rootOf(leaves)).toBe(definition(leaves).toString('hex'));
    }),
  );
});

test('a list and the same list with its odd leaf doubled have different roots', () => {
  expect(rootOf(['a', 'b', 'c'])).not.toBe(rootOf(['a', 'b', 'c', 'c']));
});

test('a Merkle node cannot pass for a leaf', () => {
  const node = Buffer.concat([definition(['a']), definition(['b'])]).toString('latin1');
  expect(rootOf(['a', 'b'])).not.toBe(rootOf([node]));
});
