import { decode, encode } from '@jridgewell/sourcemap-codec';
import { ownSourceMap } from '../../../lib/own-source-map.ts';

const map = {
  version: 3,
  sources: ['../node_modules/a/index.js', '../lambdas/own.ts', '../node_modules/b/index.js'],
  names: ['ofPackage', 'ours'],
  mappings: encode([
    [
      [0, 0, 0, 0, 0],
      [5, 0, 1, 0],
      [10, 1, 7, 2, 1],
      [20, 1, 8, 0],
      [30, 2, 0, 0],
      [40, 2, 1, 0],
    ],
    [[0, 1, 9, 4]],
  ]),
};

test('a source map keeps only mappings of our files, which end where a package begins', () => {
  const { sources, names, mappings, version } = ownSourceMap(map);
  expect([version, sources, names]).toEqual([3, ['../lambdas/own.ts'], ['ours']]);
  expect(decode(mappings)).toEqual([[[10, 0, 7, 2, 0], [20, 0, 8, 0], [30]], [[0, 0, 9, 4]]]);
});
