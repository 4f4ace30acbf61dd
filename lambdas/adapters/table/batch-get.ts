import { setTimeout as sleep } from 'node:timers/promises';
import { BatchGetCommand, type BatchGetCommandInput, type BatchGetCommandOutput } from '@aws-sdk/lib-dynamodb';
import type { LedgerTable } from './ledger-table.ts';
import type { Item } from './stored-items.ts';

/** Most keys of one call. */
export const BATCH_KEYS = 100;

const FIRST_WAIT_MS = 50;
const MOST_ROUNDS = 8;

/** Keys, and what to read of the items under them. */
export type BatchRequest = NonNullable<BatchGetCommandInput['RequestItems']>[string];

/** Returns the items under any number of different keys, a hundred at a time, in no order. */
export async function batchGetAll(table: LedgerTable, { Keys = [], ...how }: BatchRequest): Promise<Item[]> {
  const found: Item[] = [];
  for (let from = 0; from < Keys.length; from += BATCH_KEYS) {
    found.push(...(await batchGet(table, { ...how, Keys: Keys.slice(from, from + BATCH_KEYS) })));
  }
  return found;
}

/** The items under up to a hundred different keys, in no order; what the table leaves unread is asked for again. */
export async function batchGet(
  { client, name }: LedgerTable,
  request: BatchRequest,
  mostRounds = MOST_ROUNDS,
): Promise<Item[]> {
  const found: Item[] = [];
  let asked: BatchGetCommandInput['RequestItems'] = { [name]: request };
  if (request.Keys?.length === 0) return found;
  for (let round = 0; asked !== undefined; round += 1) {
    if (round === mostRounds) throw new Error('the table leaves keys unread');
    if (round > 0) await sleep(FIRST_WAIT_MS * 2 ** round);
    const answer: BatchGetCommandOutput = await client.send(new BatchGetCommand({ RequestItems: asked }));
    found.push(...(answer.Responses?.[name] ?? []));
    asked = answer.UnprocessedKeys?.[name] ? answer.UnprocessedKeys : undefined;
  }
  return found;
}
