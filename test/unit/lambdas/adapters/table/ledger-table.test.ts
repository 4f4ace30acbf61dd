import type { BatchGetCommandInput } from '@aws-sdk/lib-dynamodb';
import { createErasureRepository } from '../../../../../lambdas/adapters/table/event-repository.ts';
import { batchGet, type LedgerTable } from '../../../../../lambdas/adapters/table/ledger-table.ts';

type BatchRequest = NonNullable<BatchGetCommandInput['RequestItems']>;
type Key = Record<string, unknown>;

/** Returns a table that processes at most `perCall` keys of each call. */
function reluctantTable(perCall: number) {
  const requests: BatchRequest[] = [];
  const client = {
    async send({ input }: { input: { RequestItems: BatchRequest } }) {
      requests.push(input.RequestItems);
      const { Keys = [], ...how } = input.RequestItems.ledger as { Keys: Key[] };
      const rest = Keys.slice(perCall);
      return {
        Responses: { ledger: Keys.slice(0, perCall) },
        ...(rest.length > 0 && { UnprocessedKeys: { ledger: { ...how, Keys: rest } } }),
      };
    },
  };
  return { requests, table: { client, name: 'ledger' } as unknown as LedgerTable };
}

test('keys that the table leaves unprocessed are requested again, until all are read', async () => {
  const { table, requests } = reluctantTable(2);
  const Keys = [1, 2, 3, 4, 5].map((n) => ({ pk: String(n), sk: '-' }));
  expect(await batchGet(table, { Keys })).toEqual(Keys);
  expect(requests.map(({ ledger }) => ledger?.Keys?.length)).toEqual([5, 3, 1]);
});

test('a table that leaves keys unread for too long is an error, not an empty result', async () => {
  const { table } = reluctantTable(0);
  await expect(batchGet(table, { Keys: [{ pk: '1', sk: '-' }] }, 2)).rejects.toThrow('leaves keys unread');
});

test('an erased recipient is found strongly, also where the first call leaves the marker unprocessed', async () => {
  const { table, requests } = reluctantTable(1);
  const erasures = createErasureRepository(table, { read: async () => 'key' });
  const addresses = ['ada@example.org', 'eve@example.org'];
  expect(await erasures.among(addresses)).toEqual(addresses);
  expect(requests.length).toBeGreaterThan(1);
  expect(requests.every(({ ledger }) => ledger?.ConsistentRead === true)).toBe(true);
});
