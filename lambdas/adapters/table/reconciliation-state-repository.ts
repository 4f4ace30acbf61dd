import { ConditionalCheckFailedException } from '@aws-sdk/client-dynamodb';
import { DeleteCommand, GetCommand, PutCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { DAY_SECONDS } from '../../contract.ts';
import {
  begunPartSort,
  doubtKey,
  FIRST_WEBHOOK_KEY,
  isStragglerSort,
  LISTING_KEY,
  nameInRequeueSort,
  openSliceKey,
  partPartition,
  partSort,
  postedKindsKey,
  requeuePartition,
  requeueSort,
  requeueSortRange,
  stragglerKey,
  watermarksKey,
} from '../../domain/keys.ts';
import { boundedPart } from '../../domain/ledger/dimensions.ts';
import type { ListingNote } from '../../domain/ledger/listing-note.ts';
import type { Watermarks } from '../../domain/ledger/slice.ts';
import type { FirstWebhook } from '../../ingest/ports.ts';
import type { Stragglers } from '../../process/ports.ts';
import type {
  BegunPart,
  DonePart,
  ListingNotes,
  OpenSlice,
  PartRepository,
  ReconciliationState,
  Requeue,
  Requeues,
  SliceKey,
  Straggler,
} from '../../reconcile/ports.ts';
import { conditionalWrite, type LedgerTable, readPartition } from './ledger-table.ts';

/** Watermarks as items `LEDGER#<domain>`; slices to be passed again, and stragglers, as items of `OPEN#<domain>`; doubts as `DOUBT#<domain>`. */
export function createReconciliationStateRepository(table: LedgerTable): ReconciliationState {
  const { client, name } = table;
  const read = async (domain: string): Promise<Watermarks | undefined> => {
    const { Item } = await client.send(
      new GetCommand({ TableName: name, Key: watermarksKey(domain), ConsistentRead: true }),
    );
    if (Item === undefined) return undefined;
    const { position, second, start } = Item as unknown as Watermarks;
    return { position, second, ...(start !== undefined && { start }) };
  };
  return {
    readWatermarks: read,

    async moveWatermarks(domain, moved, previous) {
      const isMoved = await conditionalWrite(() =>
        client.send(
          new PutCommand({
            TableName: name,
            Item: { ...watermarksKey(domain), ...moved },
            ConditionExpression: previous ? '#position = :position AND #second = :second' : 'attribute_not_exists(pk)',
            ...(previous && {
              ExpressionAttributeNames: { '#position': 'position', '#second': 'second' },
              ExpressionAttributeValues: { ':position': previous.position, ':second': previous.second },
            }),
          }),
        ),
      );
      if (isMoved) return true;
      // The SDK repeats a write whose reply was lost, and then finds its own.
      const held = await read(domain);
      return held?.position === moved.position && held.second === moved.second;
    },

    async readMarkers(domain) {
      const found: { open: OpenSlice[]; stragglers: Straggler[] } = { open: [], stragglers: [] };
      for await (const { pk: _pk, sk, ...item } of readPartition(table, openSliceKey(domain, 0).pk)) {
        if (isStragglerSort(sk as string))
          found.stragglers.push({ at: item.at as number, notedAt: item.notedAt as number });
        else found.open.push(item as unknown as OpenSlice);
      }
      return found;
    },

    async putOpen(domain, open) {
      await client.send(new PutCommand({ TableName: name, Item: { ...openSliceKey(domain, open.start), ...open } }));
    },

    async dropOpen(domain, start) {
      await client.send(new DeleteCommand({ TableName: name, Key: openSliceKey(domain, start) }));
    },

    async readDoubts(domain) {
      const starts: number[] = [];
      for await (const { start } of readPartition(table, doubtKey(domain, 0).pk)) starts.push(start as number);
      return starts;
    },

    async putDoubt(domain, start) {
      await client.send(new PutCommand({ TableName: name, Item: { ...doubtKey(domain, start), start } }));
    },

    async dropDoubt(domain, start) {
      await client.send(new DeleteCommand({ TableName: name, Key: doubtKey(domain, start) }));
    },

    async readPostedKinds(domain) {
      const { Item } = await client.send(
        new GetCommand({ TableName: name, Key: postedKindsKey(domain), ConsistentRead: true }),
      );
      const { pk: _pk, sk: _sk, ...times } = (Item ?? {}) as Record<string, number>;
      const firsts = Object.entries(times).filter(([attribute]) => !attribute.startsWith(LAST));
      return new Map(firsts.map(([kind, first]) => [kind, { first, last: times[LAST + kind] ?? first }]));
    },

    async notePostedKind(domain, kind, atMs) {
      const sides = [
        [kind, '>'],
        [LAST + kind, '<'],
      ] as const;
      for (const [attribute, than] of sides) {
        await conditionalWrite(() =>
          client.send(
            new UpdateCommand({
              TableName: name,
              Key: postedKindsKey(domain),
              UpdateExpression: 'SET #time = :at',
              ConditionExpression: `attribute_not_exists(#time) OR #time ${than} :at`,
              ExpressionAttributeNames: { '#time': attribute },
              ExpressionAttributeValues: { ':at': atMs },
            }),
          ),
        );
      }
    },

    async dropStraggler(domain, { at, notedAt }) {
      await conditionalWrite(() =>
        client.send(
          new DeleteCommand({
            TableName: name,
            Key: stragglerKey(domain, at),
            ConditionExpression: 'notedAt = :notedAt',
            ExpressionAttributeValues: { ':notedAt': notedAt },
          }),
        ),
      );
    },
  };
}

/** The attribute of a kind holds its first time, and with this before it the last. */
const LAST = 'last/';
const START_REREAD_MS = 60_000;
const MAX_STARTS = 2000;
/** Longer than Mailgun keeps events: what was sent is known as long as it can be listed, and notes that nothing takes up end. */
const KEPT_SECONDS = 60 * DAY_SECONDS;

/**
 * Stores parts of slices that take more than one run, as items `PART#<domain>#<slice>` by pass and start, those begun
 * apart; TTL removes them.
 */
export function createPartRepository(table: LedgerTable, now: () => number): PartRepository {
  const { client, name } = table;
  const read = async <Part>(slice: SliceKey, prefix: string): Promise<Part[]> => {
    const found: Part[] = [];
    for await (const { part } of readPartition(table, partPartition(slice.domain, slice.start), { prefix })) {
      found.push(JSON.parse(part as string) as Part);
    }
    return found;
  };
  const put = async (slice: SliceKey, sk: string, part: DonePart | BegunPart): Promise<void> => {
    const tally = { ...part.tally, dimensions: boundedPart(part.tally.dimensions) };
    await client.send(
      new PutCommand({
        TableName: name,
        Item: {
          pk: partPartition(slice.domain, slice.start),
          sk,
          part: JSON.stringify({ ...part, tally }),
          expiresAt: Math.floor(now() / 1000) + KEPT_SECONDS,
        },
      }),
    );
  };
  return {
    done: (slice, pass) => read<DonePart>(slice, partSort(pass)),
    put: (slice, pass, part) => put(slice, partSort(pass, part.from), part),
    begun: (slice, pass) => read<BegunPart>(slice, begunPartSort(pass)),
    putBegun: (slice, pass, part) => put(slice, begunPartSort(pass, part.from), part),
  };
}

/** The sends of a missing event as stored; times in epoch milliseconds. */
interface RequeueItem {
  sk: string;
  at: number;
  type: string;
  sends: number;
  sentAt: number;
}

/** Stores requeues of missing events as items `SENT#<domain>#<slice>` by minute and name; TTL removes them. */
export function createRequeueRepository(table: LedgerTable): Requeues {
  const { client, name } = table;
  const keyOf = (slice: SliceKey, requeue: Pick<Requeue, 'atMs' | 'name'>) => ({
    pk: requeuePartition(slice.domain, slice.start),
    sk: requeueSort(requeue.atMs, requeue.name),
  });
  return {
    async listUpTo(max, slice, fromMs, toMs) {
      const [from, to] = requeueSortRange(fromMs, toMs);
      const found: Requeue[] = [];
      for await (const item of readPartition(table, requeuePartition(slice.domain, slice.start), { from, to })) {
        const { sk, at, type, sends, sentAt } = item as unknown as RequeueItem;
        if (at < fromMs || at >= toMs) continue;
        if (found.length === max) return undefined;
        found.push({ name: nameInRequeueSort(sk), atMs: at, type, sends, sentAtMs: sentAt });
      }
      return found;
    },

    async count(slice, requeue, { max, runId }) {
      try {
        await client.send(
          new UpdateCommand({
            TableName: name,
            Key: keyOf(slice, requeue),
            ConditionExpression: 'attribute_not_exists(sends) OR (sends < :max AND #run <> :run)',
            UpdateExpression:
              'SET sends = if_not_exists(sends, :zero) + :one, #run = :run, #at = :at, #type = :type, ' +
              'sentAt = :sentAt, expiresAt = :expiresAt',
            ExpressionAttributeNames: { '#run': 'run', '#at': 'at', '#type': 'type' },
            ExpressionAttributeValues: {
              ':max': max,
              ':zero': 0,
              ':one': 1,
              ':run': runId,
              ':at': requeue.atMs,
              ':type': requeue.type,
              ':sentAt': requeue.sentAtMs,
              ':expiresAt': Math.floor(requeue.sentAtMs / 1000) + KEPT_SECONDS,
            },
            ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
          }),
        );
        return true;
      } catch (error) {
        if (!(error instanceof ConditionalCheckFailedException)) throw error;
        // The SDK repeats a write whose reply was lost, and then finds its own.
        return error.Item?.run?.S === runId;
      }
    },

    async put(slice, { name: event, atMs, type, sends, sentAtMs }) {
      const about = { at: atMs, type, sends, sentAt: sentAtMs };
      const expiresAt = Math.floor(sentAtMs / 1000) + KEPT_SECONDS;
      const Item = { ...keyOf(slice, { atMs, name: event }), ...about, expiresAt };
      await client.send(new PutCommand({ TableName: name, Item }));
    },
  };
}

/** Creates the repository with which process notes events that no future pass would compare. */
export function createStragglerRepository({ client, name }: LedgerTable, now: () => number): Stragglers {
  const starts = new Map<string, { start: number | undefined; readAtMs: number }>();
  return {
    async ledgerStart(domain) {
      const known = starts.get(domain);
      // It never changes, but a ledger that has not begun may begin.
      if (known !== undefined && (known.start !== undefined || now() - known.readAtMs < START_REREAD_MS)) {
        return known.start;
      }
      const { Item } = await client.send(new GetCommand({ TableName: name, Key: watermarksKey(domain) }));
      const start = Item?.start as number | undefined;
      // Signatures do not cover the names of domains.
      if (starts.size >= MAX_STARTS) starts.clear();
      starts.set(domain, { start, readAtMs: now() });
      return start;
    },

    async note(domain, { at, notedAt }) {
      await client.send(
        new PutCommand({
          TableName: name,
          Item: { ...stragglerKey(domain, at), at, notedAt, expiresAt: Math.floor(notedAt / 1000) + KEPT_SECONDS },
        }),
      );
    },
  };
}

/** Records that a webhook was verified, in one item that is written once. */
export function createFirstWebhookRepository({ client, name }: LedgerTable): FirstWebhook {
  const Key = FIRST_WEBHOOK_KEY;
  return {
    async note(atMs) {
      await conditionalWrite(() =>
        client.send(
          new PutCommand({
            TableName: name,
            Item: { ...Key, at: atMs },
            ConditionExpression: 'attribute_not_exists(pk)',
          }),
        ),
      );
    },

    async isNoted() {
      const { Item } = await client.send(new GetCommand({ TableName: name, Key }));
      return Item !== undefined;
    },
  };
}

/** Reads and writes the item `LISTING`: the announced or completed end of the listing API. */
export function createListingNoteRepository({ client, name }: LedgerTable): ListingNotes {
  const update = (expression: string, values?: Record<string, unknown>, condition?: string) =>
    client.send(
      new UpdateCommand({
        TableName: name,
        Key: LISTING_KEY,
        UpdateExpression: expression,
        ConditionExpression: condition,
        ExpressionAttributeValues: values,
      }),
    );
  const read = async (): Promise<ListingNote> => {
    const { Item } = await client.send(new GetCommand({ TableName: name, Key: LISTING_KEY, ConsistentRead: true }));
    const { fellBackAt, announced } = (Item ?? {}) as ListingNote;
    return { ...(fellBackAt !== undefined && { fellBackAt }), ...(announced !== undefined && { announced }) };
  };
  return {
    read,

    async fall(atMs) {
      const isNoted = await conditionalWrite(() =>
        update('SET fellBackAt = :at', { ':at': atMs }, 'attribute_not_exists(fellBackAt)'),
      );
      // The SDK repeats a write whose reply was lost, and then finds its own.
      return isNoted || (await read()).fellBackAt === atMs;
    },

    async announce(announced) {
      if (announced === undefined) await update('REMOVE announced');
      else await update('SET announced = :announced', { ':announced': announced });
    },

    async goBack() {
      return conditionalWrite(() => update('REMOVE fellBackAt', undefined, 'attribute_exists(fellBackAt)'));
    },
  };
}
