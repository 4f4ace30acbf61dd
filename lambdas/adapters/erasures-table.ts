import { GetCommand } from '@aws-sdk/lib-dynamodb';
import { erasureHash, markerKey } from '../domain/erasure.ts';
import type { ErasureKey, Erasures } from '../domain/ports.ts';
import type { LedgerTable } from './table-client.ts';

/** Looks for the markers of recipients; nearly every event names one recipient, so one read is the rule. */
export function createErasuresTable({ client, name }: LedgerTable, key: ErasureKey): Erasures {
  return {
    async among(addresses) {
      const erased: string[] = [];
      if (addresses.length === 0) return erased;
      const secret = await key.read();
      await Promise.all(
        addresses.map(async (address) => {
          const Key = markerKey(erasureHash(secret, address));
          const { Item } = await client.send(
            new GetCommand({ TableName: name, Key, ConsistentRead: true, ProjectionExpression: 'pk' }),
          );
          if (Item !== undefined) erased.push(address);
        }),
      );
      return erased;
    },
  };
}
