import { type Exchange, FAULT_EFFECTS } from '../../../../../tools/local-stack/aws/fault-effects.ts';
import { writtenIndex } from '../../../../../tools/local-stack/aws/index-writes.ts';

const DONE = { status: 200, headers: {}, body: Buffer.from('{}') };

test.each(['slow', 'delay'] as const)('a %s call is done once, and its caller gets the reply', async (mode) => {
  const done: unknown[] = [];
  await FAULT_EFFECTS[mode](exchangeOf('asked', done));

  expect(done).toEqual(['asked', DONE]);
});

const KEYS = { dayKey: { S: 'd' }, at: { N: '1' } };
const NAMES = { '#day': 'dayKey', '#at': 'at' };

test.each([
  { write: 'a put of an indexed item', input: { Item: { pk: { S: 'a' }, ...KEYS } }, index: 'table/T/index/byDay' },
  {
    write: "an update of an index's keys",
    input: { UpdateExpression: 'SET #day=:at, #at = :b', ExpressionAttributeNames: NAMES },
    index: 'table/T/index/byDay',
  },
  { write: 'a put of half the keys', input: { Item: { pk: { S: 'a' }, at: { N: '1' } } } },
  {
    write: 'an update that names keys in its condition only',
    input: { UpdateExpression: 'SET x = :at', ExpressionAttributeNames: NAMES },
  },
  { write: 'a put to a table without indexes', input: { TableName: 'U', Item: KEYS } },
])('a throttled index strikes $write: $index', async ({ input, index }) => {
  const done: unknown[] = [];
  const body = JSON.stringify({ TableName: 'T', ...input });
  await FAULT_EFFECTS['index-throttle']({
    ...exchangeOf(body, done),
    writtenIndex: () => writtenIndex(JSON.parse(body), indexesOfT),
  });

  if (index === undefined) expect(done).toEqual([body, DONE]);
  else {
    const [reply, ...more] = done as (typeof DONE)[];
    expect([reply?.status, more]).toEqual([400, []]);
    expect(JSON.parse(String(reply?.body)).ThrottlingReasons).toMatchObject([
      { resource: expect.stringMatching(`:${index}$`) },
    ]);
  }
});

const indexesOfT = (table: string) => (table === 'T' ? [{ name: 'byDay', keyNames: ['dayKey', 'at'] }] : []);

function exchangeOf(body: string, done: unknown[]): Exchange {
  return {
    service: 'dynamodb',
    operation: 'PutItem',
    body: Buffer.from(body),
    random: () => 0.01,
    async perform(performed) {
      done.push(String(performed));
      return DONE;
    },
    reply: (given) => done.push(given),
    reset: () => done.push('reset'),
    withoutRecent: (given) => given,
    writtenIndex: () => undefined,
  };
}
