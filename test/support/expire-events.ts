import { BatchWriteCommand, paginateScan } from '@aws-sdk/lib-dynamodb';
import type { Deployment } from '../../cli/target/types.ts';
import { isEventPartition, parseMessageSort } from '../../lambdas/domain/keys.ts';

/** Deletes stored events as TTL does, those whose index `isGone`; returns the number. */
export async function expireEvents(target: Deployment, isGone: (nth: number) => boolean): Promise<number> {
  const { client, name } = { client: target.clients.table, name: target.output('TableName') };
  const keys: { pk: string; sk: string }[] = [];
  for await (const { Items = [] } of paginateScan({ client }, { TableName: name })) {
    for (const { pk, sk } of Items as { pk: string; sk: string }[])
      if (isEventPartition(pk) && parseMessageSort(sk).eventKey !== undefined) keys.push({ pk, sk });
  }
  const gone = keys.filter((_, nth) => isGone(nth));
  for (let from = 0; from < gone.length; from += 25) {
    const requests = gone.slice(from, from + 25).map((Key) => ({ DeleteRequest: { Key } }));
    await client.send(new BatchWriteCommand({ RequestItems: { [name]: requests } }));
  }
  return gone.length;
}
