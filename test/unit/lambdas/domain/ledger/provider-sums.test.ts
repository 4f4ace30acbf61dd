import { emptyDimensions } from '../../../../../lambdas/domain/ledger/dimensions.ts';
import { ProviderSums } from '../../../../../lambdas/domain/ledger/provider-sums.ts';

const slice = (provider: Record<string, Record<string, number>>) => ({
  dimensions: { ...emptyDimensions(), provider },
});
const providers = (count: number) =>
  Object.fromEntries(Array.from({ length: count }, (_, nth) => [`provider-${nth}`, { delivered: 1 }]));

test('provider sums add slices by provider', () => {
  const sums = new ProviderSums();
  sums.add(slice({ gmail: { delivered: 2 } }));
  sums.add(slice({ gmail: { delivered: 3, complained: 1 } }));

  expect(sums.of('gmail')).toEqual({ counts: { delivered: 5, complained: 1 }, policy: {} });
  expect(sums.of('yahoo')).toEqual({ counts: {}, policy: {} });
});

test('provider sums are uncertain if a slice has no free row for a provider', () => {
  const sums = new ProviderSums();
  sums.add(slice(providers(49)));
  expect(sums.isCut).toBe(false);

  sums.add(slice(providers(50)));
  sums.add(slice(providers(1)));
  expect(sums.isCut).toBe(true);
});
