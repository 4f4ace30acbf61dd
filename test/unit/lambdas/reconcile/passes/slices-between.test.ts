import type { Slice } from '../../../../../lambdas/domain/ledger/slice.ts';
import { slicesBetween } from '../../../../../lambdas/reconcile/passes/slices-between.ts';

test.each([
  { name: 'aligned ones where none is', written: [], from: 100, to: 2000, found: ['0-900', '900-1800', '1800-2700'] },
  { name: 'not one that starts at the end', written: [], from: 900, to: 1800, found: ['900-1800'] },
  { name: 'the written one that began before', written: ['0-3600'], from: 1000, to: 1100, found: ['0-3600'] },
  { name: 'only beside written ones', written: ['300-600'], from: 0, to: 900, found: ['0-300', '300-600', '600-900'] },
  { name: 'none that ended before', written: ['0-1000'], from: 1000, to: 1800, found: ['1000-1800'] },
  { name: 'up to a written one behind', written: ['1200-1500'], from: 900, to: 1000, found: ['900-1200'] },
])('slices of a time: $name', async ({ written, from, to, found }) => {
  const slices = {
    async *list(_domain: string, first: number, before: number) {
      for (const text of written) {
        const [start = 0, end = 0] = text.split('-').map(Number);
        if (start >= first && start < before) yield { start, end } as Slice;
      }
    },
  };
  const names: string[] = [];
  for await (const { start, end } of slicesBetween(slices, 'd', { from, to }, 900)) names.push(`${start}-${end}`);
  expect(names).toEqual(found);
});
