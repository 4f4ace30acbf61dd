import { OWN_METRICS } from '../../../../../tools/local-ledger/stack-settings.ts';
import { AlarmBoard } from '../../../../../tools/local-stack/alarms/alarm-board.ts';
import type { AlarmChange } from '../../../../../tools/local-stack/alarms/alarm-message.ts';
import { readAlarms } from '../../../../../tools/local-stack/alarms/definition.ts';
import { TemplateTopics } from '../../../../../tools/local-stack/alarms/topics.ts';
import type { Measure } from '../../../../../tools/local-stack/metrics/metric.ts';
import { MetricStore } from '../../../../../tools/local-stack/metrics/metric-store.ts';
import { alarmOf, mathAlarmOf, metricOf, stackWith } from '../../../../support/alarms/alarm-template.ts';

const MINUTE_MS = 1000;
const NAME = 'stack-oldest-message';

function boardOf(...alarms: object[]) {
  const stack = stackWith(alarms);
  const store = new MetricStore(MINUTE_MS);
  const topics = new TemplateTopics(stack);
  const changes: AlarmChange[] = [];
  const board = new AlarmBoard({
    alarms: readAlarms(stack, [], { own: OWN_METRICS }),
    store,
    topics,
    account: stack.account,
    firstMinute: 100,
    onChange: (_, change) => changes.push(change),
  });
  const age = (minute: number, value: number) =>
    store.measure(
      { namespace: 'AWS/SQS', name: 'ApproximateAgeOfOldestMessage', dimensions: { QueueName: 'Queue' } },
      value,
      minute * MINUTE_MS,
    );
  const own = (name: string, minute: number, value = 1) =>
    (store.measure as Measure)(
      { namespace: 'MailgunLedger', name, dimensions: { Ledger: 'stack' } },
      value,
      minute * MINUTE_MS,
    );
  return { board, topics, changes, age, own, state: () => board.states()[NAME] };
}

test('the alarm board begins without states, and notifies the topic of each change', () => {
  const { board, topics, age, state } = boardOf(alarmOf());
  expect(state()).toBe('INSUFFICIENT_DATA');

  for (const [minute, value] of [
    [100, 10],
    [101, 400],
    [102, 500],
  ] as const) {
    age(minute, value);
    board.evaluateAt(minute + 1);
  }

  expect(state()).toBe('ALARM');
  const [first, second, ...others] = topics.arrived();
  expect(others).toEqual([]);
  expect(first).toMatchObject({ topic: 'topics-page', subject: `OK: "${NAME}" in eu-west-1` });
  expect(second).toMatchObject({
    topic: 'topics-page',
    subject: `ALARM: "${NAME}" in eu-west-1`,
    message: {
      AlarmName: NAME,
      AlarmDescription: alarmOf().AlarmDescription,
      AWSAccountId: '000000000000',
      NewStateValue: 'ALARM',
      OldStateValue: 'OK',
      NewStateReason:
        'Threshold Crossed: 2 out of the last 3 datapoints [400, 500] were greater than the threshold (300).',
      StateChangeTime: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+\+0000$/),
      AlarmArn: `arn:aws:cloudwatch:eu-west-1:000000000000:alarm:${NAME}`,
      Trigger: {
        MetricName: 'ApproximateAgeOfOldestMessage',
        Namespace: 'AWS/SQS',
        StatisticType: 'Statistic',
        Statistic: 'MAXIMUM',
        Period: 60,
        EvaluationPeriods: 3,
        DatapointsToAlarm: 2,
        Threshold: 300,
      },
    },
  });
});

test('an unchanged state is notified once', () => {
  const { board, changes, age } = boardOf(alarmOf());
  for (let minute = 100; minute < 110; minute += 1) {
    age(minute, 400);
    board.evaluateAt(minute + 1);
  }

  expect(changes.map(({ to }) => to)).toEqual(['OK', 'ALARM']);
});

test('periods longer than a minute slide by the minute', () => {
  const { board, own, changes } = boardOf(
    mathAlarmOf([metricOf('a', 'A', { Period: 300 }), { Id: 'e', Expression: 'FILL(a,0)' }], {
      Threshold: 2,
      DatapointsToAlarm: 1,
      EvaluationPeriods: 1,
    }),
  );
  for (let minute = 100; minute < 120; minute += 1) {
    if (minute === 103 || minute === 105 || minute === 107) own('A', minute);
    board.evaluateAt(minute + 1);
  }

  // The three are within five minutes when the third is in, and no more when the first has gone.
  expect(changes.map(({ to, reason }) => [to, reason])).toEqual([
    ['OK', expect.stringContaining('[0] was not greater')],
    ['ALARM', expect.stringContaining('[3] was greater')],
    ['OK', expect.stringContaining('[2] was not greater')],
  ]);
});

test('missing data is breaching only after all periods were watched', () => {
  const stopped = alarmOf({
    Namespace: 'MailgunLedger',
    MetricName: 'Run',
    Dimensions: [{ Name: 'Ledger', Value: 'stack' }],
    Statistic: 'Sum',
    Period: 120,
    ComparisonOperator: 'LessThanThreshold',
    Threshold: 1,
    DatapointsToAlarm: 2,
    EvaluationPeriods: 2,
    TreatMissingData: 'breaching',
  });
  const { board, state } = boardOf(stopped);
  for (const endMinute of [101, 102, 103]) {
    board.evaluateAt(endMinute);
    expect(state()).toBe('INSUFFICIENT_DATA');
  }

  board.evaluateAt(104);
  expect(state()).toBe('ALARM');
});

test('a late value counts in its own minute', () => {
  const { board, age, state } = boardOf(alarmOf({ DatapointsToAlarm: 1, EvaluationPeriods: 1 }));
  board.evaluateAt(101);
  expect(state()).toBe('OK');

  age(100, 400);
  board.evaluateAt(102);
  expect(state()).toBe('ALARM');
});

test('a state set by hand is notified like any other, and lasts until the next evaluation', () => {
  const { board, topics, state } = boardOf(alarmOf());
  board.evaluateAt(101);

  expect(board.set(NAME, 'ALARM', 'drill')).toBe(true);
  expect(state()).toBe('ALARM');
  expect(topics.arrived().at(-1)?.message).toMatchObject({ NewStateValue: 'ALARM', NewStateReason: 'drill' });
  board.evaluateAt(102);
  expect(state()).toBe('OK');
  expect(board.set('another', 'ALARM', 'drill')).toBe(false);
});
