import { type AlarmRule, type AlarmState, evaluate } from '../../../../../tools/local-stack/alarms/evaluate.ts';

/** `0` is within the limit, `X` beyond it, `-` missing; newest last. */
const values = (text: string) => text.split(' ').map((sign) => ({ '0': 0, X: 9 })[sign]);

const ruleOf = (over: Partial<AlarmRule>): AlarmRule => ({
  operator: 'GreaterThanThreshold',
  threshold: 5,
  datapointsToAlarm: 3,
  evaluationPeriods: 3,
  missing: 'notBreaching',
  ...over,
});

const stateOf = (text: string, over: Partial<AlarmRule>, current: AlarmState = 'OK') =>
  evaluate(ruleOf(over), values(text), current).state;

// The tables of CloudWatch's user guide, "Configuring how CloudWatch alarms treat missing data".
/** The current state is retained. */
const HELD = 'held';
const COLUMNS = ['ignore', 'breaching', 'notBreaching'] as const;
const STATES = ['OK', 'ALARM', 'INSUFFICIENT_DATA'] as const;

interface DocumentedRow extends Readonly<Record<(typeof COLUMNS)[number], AlarmState | typeof HELD>> {
  readonly seen: string;
  readonly filled: number;
}

function expectRow({ seen, filled, ...expected }: DocumentedRow, datapointsToAlarm: number): void {
  for (const missing of COLUMNS) {
    for (const current of STATES) {
      const evaluation = evaluate(ruleOf({ missing, datapointsToAlarm }), values(seen), current);
      const state = expected[missing] === HELD ? current : expected[missing];
      expect({ missing, current, state: evaluation.state, filled: evaluation.filled }).toEqual({
        missing,
        current,
        state,
        filled,
      });
    }
  }
}

describe('three of three', () => {
  test.each<DocumentedRow>([
    { seen: '0 - X - X', filled: 0, ignore: 'OK', breaching: 'OK', notBreaching: 'OK' },
    { seen: '- - - - 0', filled: 2, ignore: 'OK', breaching: 'OK', notBreaching: 'OK' },
    { seen: '- - - - -', filled: 3, ignore: HELD, breaching: 'ALARM', notBreaching: 'OK' },
    { seen: '0 X X - X', filled: 0, ignore: 'ALARM', breaching: 'ALARM', notBreaching: 'ALARM' },
    { seen: '- - X - -', filled: 2, ignore: HELD, breaching: 'ALARM', notBreaching: 'OK' },
  ])('$seen', (row) => expectRow(row, 3));
});

describe('two of three', () => {
  test.each<DocumentedRow>([
    { seen: '0 - X - X', filled: 0, ignore: 'ALARM', breaching: 'ALARM', notBreaching: 'ALARM' },
    { seen: '0 0 X 0 X', filled: 0, ignore: 'ALARM', breaching: 'ALARM', notBreaching: 'ALARM' },
    { seen: '0 - X - -', filled: 1, ignore: 'OK', breaching: 'ALARM', notBreaching: 'OK' },
    { seen: '- - - - 0', filled: 2, ignore: 'OK', breaching: 'ALARM', notBreaching: 'OK' },
    { seen: '- - - X -', filled: 2, ignore: HELD, breaching: 'ALARM', notBreaching: 'OK' },
    // Not in the guide.
    { seen: 'X X 0 0 X', filled: 0, ignore: 'OK', breaching: 'OK', notBreaching: 'OK' },
  ])('$seen', (row) => expectRow(row, 2));
});

describe('one of one', () => {
  test.each([
    { seen: '- - X', state: 'ALARM' },
    { seen: 'X - -', state: 'ALARM' },
    { seen: 'X 0 -', state: 'OK' },
    { seen: '- - -', state: 'OK' },
  ])('$seen', ({ seen, state }) => {
    expect(stateOf(seen, { datapointsToAlarm: 1, evaluationPeriods: 1 })).toBe(state);
  });
});

describe('missing data that is ignored', () => {
  test.each([
    { seen: '- - -', current: 'ALARM', state: 'ALARM' },
    { seen: '- - -', current: 'INSUFFICIENT_DATA', state: 'INSUFFICIENT_DATA' },
    { seen: '- - X', current: 'OK', state: 'ALARM' },
    { seen: '- - 0', current: 'ALARM', state: 'OK' },
  ] as const)('$seen in $current', ({ seen, current, state }) => {
    expect(stateOf(seen, { missing: 'ignore', datapointsToAlarm: 1, evaluationPeriods: 1 }, current)).toBe(state);
  });
});

test.each([
  { operator: 'GreaterThanThreshold', value: 5, state: 'OK' },
  { operator: 'GreaterThanThreshold', value: 5.001, state: 'ALARM' },
  { operator: 'GreaterThanOrEqualToThreshold', value: 4.999, state: 'OK' },
  { operator: 'GreaterThanOrEqualToThreshold', value: 5, state: 'ALARM' },
  { operator: 'LessThanThreshold', value: 5, state: 'OK' },
  { operator: 'LessThanThreshold', value: 4.999, state: 'ALARM' },
] as const)('$value is $state by $operator 5', ({ operator, value, state }) => {
  const rule = ruleOf({ operator, datapointsToAlarm: 1, evaluationPeriods: 1 });

  expect(evaluate(rule, [undefined, undefined, value], 'OK').state).toBe(state);
});

test('evaluate returns the values behind its result', () => {
  expect(evaluate(ruleOf({ datapointsToAlarm: 1 }), [undefined, 9, undefined, undefined, 0], 'OK')).toEqual({
    state: 'ALARM',
    breaching: [9],
    considered: [9, 0],
    filled: 1,
  });
});
