import { setTimeout as sleep } from 'node:timers/promises';
import { BatchGetCommand, type BatchGetCommandInput, type BatchGetCommandOutput } from '@aws-sdk/lib-dynamodb';
import { type StoredEvents, type StoredFacts, storedName } from '../domain/reconcile-ports.ts';
import type { LedgerTable } from './table-client.ts';

const FIRST_WAIT_MS = 50;
const MOST_ROUNDS = 8;

/** Looks events up by strong reads, up to a hundred at once. */
export function createStoredEventsTable({ client, name }: LedgerTable): StoredEvents {
  return {
    async lookUp(identities) {
      const found = new Map<string, StoredFacts>();
      const distinct = new Map(
        identities.map((each) => [storedName(each), { pk: each.partition, sk: each.eventSort }]),
      );
      let asked: BatchGetCommandInput['RequestItems'] = {
        [name]: {
          Keys: [...distinct.values()],
          ConsistentRead: true,
          ProjectionExpression: 'pk, sk, #at, #source, webhookAt',
          ExpressionAttributeNames: { '#at': 'at', '#source': 'source' },
        },
      };
      if (distinct.size === 0) return found;
      for (let round = 0; asked !== undefined; round += 1) {
        if (round === MOST_ROUNDS) throw new Error('the table leaves keys unread');
        if (round > 0) await sleep(FIRST_WAIT_MS * 2 ** round);
        const answer: BatchGetCommandOutput = await client.send(new BatchGetCommand({ RequestItems: asked }));
        const { Responses, UnprocessedKeys } = answer;
        for (const item of Responses?.[name] ?? []) {
          found.set(storedName({ partition: item.pk, eventSort: item.sk }), {
            atMs: item.at,
            source: item.source,
            broughtByWebhook: item.webhookAt !== undefined,
          });
        }
        asked = UnprocessedKeys?.[name] ? UnprocessedKeys : undefined;
      }
      return found;
    },
  };
}
