import { setTimeout as sleep } from 'node:timers/promises';
import { openLedgerRun } from '../../../../tools/local-ledger/stack-settings.ts';
import { DYNAMODB_LOCAL } from '../../../../tools/local-stack/engines/dynamodb-local.ts';
import { DYNOXIDE } from '../../../../tools/local-stack/engines/dynoxide.ts';
import { request } from '../../../../tools/local-stack/engines/engine.ts';
import { startEngineProcess } from '../../../../tools/local-stack/engines/engine-process.ts';
import type { DynamoDbEngine, EngineName } from '../../../../tools/local-stack/engines/engine-program.ts';
import { Disposables } from '../../../../tools/local-stack/run/disposables.ts';

// Where the two engines differ from each other or from AWS's documentation, so that our code does not rely on it. A new
// engine release that behaves otherwise turns a row red.

interface Difference extends Readonly<Record<EngineName, unknown>> {
  readonly what: string;
  readonly onAws: string;
  readonly so: string;
  find(engine: DynamoDbEngine, table: string): Promise<unknown>;
}

const DIFFERENCES: Difference[] = [
  {
    what: 'stream records of a put, the same put again and an update that changes nothing',
    onAws: 'one',
    dynoxide: 3,
    'dynamodb-local': 1,
    so: 'publish compares the images of a record',
    async find(engine, table) {
      await put(engine, table, item('a'));
      await put(engine, table, item('a'));
      await request(engine, 'UpdateItem', {
        TableName: table,
        Key: keyOf('a'),
        UpdateExpression: 'SET note = :note',
        ExpressionAttributeValues: { ':note': { S: 'x' } },
      });
      return (await readStream(engine, table)).records.length;
    },
  },
  {
    what: 'whether an open shard has an EndingSequenceNumber',
    onAws: 'no',
    dynoxide: true,
    'dynamodb-local': false,
    so: 'a shard has ended where no NextShardIterator is returned',
    async find(engine, table) {
      await put(engine, table, item('a'));
      return (await readStream(engine, table)).shard.SequenceNumberRange.EndingSequenceNumber !== undefined;
    },
  },
  {
    what: 'digits of the first sequence number',
    onAws: '21 to 40',
    dynoxide: 1,
    'dynamodb-local': 21,
    so: 'a position in the stream is handed back, never compared as text',
    async find(engine, table) {
      await put(engine, table, item('a'));
      return (await readStream(engine, table)).records[0]?.dynamodb.SequenceNumber.length;
    },
  },
  {
    what: 'how exact the time of a stream record is, in seconds',
    onAws: '1',
    dynoxide: 1,
    'dynamodb-local': 60,
    so: 'the local stack completes a time of a whole minute',
    async find(engine, table) {
      // Early in a minute the two cannot be distinguished.
      const secondsOfMinute = (Date.now() / 1000) % 60;
      if (secondsOfMinute < 5) await sleep((5 - secondsOfMinute) * 1000);
      await put(engine, table, item('a'));
      const { records } = await readStream(engine, table);
      return (records[0]?.dynamodb.ApproximateCreationDateTime ?? 0) % 60 === 0 ? 60 : 1;
    },
  },
  {
    what: 'read units of a batch of two keys that are absent',
    onAws: '1',
    dynoxide: 1,
    'dynamodb-local': 0,
    so: 'the local stack counts at least what AWS bills',
    async find(engine, table) {
      const { ConsumedCapacity } = await request<{ ConsumedCapacity: { CapacityUnits: number }[] }>(
        engine,
        'BatchGetItem',
        { RequestItems: { [table]: { Keys: [keyOf('a'), keyOf('b')] } }, ReturnConsumedCapacity: 'TOTAL' },
      );
      return ConsumedCapacity[0]?.CapacityUnits;
    },
  },
  {
    what: 'items that a keys-only index returns by an attribute it does not hold',
    onAws: 'a ValidationException',
    dynoxide: 0,
    'dynamodb-local': 'ValidationException',
    so: 'an index query has no filter, and what it finds is read from the table',
    async find(engine, table) {
      await put(engine, table, item('a'));
      return countOf(engine, {
        ...dayQuery(table),
        FilterExpression: 'note = :note',
        ExpressionAttributeValues: { ':day': { S: 'monday' }, ':note': { S: 'x' } },
      });
    },
  },
  {
    what: 'items after a start key of another partition',
    onAws: 'a ValidationException',
    dynoxide: 1,
    'dynamodb-local': 'ValidationException',
    so: 'a cursor names the list it belongs to, and is checked before the query',
    async find(engine, table) {
      await put(engine, table, item('a'));
      const ExclusiveStartKey = { ...keyOf('0'), day: { S: 'tuesday' } };
      return countOf(engine, { ...dayQuery(table), ExclusiveStartKey });
    },
  },
  {
    what: 'items that an index holds right after a put',
    onAws: '0 or 1, for an index lags behind',
    dynoxide: 1,
    'dynamodb-local': 1,
    so: 'tests inject the lag, and reconcile reads the table before it calls an event missing',
    async find(engine, table) {
      await put(engine, table, item('a'));
      return countOf(engine, dayQuery(table));
    },
  },
  {
    what: 'items that expired long ago and are still there',
    onAws: '1 for up to days, 0 in the end',
    dynoxide: 1,
    'dynamodb-local': 1,
    so: 'a claim compares its expiry itself',
    async find(engine, table) {
      const TimeToLiveSpecification = { AttributeName: 'expiresAt', Enabled: true };
      await request(engine, 'UpdateTimeToLive', { TableName: table, TimeToLiveSpecification });
      await put(engine, table, { ...item('a'), expiresAt: { N: '1700000000' } });
      return countOf(engine, dayQuery(table));
    },
  },
];

const PROGRAMS = [DYNOXIDE, DYNAMODB_LOCAL];
const reasons = await Promise.all(PROGRAMS.map((program) => program.whyNot()));
const able = PROGRAMS.filter((_, index) => reasons[index] === undefined);

test('an engine can run here', () => {
  expect(able.map(({ name }) => name)).not.toEqual([]);
});

describe.each(able)('$name', (program) => {
  const disposables = new Disposables();
  let engine: DynamoDbEngine;
  beforeAll(async () => {
    engine = await startEngineProcess(program, await openLedgerRun(0, disposables));
  }, 30_000);
  afterAll(() => disposables.close());

  test.each(DIFFERENCES.map((row, index) => ({ ...row, table: `Table${index}`, found: row[program.name] })))(
    '$what: $found here, on AWS $onAws; so $so',
    async ({ find, table, found }) => {
      await createTable(engine, table);

      expect(await find(engine, table)).toBe(found);
    },
  );
});

type Attributes = Readonly<Record<string, { readonly S: string } | { readonly N: string }>>;

const keyOf = (pk: string) => ({ pk: { S: pk } });
const item = (pk: string): Attributes => ({ ...keyOf(pk), day: { S: 'monday' }, note: { S: 'x' } });
const put = (engine: DynamoDbEngine, TableName: string, Item: Attributes) =>
  request(engine, 'PutItem', { TableName, Item });

const dayQuery = (TableName: string) => ({
  TableName,
  IndexName: 'byDay',
  KeyConditionExpression: '#day = :day',
  ExpressionAttributeNames: { '#day': 'day' },
  ExpressionAttributeValues: { ':day': { S: 'monday' } },
});

/** Returns how many items a query finds, or the name of its error. */
async function countOf(engine: DynamoDbEngine, query: object): Promise<number | string> {
  const { status, body } = await engine.call('Query', Buffer.from(JSON.stringify(query)));
  const reply = JSON.parse(body.toString('utf8'));
  return status === 200 ? reply.Count : String(reply.__type).replace(/.*#/, '');
}

function createTable(engine: DynamoDbEngine, TableName: string): Promise<unknown> {
  return request(engine, 'CreateTable', {
    TableName,
    BillingMode: 'PAY_PER_REQUEST',
    AttributeDefinitions: ['pk', 'day'].map((AttributeName) => ({ AttributeName, AttributeType: 'S' })),
    KeySchema: [{ AttributeName: 'pk', KeyType: 'HASH' }],
    GlobalSecondaryIndexes: [
      {
        IndexName: 'byDay',
        KeySchema: [{ AttributeName: 'day', KeyType: 'HASH' }],
        Projection: { ProjectionType: 'KEYS_ONLY' },
      },
    ],
    StreamSpecification: { StreamEnabled: true, StreamViewType: 'NEW_AND_OLD_IMAGES' },
  });
}

interface Shard {
  readonly ShardId: string;
  readonly SequenceNumberRange: { readonly EndingSequenceNumber?: string };
}
interface Records {
  readonly Records: readonly {
    readonly dynamodb: { readonly SequenceNumber: string; readonly ApproximateCreationDateTime: number };
  }[];
}

/** Returns the only shard of a table's stream, and its records. */
async function readStream(engine: DynamoDbEngine, TableName: string) {
  const { Table } = await request<{ Table: { LatestStreamArn: string } }>(engine, 'DescribeTable', { TableName });
  const StreamArn = Table.LatestStreamArn;
  const { StreamDescription } = await request<{ StreamDescription: { Shards: Shard[] } }>(
    engine.streams,
    'DescribeStream',
    { StreamArn },
  );
  const [shard] = StreamDescription.Shards;
  if (shard === undefined) throw new Error('the stream has no shard');
  const start = { StreamArn, ShardId: shard.ShardId, ShardIteratorType: 'TRIM_HORIZON' };
  const iterator = await request<{ ShardIterator: string }>(engine.streams, 'GetShardIterator', start);
  const { Records } = await request<Records>(engine.streams, 'GetRecords', iterator);
  return { shard, records: Records };
}
