import { withAdaptiveConcurrency } from '../../../../../lambdas/reconcile/passes/listing-concurrency.ts';
import type { ListingRequest } from '../../../../../lambdas/reconcile/ports.ts';

const REQUEST = { domain: { name: 'mg.example.com', region: 'us' }, begin: 0, end: 1, deadlineMs: 1 } as const;

/** Returns a source whose calls end on command, and which counts concurrent calls. */
function source() {
  const under: { end: () => void; request: ListingRequest }[] = [];
  const page = (request: ListingRequest) =>
    new Promise<{ events: [] }>((resolve) => {
      under.push({ request, end: () => resolve({ events: [] }) });
    });
  const settle = async () => {
    for (let turn = 0; turn < 5; turn += 1) await Promise.resolve();
  };
  const end = async () => {
    under.shift()?.end();
    await settle();
  };
  return { under, page, end, settle };
}

test('listing calls run up to the limit, and the others wait in order', async () => {
  const { under, page, end, settle } = source();
  const limited = withAdaptiveConcurrency({ page }, 3);
  for (let n = 0; n < 5; n += 1) void limited.page({ ...REQUEST, begin: n });
  await settle();
  expect(under.map(({ request }) => request.begin)).toEqual([0, 1, 2]);
  await end();
  expect(under.map(({ request }) => request.begin)).toEqual([1, 2, 3]);
});

test('a 429 halves the limit once a call, and calls without one raise it one by one', async () => {
  const { under, page, end, settle } = source();
  const limited = withAdaptiveConcurrency({ page }, 8);
  for (let n = 0; n < 200; n += 1) void limited.page(REQUEST);
  await settle();
  expect(under).toHaveLength(8);
  under[0]?.request.onRateLimited?.();
  under[0]?.request.onRateLimited?.();
  for (let n = 0; n < 8; n += 1) await end();
  expect(under).toHaveLength(4);
  for (let n = 0; n < 20; n += 1) await end();
  expect(under).toHaveLength(5);
  for (let n = 0; n < 140; n += 1) await end();
  expect(under).toHaveLength(8);
});
