import { paginateQuery } from '@aws-sdk/lib-dynamodb';
import { INDEXES } from '../../../contract.ts';
import { recipientMail } from '../../../domain/campaign/recipient-mail.ts';
import { SENDING_TYPES, type Stretch } from '../../../domain/campaign/stretches.ts';
import { typePartition } from '../../../domain/events/day-index.ts';
import { eachShard } from '../../../domain/events/day-shards.ts';
import { tagsOf } from '../../../domain/events/mailgun-event.ts';
import { messageIdOfPartition, parseMessageSort, utcDay } from '../../../domain/keys.ts';
import type { CampaignReader, StoredEvent } from '../../../read-api/ports.ts';
import { BATCH_KEYS, batchGet, type Item, type LedgerTable } from '../ledger-table.ts';
import { storedEvent } from './event-codec.ts';

const DAY_MS = 86_400_000;
/** Reads at once, each of a hundred events. */
const AT_ONCE = 8;
/** Messages that are remembered, so that their further events are not read. */
const MAX_REMEMBERED = 200_000;

/** Reads the mail of a campaign: its messages by the day index, and then each message whole. */
export function createCampaignReader(table: LedgerTable): CampaignReader {
  return {
    async *messages(domain, tag, stretches) {
      const known = new Set<string>();
      for (const type of SENDING_TYPES) {
        for (const stretch of stretches) {
          for await (const keys of keysOf(table, domain, type, stretch)) {
            const wanted = keys.filter(({ pk }) => messageIdOfPartition(pk) !== null && !known.has(pk));
            const partitions = (await read(wanted)).flatMap((item) => partitionUnder(item, tag) ?? []);
            if (known.size > MAX_REMEMBERED) known.clear();
            const found = [...new Set(partitions)];
            for (const partition of found) known.add(partition);
            yield { partitions: found, read: wanted.length };
          }
        }
      }
    },

    recipients,

    async *mails(partition) {
      for await (const events of recipients(partition)) {
        const mail = recipientMail(partition, events);
        if (mail !== undefined) yield mail;
      }
    },
  };

  async function* recipients(partition: string): AsyncGenerator<StoredEvent[]> {
    const pages = paginateQuery(
      { client: table.client },
      {
        TableName: table.name,
        KeyConditionExpression: 'pk = :pk',
        ExpressionAttributeValues: { ':pk': partition },
      },
    );
    let own: StoredEvent[] = [];
    for await (const { Items = [] } of pages) {
      for (const event of Items.filter(isEvent).flatMap((item) => storedEvent(item) ?? [])) {
        if (own.length > 0 && own[0]?.recipientKey !== event.recipientKey) {
          yield own;
          own = [];
        }
        own.push(event);
      }
    }
    if (own.length > 0) yield own;
  }

  async function read(keys: readonly { pk: string; sk: string }[]): Promise<Item[]> {
    const chunks = Array.from({ length: Math.ceil(keys.length / BATCH_KEYS) }, (_, nth) =>
      keys.slice(nth * BATCH_KEYS, (nth + 1) * BATCH_KEYS),
    );
    return (await Promise.all(chunks.map((Keys) => batchGet(table, { Keys: [...Keys] })))).flat();
  }
}

/** Yields the keys of the events of a type in a stretch, as many as are then read at once. */
async function* keysOf(
  { client, name, shards = [] }: LedgerTable,
  domain: string,
  type: string,
  { fromMs, toMs }: Stretch,
) {
  const { byDay } = INDEXES;
  for (let dayMs = fromMs - (fromMs % DAY_MS); dayMs < toMs; dayMs += DAY_MS) {
    for (const shard of eachShard(shards, utcDay(dayMs))) {
      const pages = paginateQuery(
        { client, pageSize: AT_ONCE * BATCH_KEYS },
        {
          TableName: name,
          IndexName: byDay.name,
          KeyConditionExpression: '#day = :day AND #at BETWEEN :from AND :to',
          ExpressionAttributeNames: { '#day': byDay.partitionKey, '#at': byDay.sortKey },
          ExpressionAttributeValues: {
            ':day': typePartition(domain, dayMs, type, shard),
            ':from': Math.max(fromMs, dayMs),
            ':to': Math.min(toMs, dayMs + DAY_MS) - 1,
          },
        },
      );
      for await (const { Items = [] } of pages)
        yield Items.map(({ pk, sk }) => ({ pk, sk }) as { pk: string; sk: string });
    }
  }
}

const partitionUnder = (item: Item, tag: string): string | undefined =>
  tagsOf(storedEvent(item)?.event ?? {}).includes(tag) ? (item.pk as string) : undefined;

const isEvent = ({ sk }: Item) => parseMessageSort(sk as string).eventKey !== undefined;
