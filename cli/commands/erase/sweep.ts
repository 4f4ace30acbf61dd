import { DeleteCommand, PutCommand, paginateScan, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import type { LedgerTable } from '../../../lambdas/adapters/table/ledger-table.ts';
import { conditionalWrite } from '../../../lambdas/adapters/table/ledger-table.ts';
import type { Finding, Findings, Item } from './findings.ts';

/** What one reading of the whole table came upon. */
export interface Swept {
  items: number;
  /** Capacity that the reading used. */
  readUnits: number;
  messages: Set<string>;
  events: number;
  statuses: number;
  suppressions: number;
  mentions: number;
  kept: number;
}

const SEGMENTS = 4;
const AT_ONCE = 10;
const COUNTERS = { event: 'events', status: 'statuses', suppression: 'suppressions', mention: 'mentions' } as const;

/**
 * Reads every item, strongly, and does away with what belongs to the recipient; with `isPlan` it only counts. The index
 * by recipient would be quicker, but it lags, and it forgets a message whose status has expired before its events.
 */
export async function sweep(
  table: LedgerTable,
  findings: Findings,
  { isPlan, signal, onPage }: { isPlan: boolean; signal: AbortSignal; onPage: (swept: Swept) => void },
): Promise<Swept> {
  const counts = { events: 0, statuses: 0, suppressions: 0, mentions: 0, kept: 0 };
  const swept: Swept = { items: 0, readUnits: 0, messages: new Set(), ...counts };
  const sweepSegment = async (Segment: number) => {
    const pages = paginateScan(
      { client: table.client },
      {
        TableName: table.name,
        ConsistentRead: true,
        Segment,
        TotalSegments: SEGMENTS,
        ReturnConsumedCapacity: 'TOTAL',
      },
    );
    for await (const { Items = [], ConsumedCapacity } of pages) {
      const found = (Items as Item[]).flatMap((item) => {
        const finding = findings.find(item);
        if (finding.kind !== 'none') return [{ item, finding }];
        if (findings.isKept(item)) swept.kept += 1;
        return [];
      });
      for (let from = 0; from < found.length; from += AT_ONCE) {
        if (signal.aborted) return;
        const some = found.slice(from, from + AT_ONCE);
        if (!isPlan) await Promise.all(some.map(({ item, finding }) => eraseItem(table, item, finding)));
        for (const { item, finding } of some) {
          swept[COUNTERS[finding.kind]] += 1;
          if (finding.kind === 'status' || finding.kind === 'event') swept.messages.add(item.pk);
        }
      }
      swept.items += Items.length;
      swept.readUnits += ConsumedCapacity?.CapacityUnits ?? 0;
      onPage(swept);
      if (signal.aborted) return;
    }
  };
  await Promise.all(Array.from({ length: SEGMENTS }, (_, segment) => sweepSegment(segment)));
  return swept;
}

/** Each step may be the last before a crash, and may be repeated. */
async function eraseItem(table: LedgerTable, item: Item, finding: Exclude<Finding, { kind: 'none' }>): Promise<void> {
  const { client, name } = table;
  const key = { pk: item.pk, sk: item.sk };
  if (finding.kind === 'event') {
    await putTombstone(table, finding.tombstone);
    // A webhook may have been noted since it was read; the next sweep carries that over.
    await conditionalWrite(() =>
      client.send(
        new DeleteCommand({
          TableName: name,
          Key: key,
          ...(item.webhookAt === undefined && { ConditionExpression: 'attribute_not_exists(webhookAt)' }),
        }),
      ),
    );
  } else if (finding.kind === 'mention') {
    await conditionalWrite(() =>
      client.send(
        new UpdateCommand({
          TableName: name,
          Key: key,
          ConditionExpression: '#raw = :old',
          UpdateExpression: 'SET #raw = :raw',
          ExpressionAttributeNames: { '#raw': 'raw' },
          ExpressionAttributeValues: { ':old': item.raw, ':raw': finding.raw },
        }),
      ),
    );
  } else await client.send(new DeleteCommand({ TableName: name, Key: key }));
}

/** Before its event is deleted, so that a reconciliation finds one of the two at any moment. */
async function putTombstone({ client, name }: LedgerTable, tombstone: Item): Promise<void> {
  const isPut = await conditionalWrite(() =>
    client.send(new PutCommand({ TableName: name, Item: tombstone, ConditionExpression: 'attribute_not_exists(pk)' })),
  );
  if (isPut || tombstone.webhookAt === undefined) return;
  await client.send(
    new UpdateCommand({
      TableName: name,
      Key: { pk: tombstone.pk, sk: tombstone.sk },
      UpdateExpression: 'SET webhookAt = if_not_exists(webhookAt, :at)',
      ExpressionAttributeValues: { ':at': tombstone.webhookAt },
    }),
  );
}
