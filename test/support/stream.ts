import { readChange, type StreamRecord } from '../../lambdas/adapters/table/publishing.ts';
import type { Row } from '../../lambdas/domain/publishing/published.ts';
import { request } from '../../tools/local-stack/engines/engine.ts';
import type { TestEngines } from './engines.ts';

interface Reply {
  readonly Records: StreamRecord[];
  readonly NextShardIterator?: string;
}

/** Returns everything in the table's stream, in order. */
export async function readStream({ raw, table }: TestEngines): Promise<StreamRecord[]> {
  const { dynamodb } = raw;
  const { Table } = await request<{ Table: { LatestStreamArn: string } }>(dynamodb, 'DescribeTable', {
    TableName: table.name,
  });
  const StreamArn = Table.LatestStreamArn;
  const { StreamDescription } = await request<{ StreamDescription: { Shards: { ShardId: string }[] } }>(
    dynamodb.streams,
    'DescribeStream',
    { StreamArn },
  );
  const records: StreamRecord[] = [];
  for (const { ShardId } of StreamDescription.Shards) {
    const first = { StreamArn, ShardId, ShardIteratorType: 'TRIM_HORIZON' };
    let { ShardIterator } = await request<{ ShardIterator?: string }>(dynamodb.streams, 'GetShardIterator', first);
    while (ShardIterator !== undefined) {
      const reply: Reply = await request(dynamodb.streams, 'GetRecords', { ShardIterator, Limit: 1000 });
      records.push(...reply.Records);
      if (reply.Records.length === 0) break;
      ShardIterator = reply.NextShardIterator;
    }
  }
  return records;
}

/** Returns the states of rows according to the stream, in order; shares only the parsing of images with publish. */
export async function statesInStream(engines: TestEngines): Promise<Row[]> {
  const changes = (await readStream(engines)).flatMap((record) => readChange(record) ?? []);
  const facts = (row: Row | undefined) => row && JSON.stringify(wordsOf(row));
  return changes.filter(({ before, after }) => facts(before) !== facts(after)).map(({ after }) => after);
}

/** Returns the key and the content of a row, in the terms of published events. */
export function wordsOf(row: Row): { key: string; says: string } {
  if (row.type === 'status') {
    const messageId = row.partition.startsWith('MSG#') ? row.partition.slice(4) : null;
    const says = [row.status, row.reason, row.statusAtMs / 1000, row.decidedBy, row.order];
    return { key: JSON.stringify([messageId, row.recipient]), says: JSON.stringify(says) };
  }
  const { liftedAtMs, lastAtMs } = row;
  const liftedAt = liftedAtMs === null || lastAtMs > liftedAtMs ? null : new Date(liftedAtMs).toISOString();
  const says = [row.reason, new Date(row.sinceMs).toISOString(), row.eventKey, liftedAt];
  return { key: JSON.stringify([row.domain, row.kind, row.scope, row.recipient]), says: JSON.stringify(says) };
}

/** Returns the same for a published event that names its recipient. */
export function wordsOfPublished(published: { detailType: string; detail: unknown }): { key: string; says: string } {
  const detail = published.detail as Record<string, string | number | null>;
  const pick = (...names: string[]) => JSON.stringify(names.map((name) => detail[name] ?? null));
  return published.detailType === 'MessageStatusChanged'
    ? { key: pick('messageId', 'recipient'), says: pick('status', 'reason', 'statusAt', 'eventKey', 'order') }
    : { key: pick('domain', 'kind', 'scope', 'recipient'), says: pick('reason', 'since', 'eventKey', 'liftedAt') };
}
