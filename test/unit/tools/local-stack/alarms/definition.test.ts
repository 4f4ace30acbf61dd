import { OWN_METRICS } from '../../../../../tools/local-ledger/stack-settings.ts';
import { readAlarms } from '../../../../../tools/local-stack/alarms/definition.ts';
import { readMetricFilters } from '../../../../../tools/local-stack/metrics/metric-filters.ts';
import { StartupError } from '../../../../../tools/local-stack/run/startup-error.ts';
import { alarmOf, mathAlarmOf, metricOf, stackWith } from '../../../../support/alarms/alarm-template.ts';

const ACCESS_LOGS = new Set(['AccessLog']);

function read(alarm: object) {
  const stack = stackWith([alarm]);
  return readAlarms(stack, readMetricFilters(stack, ACCESS_LOGS), { own: OWN_METRICS })[0];
}

function refusal(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    if (error instanceof StartupError) return error.message;
    throw error;
  }
  return 'nothing refused';
}

test('an alarm over one metric is parsed', () => {
  expect(read(alarmOf())).toMatchObject({
    name: 'stack-oldest-message',
    periodSeconds: 60,
    queries: [
      {
        id: 'm',
        statistic: 'Maximum',
        metric: {
          namespace: 'AWS/SQS',
          name: 'ApproximateAgeOfOldestMessage',
          dimensions: { QueueName: 'Queue' },
        },
      },
    ],
    operator: 'GreaterThanThreshold',
    threshold: 300,
    datapointsToAlarm: 2,
    evaluationPeriods: 3,
    missing: 'notBreaching',
    alarmActions: ['arn:aws:sns:eu-west-1:000000000000:Page'],
  });
});

test('without datapoints to alarm, all periods must breach', () => {
  const { DatapointsToAlarm: _, ...alarm } = alarmOf();

  expect(read(alarm)?.datapointsToAlarm).toBe(3);
});

test('an alarm over an expression is parsed', () => {
  const metrics = [metricOf('a', 'Refused'), metricOf('b', 'Retried'), { Id: 'e', Expression: 'a + FILL(b,0)' }];
  const alarm = read(mathAlarmOf(metrics));

  expect(alarm?.queries.map(({ id, metric }) => [id, metric.name])).toEqual([
    ['a', 'Refused'],
    ['b', 'Retried'],
  ]);
  expect(alarm?.expression((id) => (id === 'a' ? 4 : undefined))).toBe(4);
});

test.each([
  { name: 'an extended statistic', over: { Statistic: undefined, ExtendedStatistic: 'p99' }, statistic: 'p99' },
  { name: 'a sum', over: { Statistic: 'Sum' }, statistic: 'Sum' },
  { name: 'a minimum', over: { Statistic: 'Minimum' }, statistic: 'Minimum' },
])('an alarm over $name is parsed', ({ over, statistic }) => {
  const alarm = JSON.parse(JSON.stringify(alarmOf(over)));

  expect(read(alarm)?.queries[0]?.statistic).toBe(statistic);
});

test('missing DynamoDB data is ignored whatever the alarm says, as in CloudWatch', () => {
  const table = {
    Namespace: 'AWS/DynamoDB',
    MetricName: 'WriteThrottleEvents',
    Dimensions: [{ Name: 'TableName', Value: 'T' }],
  };

  expect(read(alarmOf(table))?.missing).toBe('ignore');
});

test("the order of an alarm's dimensions does not matter", () => {
  const table = {
    Namespace: 'AWS/DynamoDB',
    MetricName: 'SystemErrors',
    Dimensions: [
      { Name: 'TableName', Value: 'T' },
      { Name: 'Operation', Value: 'PutItem' },
    ],
  };

  expect(read(alarmOf(table))?.queries[0]?.metric.dimensions).toEqual({ Operation: 'PutItem', TableName: 'T' });
  expect(read(alarmOf({ ...table, Dimensions: table.Dimensions.toReversed() }))).toBeDefined();
});

test('a metric filter on an access log is parsed', () => {
  const filtered = { Namespace: 'MailgunLedger/stack', MetricName: 'Throttled', Dimensions: undefined };

  expect(read(alarmOf(filtered))?.queries[0]?.metric).toEqual({
    namespace: 'MailgunLedger/stack',
    name: 'Throttled',
    dimensions: {},
  });
});

describe('the local stack names and refuses', () => {
  const own = (Dimensions: unknown) => ({ Namespace: 'MailgunLedger', MetricName: 'Refused', Dimensions });
  test.each([
    {
      name: 'an operator',
      alarm: alarmOf({ ComparisonOperator: 'LessThanOrEqualToThreshold' }),
      expected: 'no operator Less',
    },
    { name: 'a statistic', alarm: alarmOf({ Statistic: 'Average' }), expected: 'no statistic Average' },
    {
      name: 'a missing-data rule',
      alarm: alarmOf({ TreatMissingData: 'missing' }),
      expected: 'no missing-data rule missing',
    },
    { name: 'a period', alarm: alarmOf({ Period: 10 }), expected: 'a period of 10 s is not a number of minutes' },
    { name: 'more datapoints than periods', alarm: alarmOf({ DatapointsToAlarm: 4 }), expected: '4 of 3 datapoints' },
    { name: 'no threshold', alarm: alarmOf({ Threshold: undefined }), expected: 'its threshold is not a number' },
    { name: 'a unit', alarm: alarmOf({ Unit: 'Seconds' }), expected: 'it knows no Unit' },
    {
      name: 'another action',
      alarm: alarmOf({ AlarmActions: ['arn:x'] }),
      expected: 'the action arn:x is not a topic',
    },
    {
      name: 'a metric of AWS that nothing reports',
      alarm: alarmOf({ MetricName: 'NumberOfMessagesSent' }),
      expected: 'nothing here reports the metric AWS/SQS NumberOfMessagesSent',
    },
    {
      name: 'a namespace',
      alarm: alarmOf({ Namespace: 'Elsewhere' }),
      expected: 'nothing here reports the metric Elsewhere',
    },
    { name: 'dimensions', alarm: alarmOf({ Dimensions: undefined }), expected: 'by no dimension' },
    { name: 'dimensions of our own', alarm: alarmOf(own([{ Name: 'Env', Value: 'x' }])), expected: 'by Env' },
    {
      name: 'two expressions',
      alarm: mathAlarmOf([metricOf('a', 'A'), { Id: 'e', Expression: 'a' }, { Id: 'f', Expression: 'a' }]),
      expected: 'exactly one expression',
    },
    { name: 'no expression', alarm: mathAlarmOf([metricOf('a', 'A')]), expected: 'exactly one expression' },
    {
      name: 'a metric that returns data beside the expression',
      alarm: mathAlarmOf([
        { ...metricOf('a', 'A'), ReturnData: true },
        { Id: 'e', Expression: 'a' },
      ]),
      expected: 'only its expression may return data',
    },
    {
      name: 'different periods',
      alarm: mathAlarmOf([metricOf('a', 'A'), metricOf('b', 'B', { Period: 300 }), { Id: 'e', Expression: 'a + b' }]),
      expected: 'more than one period',
    },
    {
      name: 'grammar',
      alarm: mathAlarmOf([metricOf('a', 'A'), { Id: 'e', Expression: 'RATE(a)' }]),
      expected: 'has "RATE" where',
    },
  ])('an alarm with $name', ({ alarm, expected }) => {
    const sentence = refusal(() => read(JSON.parse(JSON.stringify(alarm))));

    expect(sentence).toMatch(/^The local stack cannot judge the alarm stack-oldest-message: .*\.$/);
    expect(sentence).toContain(expected);
  });
});

describe('the local stack names and refuses', () => {
  const transformation = (over: object) => ({
    MetricTransformations: [{ MetricNamespace: 'N', MetricName: 'M', MetricValue: '1', ...over }],
  });
  test.each([
    { name: 'a pattern', filter: { FilterPattern: 'ERROR' }, expected: 'the filter pattern ERROR' },
    { name: 'another log group', filter: { LogGroupName: { Ref: 'FunctionLog' } }, expected: 'other than access logs' },
    {
      name: 'a value of the line',
      filter: transformation({ MetricValue: '$.ms' }),
      expected: 'metric transformations',
    },
    { name: 'a default', filter: transformation({ DefaultValue: 0 }), expected: 'metric transformations' },
    { name: 'dimensions', filter: transformation({ Dimensions: [] }), expected: 'metric transformations' },
  ])('a metric filter with $name', ({ filter, expected }) => {
    const sentence = refusal(() => readMetricFilters(stackWith([], filter), ACCESS_LOGS));

    expect(sentence).toContain(expected);
    expect(sentence).toContain('(metric filter Filter)');
  });
});
