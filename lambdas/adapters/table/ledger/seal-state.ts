import { GetCommand, PutCommand, paginateQuery } from '@aws-sdk/lib-dynamodb';
import { chainHeadKey, type ItemKey, sealMarkKey, sealPositionKey, timeKey } from '../../../domain/keys.ts';
import type { ChainHead, SealMark, SealState } from '../../../seal/ports.ts';
import { conditionalWrite, type LedgerTable } from '../ledger-table.ts';

/** Reads and writes the items `SEAL#<domain>`: what the table knows of the archive. */
export function createSealState({ client, name }: LedgerTable): SealState {
  const read = async (Key: ItemKey) => {
    const { Item } = await client.send(new GetCommand({ TableName: name, Key, ConsistentRead: true }));
    if (Item === undefined) return undefined;
    const { pk: _pk, sk: _sk, ...rest } = Item;
    return rest;
  };
  /** Puts an item unless one of a later manifest is there. */
  const putUnlessLater = (Key: ItemKey, item: ChainHead | SealMark) =>
    conditionalWrite(() =>
      client.send(
        new PutCommand({
          TableName: name,
          Item: { ...Key, ...item },
          ConditionExpression: 'attribute_not_exists(pk) OR #sequence <= :sequence',
          ExpressionAttributeNames: { '#sequence': 'sequence' },
          ExpressionAttributeValues: { ':sequence': item.sequence },
        }),
      ),
    );
  return {
    readHead: async (domain) => (await read(chainHeadKey(domain))) as ChainHead | undefined,
    readMark: async (domain, start) => (await read(sealMarkKey(domain, start))) as SealMark | undefined,

    async moveHead(domain, head) {
      await putUnlessLater(chainHeadKey(domain), head);
    },

    async putMark(domain, mark) {
      await putUnlessLater(sealMarkKey(domain, mark.start), mark);
    },

    async *listMarks(domain, from, to) {
      if (from >= to) return;
      const range = { ':pk': sealMarkKey(domain, 0).pk, ':from': timeKey(from), ':to': timeKey(to - 1) };
      const pages = paginateQuery(
        { client },
        {
          TableName: name,
          KeyConditionExpression: 'pk = :pk AND sk BETWEEN :from AND :to',
          ExpressionAttributeValues: range,
        },
      );
      for await (const { Items = [] } of pages) yield* Items as unknown as SealMark[];
    },

    async readPosition(domain) {
      return (await read(sealPositionKey(domain)))?.position as number | undefined;
    },

    async putPosition(domain, position) {
      await client.send(new PutCommand({ TableName: name, Item: { ...sealPositionKey(domain), position } }));
    },
  };
}
