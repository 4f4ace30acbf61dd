import { measureEmbedded } from '../../../../../tools/local-stack/metrics/embedded-metrics.ts';
import { measureTableCall } from '../../../../../tools/local-stack/metrics/implied-metrics.ts';
import type { Metric } from '../../../../../tools/local-stack/metrics/metric.ts';
import { measureLine, parsePattern } from '../../../../../tools/local-stack/metrics/metric-filters.ts';
import { MetricStore, type StatisticName } from '../../../../../tools/local-stack/metrics/metric-store.ts';

const METRIC: Metric = { namespace: 'N', name: 'M', dimensions: { A: '1', B: '2' } };
const MINUTE_MS = 1000;

function storeOf(statistic: StatisticName, minutes = 10) {
  const store = new MetricStore(MINUTE_MS, () => 0);
  store.watch(METRIC, statistic, minutes);
  return store;
}

describe('a store', () => {
  test('sums up each minute, which begins with its first millisecond', () => {
    const store = storeOf('Sum');
    for (const atMs of [5000, 5999, 6000]) store.measure(METRIC, 1, atMs);

    expect(store.read(METRIC, 'Sum', 5, 6)).toBe(2);
    expect(store.read(METRIC, 'Sum', 6, 7)).toBe(1);
    expect(store.read(METRIC, 'Sum', 5, 7)).toBe(3);
    expect(store.read(METRIC, 'Sum', 7, 9)).toBeUndefined();
  });

  test('distinguishes a measured zero from no data', () => {
    const store = storeOf('Sum');
    store.measure(METRIC, 0, 5000);

    expect(store.read(METRIC, 'Sum', 5, 6)).toBe(0);
  });

  test('finds the greatest, also among negative ones', () => {
    const store = storeOf('Maximum');
    for (const value of [-5, -2, -9]) store.measure(METRIC, value, 5000);

    expect(store.read(METRIC, 'Maximum', 4, 6)).toBe(-2);
  });

  test('finds the least of all minutes', () => {
    const store = storeOf('Minimum');
    for (const [atMs, value] of [
      [5000, 7],
      [5001, 3],
      [6000, 4],
    ] as const)
      store.measure(METRIC, value, atMs);

    expect(store.read(METRIC, 'Minimum', 5, 7)).toBe(3);
    expect(store.read(METRIC, 'Minimum', 6, 7)).toBe(4);
  });

  test.each([
    { count: 1, p99: 1 },
    { count: 99, p99: 99 },
    { count: 100, p99: 99 },
    { count: 101, p99: 100 },
    { count: 1000, p99: 990 },
  ])('has $p99 as the 99th percentile of 1 to $count, over minutes in any order', ({ count, p99 }) => {
    const store = storeOf('p99');
    for (let value = count; value >= 1; value -= 1) store.measure(METRIC, value, 5000 + (value % 3) * MINUTE_MS);

    expect(store.read(METRIC, 'p99', 5, 8)).toBe(p99);
  });

  test('keeps a metric apart from those with other dimensions, whatever their order', () => {
    const store = storeOf('Sum');
    store.measure({ ...METRIC, dimensions: { B: '2', A: '1' } }, 1, 5000);
    store.measure({ ...METRIC, dimensions: { A: '1' } }, 10, 5000);

    expect(store.read(METRIC, 'Sum', 5, 6)).toBe(1);
  });

  test('drops metrics that are no longer watched', () => {
    const store = storeOf('Sum', 3);
    for (let minute = 0; minute < 100; minute += 1) store.measure(METRIC, 1, minute * MINUTE_MS);

    expect(store.read(METRIC, 'Sum', 97, 100)).toBe(3);
    expect(store.read(METRIC, 'Sum', 0, 90)).toBeUndefined();
  });

  test('has no values of a metric that is not watched', () => {
    expect(() => storeOf('Sum').read({ ...METRIC, name: 'other' }, 'Sum', 0, 1)).toThrow('nothing watches');
  });
});

/** Returns the metrics of a line or call as [name, dimensions, value]. */
function measured(work: (measure: (metric: Metric, value: number, atMs?: number) => void) => void) {
  const found: unknown[] = [];
  work(({ namespace, name, dimensions }, value, atMs) => found.push([namespace, name, dimensions, value, atMs]));
  return found;
}

describe('embedded metrics', () => {
  const line = (over = {}) =>
    JSON.stringify({
      Ledger: 'stack',
      Reason: 'stale',
      Refused: 1,
      _aws: {
        Timestamp: 1234,
        CloudWatchMetrics: [
          { Namespace: 'N', Dimensions: [['Ledger'], ['Ledger', 'Reason']], Metrics: [{ Name: 'Refused' }] },
        ],
      },
      ...over,
    });

  test('count under each set of dimensions, at their own time', () => {
    expect(measured((measure) => measureEmbedded(line(), measure))).toEqual([
      ['N', 'Refused', { Ledger: 'stack' }, 1, 1234],
      ['N', 'Refused', { Ledger: 'stack', Reason: 'stale' }, 1, 1234],
    ]);
  });

  test('may hold several values', () => {
    expect(measured((measure) => measureEmbedded(line({ Refused: [2, 3] }), measure))).toHaveLength(4);
  });

  test.each([
    { name: 'text', text: 'Task timed out' },
    { name: 'an ordinary line', text: '{"message":"x"}' },
    { name: 'half a line', text: line().slice(0, -5) },
    { name: 'a value that is none', text: line({ Refused: 'many' }) },
  ])('are not in $name', ({ text }) => {
    expect(measured((measure) => measureEmbedded(text, measure))).toEqual([]);
  });
});

describe('metric filters', () => {
  test.each([
    { pattern: '{ $.status = 429 }', line: { status: '429' }, matches: true },
    { pattern: '{ $.status = 429 }', line: { status: 429 }, matches: true },
    { pattern: '{ $.status = 429 }', line: { status: '200' }, matches: false },
    { pattern: '{ $.status = 429 }', line: {}, matches: false },
    { pattern: '{$.ms>100}', line: { ms: 101 }, matches: true },
    { pattern: '{$.ms>100}', line: { ms: 100 }, matches: false },
    { pattern: '{ $.ms >= 100 }', line: { ms: 100 }, matches: true },
    { pattern: '{ $.ms < 100 }', line: { ms: 100 }, matches: false },
    { pattern: '{ $.ms <= 100 }', line: { ms: 100 }, matches: true },
    { pattern: '{ $.ms >= 100 && $.ms < 200 }', line: { ms: 150 }, matches: true },
    { pattern: '{ $.ms >= 100 && $.ms < 200 }', line: { ms: 200 }, matches: false },
    // A text is no number to CloudWatch.
    { pattern: '{ $.status >= 400 }', line: { status: '429' }, matches: false },
    { pattern: '{ $.status = 429 }', line: undefined, matches: false },
  ])('$pattern of $line is $matches', ({ pattern, line, matches }) => {
    expect(parsePattern(pattern)?.(line)).toBe(matches);
  });

  test.each([
    'ERROR',
    '{ $.status = "5*" }',
    '{ $.a = 1 || $.b = 2 }',
    '{ ($.a = 1) }',
    '{ $.a.b = 1 }',
    '[a, b]',
    '{}',
  ])('%s is not known', (pattern) => {
    expect(parsePattern(pattern)).toBeUndefined();
  });

  test('count the lines of their own log group', () => {
    const filter = { logGroupId: 'Logs', metric: METRIC, matches: parsePattern('{ $.status = 429 }')! };
    const count = (logGroupId: string, line: string) =>
      measured((measure) => measureLine([filter], logGroupId, line, measure)).length;

    expect(count('Logs', '{"status":"429"}')).toBe(1);
    expect(count('Logs', '{"status":"200"}')).toBe(0);
    expect(count('Logs', 'no JSON')).toBe(0);
    expect(count('Others', '{"status":"429"}')).toBe(0);
  });
});

describe('what DynamoDB reports', () => {
  const call = (operation: string, input: object, status: number, type: string, more: object = {}) => {
    const body = Buffer.from(JSON.stringify({ __type: `com.amazonaws.dynamodb.v20120810#${type}`, ...more }));
    return measured((measure) =>
      measureTableCall(operation, Buffer.from(JSON.stringify(input)), { status, headers: {}, body }, measure),
    );
  };

  test.each([
    { operation: 'PutItem', type: 'ThrottlingException', name: 'WriteThrottleEvents' },
    { operation: 'Query', type: 'ThrottlingException', name: 'ReadThrottleEvents' },
    { operation: 'UpdateItem', type: 'ProvisionedThroughputExceededException', name: 'WriteThrottleEvents' },
  ])('$operation that is throttled counts in $name', ({ operation, type, name }) => {
    expect(call(operation, { TableName: 'T' }, 400, type)).toEqual([
      ['AWS/DynamoDB', name, { TableName: 'T' }, 1, undefined],
    ]);
  });

  test.each([
    {
      of: 'a write that an index cannot take',
      operation: 'PutItem',
      input: { TableName: 'T' },
      more: { ThrottlingReasons: [{ resource: 'arn:aws:dynamodb:us-east-1:0:table/T/index/byDay' }] },
      name: 'WriteThrottleEvents',
    },
    {
      of: 'a query of an index',
      operation: 'Query',
      input: { TableName: 'T', IndexName: 'byDay' },
      more: {},
      name: 'ReadThrottleEvents',
    },
  ])('the throttle of $of counts for the index alone', ({ operation, input, more, name }) => {
    expect(call(operation, input, 400, 'ThrottlingException', more)).toEqual([
      ['AWS/DynamoDB', name, { TableName: 'T', GlobalSecondaryIndexName: 'byDay' }, 1, undefined],
    ]);
  });

  test('an error of the service counts by operation', () => {
    expect(call('PutItem', { TableName: 'T' }, 500, 'InternalServerError')).toEqual([
      ['AWS/DynamoDB', 'SystemErrors', { TableName: 'T', Operation: 'PutItem' }, 1, undefined],
    ]);
  });

  test.each([
    { name: 'a failed condition', status: 400, type: 'ConditionalCheckFailedException' },
    { name: 'success', status: 200, type: 'ThrottlingException' },
  ])('$name counts nowhere', ({ status, type }) => {
    expect(call('PutItem', { TableName: 'T' }, status, type)).toEqual([]);
  });

  test.each([
    { operation: 'BatchWriteItem', input: { RequestItems: { T: [], U: [] } } },
    {
      operation: 'TransactWriteItems',
      input: {
        TransactItems: [{ Put: { TableName: 'T' } }, { Update: { TableName: 'U' } }, { Put: { TableName: 'T' } }],
      },
    },
  ])('$operation counts once for each table', ({ operation, input }) => {
    expect(call(operation, input, 400, 'ThrottlingException')).toEqual([
      ['AWS/DynamoDB', 'WriteThrottleEvents', { TableName: 'T' }, 1, undefined],
      ['AWS/DynamoDB', 'WriteThrottleEvents', { TableName: 'U' }, 1, undefined],
    ]);
  });
});
