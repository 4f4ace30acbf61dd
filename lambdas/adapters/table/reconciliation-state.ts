import { DeleteCommand, GetCommand, PutCommand } from '@aws-sdk/lib-dynamodb';
import { keyPart } from '../../domain/keys.ts';
import type { Cursor, Lease, LedgerBook, OpenSlice, Progress } from '../../domain/reconcile-ports.ts';
import type { LedgerTable } from './ledger-table.ts';
import { conditionalWrite } from './ledger-table.ts';
import { readPartition } from './query.ts';
import { timeKey } from './slice-repository.ts';

/**
 * Cursor and progress as items `LEDGER#<domain>`, markers of open slices as `OPEN#<domain>` by their start.
 * Who is at work in slices of their own keep their progress under a name of their own.
 */
export function createLedgerBookTable(table: LedgerTable, progressName = 'PROGRESS'): LedgerBook {
  const { client, name } = table;
  const ledgerKey = (domain: string, sk: string) => ({ pk: `LEDGER#${keyPart(domain)}`, sk });
  const openKey = (domain: string, start: number) => ({ pk: `OPEN#${keyPart(domain)}`, sk: timeKey(start) });
  const read = async (key: { pk: string; sk: string }) => {
    const { Item } = await client.send(new GetCommand({ TableName: name, Key: key, ConsistentRead: true }));
    return Item;
  };
  return {
    async readCursor(domain) {
      const item = await read(ledgerKey(domain, 'CURSOR'));
      return item && { position: item.position as number, second: item.second as number };
    },

    async moveCursor(domain, cursor, previous) {
      return conditionalWrite(() =>
        client.send(
          new PutCommand({
            TableName: name,
            Item: { ...ledgerKey(domain, 'CURSOR'), ...cursor },
            ConditionExpression: previous ? '#position = :position AND #second = :second' : 'attribute_not_exists(pk)',
            ...(previous && {
              ExpressionAttributeNames: { '#position': 'position', '#second': 'second' },
              ExpressionAttributeValues: { ':position': previous.position, ':second': previous.second },
            }),
          }),
        ),
      ).then((done) => done || isAt(cursor));

      /** The SDK repeats a write whose reply was lost, and then finds its own. */
      async function isAt({ position, second }: Cursor): Promise<boolean> {
        const item = await read(ledgerKey(domain, 'CURSOR'));
        return item?.position === position && item.second === second;
      }
    },

    async openSlices(domain) {
      const found: OpenSlice[] = [];
      for await (const { pk: _pk, sk: _sk, ...open } of readPartition(table, openKey(domain, 0).pk)) {
        found.push(open as unknown as OpenSlice);
      }
      return found;
    },

    async putOpen(domain, open) {
      await client.send(new PutCommand({ TableName: name, Item: { ...openKey(domain, open.start), ...open } }));
    },

    async dropOpen(domain, start) {
      await client.send(new DeleteCommand({ TableName: name, Key: openKey(domain, start) }));
    },

    async readProgress(domain) {
      const item = await read(ledgerKey(domain, progressName));
      return item && (JSON.parse(item.progress as string) as Progress);
    },

    async putProgress(domain, progress) {
      const Item = { ...ledgerKey(domain, progressName), progress: JSON.stringify(progress) };
      await client.send(new PutCommand({ TableName: name, Item }));
    },

    async dropProgress(domain) {
      await client.send(new DeleteCommand({ TableName: name, Key: ledgerKey(domain, progressName) }));
    },
  };
}

/** The lease as one item; it runs out by itself where its holder dies. */
export function createLeaseTable({ client, name }: LedgerTable): Lease {
  const Key = { pk: 'LEDGER', sk: 'LEASE' };
  return {
    async hold(holder, nowMs, untilMs) {
      return conditionalWrite(() =>
        client.send(
          new PutCommand({
            TableName: name,
            Item: { ...Key, holder, until: untilMs },
            ConditionExpression: 'attribute_not_exists(pk) OR holder = :holder OR #until <= :now',
            ExpressionAttributeNames: { '#until': 'until' },
            ExpressionAttributeValues: { ':holder': holder, ':now': nowMs },
          }),
        ),
      );
    },

    async release(holder) {
      await conditionalWrite(() =>
        client.send(
          new DeleteCommand({
            TableName: name,
            Key,
            ConditionExpression: 'holder = :holder',
            ExpressionAttributeValues: { ':holder': holder },
          }),
        ),
      );
    },
  };
}
