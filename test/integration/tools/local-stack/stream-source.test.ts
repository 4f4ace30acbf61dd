import { setTimeout as sleep } from 'node:timers/promises';
import { type Engine, jsonReply } from '../../../../tools/local-stack/engines/engine.ts';
import type { StreamSource } from '../../../../tools/local-stack/event-source/stream-definition.ts';
import { StreamPoller } from '../../../../tools/local-stack/event-source/stream-poller.ts';
import type { InvocationResult } from '../../../../tools/local-stack/functions/function-sandbox.ts';

interface StreamRecord {
  readonly eventName: string;
  readonly eventSource?: string;
  readonly eventSourceARN?: string;
  readonly dynamodb: { readonly SequenceNumber: string; readonly ApproximateCreationDateTime: number };
}

const SOURCE: StreamSource = {
  tableName: 'Table',
  streamArn: 'arn:stream',
  functionId: 'Function',
  batchSize: 10,
  windowSeconds: 0,
  filters: [],
  bisects: true,
  reportsFailures: true,
  maxRetries: Number.POSITIVE_INFINITY,
  longestAgeSeconds: Number.POSITIVE_INFINITY,
  onFailureUrl: 'http://queue',
};

let poller: StreamPoller | undefined;
afterEach(() => poller?.stop());

const nowSeconds = () => Date.now() / 1000;
const record = (position: number, over: { eventName?: string; ageSeconds?: number } = {}): StreamRecord => ({
  eventName: over.eventName ?? 'INSERT',
  dynamodb: { SequenceNumber: String(position), ApproximateCreationDateTime: nowSeconds() - (over.ageSeconds ?? 0) },
});
const records = (count: number) => Array.from({ length: count }, (_, n) => record(n + 1));

/** Returns a stream of these shards; an iterator is `<shard>:<index>`, and a shard with a child is closed. */
function streamOf(
  shards: Readonly<Record<string, { parent?: string; records: StreamRecord[] }>>,
  expires = () => false,
): Engine {
  const isParent = (id: string) => Object.values(shards).some(({ parent }) => parent === id);
  const operations: Record<string, (input: Record<string, string>) => object> = {
    DescribeStream: () => ({
      StreamDescription: {
        Shards: Object.entries(shards).map(([ShardId, { parent }]) => ({
          ShardId,
          ...(parent && { ParentShardId: parent }),
        })),
      },
    }),
    GetShardIterator({ ShardId = '', SequenceNumber }) {
      const found = shards[ShardId]?.records.findIndex(({ dynamodb }) => dynamodb.SequenceNumber === SequenceNumber);
      return { ShardIterator: `${ShardId}:${(found ?? -1) + 1}` };
    },
    GetRecords({ ShardIterator = '' }) {
      if (expires()) throw new Error('ExpiredIteratorException');
      const [id = '', from] = ShardIterator.split(':');
      const Records = shards[id]?.records.slice(Number(from)) ?? [];
      const next = `${id}:${Number(from) + Records.length}`;
      return { Records, ...(isParent(id) ? {} : { NextShardIterator: next }) };
    },
  };
  return {
    call: async (operation, body) => jsonReply(200, operations[operation]?.(JSON.parse(body.toString('utf8'))) ?? {}),
  };
}

type Handle = (positions: string[], call: number) => InvocationResult;
const DONE: InvocationResult = { ok: true, payload: '{"batchItemFailures":[]}' };
const CRASH: InvocationResult = { ok: false, error: 'boom', timedOut: false };
const back = (position: string): InvocationResult => ({
  ok: true,
  payload: JSON.stringify({ batchItemFailures: [{ itemIdentifier: position }] }),
});

function follow(streams: Engine, source: Partial<StreamSource> = {}, handle: Handle = () => DONE) {
  const batches: string[][] = [];
  const events: { Records: StreamRecord[] }[] = [];
  const given: { DDBStreamBatchInfo: Record<string, unknown>; requestContext: Record<string, unknown> }[] = [];
  poller = new StreamPoller({
    source: { ...SOURCE, ...source },
    region: 'us-east-1',
    streams,
    dynamodb: { call: async () => jsonReply(200, { Table: { LatestStreamArn: 'arn:real' } }) },
    sqs: {
      async call(_operation, body) {
        given.push(JSON.parse(JSON.parse(body.toString('utf8')).MessageBody));
        return jsonReply(200, {});
      },
    },
    target: {
      async invoke(text) {
        const event = JSON.parse(text) as { Records: StreamRecord[] };
        events.push(event);
        const positions = event.Records.map(({ dynamodb }) => dynamodb.SequenceNumber);
        batches.push(positions);
        return handle(positions, batches.length);
      },
    },
    log: () => {},
  });
  return { batches, events, given };
}

async function until(holds: () => boolean): Promise<void> {
  for (const endMs = Date.now() + 20_000; !holds(); ) {
    if (Date.now() > endMs) throw new Error('it never came to hold');
    await sleep(10);
  }
}

const one = (list: StreamRecord[]) => streamOf({ a: { records: list } });

test("stream records come in order, in full batches, in Lambda's format", async () => {
  const { batches, events } = follow(one(records(25)));
  await until(() => batches.flat().length === 25);

  expect(batches.map(({ length }) => length)).toEqual([10, 10, 5]);
  expect(batches.flat()).toEqual(records(25).map(({ dynamodb }) => dynamodb.SequenceNumber));
  expect(events[0]?.Records[0]).toMatchObject({ eventSource: 'aws:dynamodb', eventSourceARN: 'arn:stream' });
});

test('only stream records that match a filter are handed over', async () => {
  const list = [record(1), record(2, { eventName: 'REMOVE' }), record(3, { eventName: 'MODIFY' })];
  const { batches } = follow(one(list), { filters: [{ eventName: ['INSERT'] }, { eventName: ['MODIFY'] }] });
  await until(() => batches.length > 0);

  expect(batches).toEqual([['1', '3']]);
});

test('a child shard waits for the end of its parent', async () => {
  const shards = { child: { parent: 'old', records: [record(9)] }, old: { parent: 'gone', records: [record(1)] } };
  const { batches } = follow(streamOf(shards));
  await until(() => batches.length === 2);

  expect(batches).toEqual([['1'], ['9']]);
}, 20_000);

test('an expired shard iterator is replaced, and no record comes twice', async () => {
  let reads = 0;
  const { batches } = follow(streamOf({ a: { records: records(3) } }, () => reads++ % 3 === 1));
  await until(() => reads > 6);

  expect(batches).toEqual([['1', '2', '3']]);
});

test('all stream records from the reported one on are retried, and later ones wait', async () => {
  const { batches } = follow(one(records(12)), {}, (_positions, call) => (call < 3 ? back('4') : DONE));
  await until(() => batches.length === 4);

  expect(batches.map(([first, ...rest]) => [first, rest.at(-1)])).toEqual([
    ['1', '10'],
    ['4', '10'],
    ['4', '10'],
    ['11', '12'],
  ]);
});

test('a stream batch that crashes the function is bisected down to the failing record', async () => {
  const handle: Handle = (positions) => (positions.includes('3') ? CRASH : DONE);
  const { batches, given } = follow(one(records(4)), { maxRetries: 1 }, handle);
  await until(() => given.length > 0 && batches.at(-1)?.[0] === '4');

  expect(batches).toEqual([['1', '2', '3', '4'], ['1', '2'], ['3', '4'], ['3'], ['3'], ['4']]);
});

describe('a discarded stream record', () => {
  test('is reported by its position after its last retry, and the others continue', async () => {
    const handle: Handle = (positions) => (positions[0] === '1' ? back('1') : DONE);
    const { batches, given } = follow(one([record(1)]), { maxRetries: 2 }, handle);
    await until(() => given.length > 0);

    expect(batches).toHaveLength(3);
    expect(given[0]).toMatchObject({
      requestContext: { condition: 'RetryAttemptsExhausted' },
      DDBStreamBatchInfo: { shardId: 'a', startSequenceNumber: '1', endSequenceNumber: '1', batchSize: 1 },
    });
    expect(JSON.stringify(given)).not.toContain('ApproximateCreationDateTime');
  });

  test('is not handed over if it is too old', async () => {
    const list = [record(1, { ageSeconds: 100 }), record(2)];
    const { batches, given } = follow(one(list), { longestAgeSeconds: 60 });
    await until(() => batches.length > 0);

    expect(batches).toEqual([['2']]);
    expect(given).toMatchObject([
      { requestContext: { condition: 'RecordAgeExceeded' }, DDBStreamBatchInfo: { endSequenceNumber: '1' } },
    ]);
  });
});

test('a failure report is ignored if the stream source does not enable it', async () => {
  const { batches } = follow(one(records(12)), { reportsFailures: false }, (positions) => back(positions[0] ?? ''));
  await until(() => batches.length === 2);

  expect(batches.flat()).toHaveLength(12);
});
