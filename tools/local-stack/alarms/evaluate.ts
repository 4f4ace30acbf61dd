export type AlarmState = 'OK' | 'ALARM' | 'INSUFFICIENT_DATA';

/** CloudWatch's operators, as far as alarms use them. */
export const OPERATORS = {
  GreaterThanThreshold: (value: number, threshold: number) => value > threshold,
  GreaterThanOrEqualToThreshold: (value: number, threshold: number) => value >= threshold,
  LessThanThreshold: (value: number, threshold: number) => value < threshold,
} as const;
type ComparisonOperator = keyof typeof OPERATORS;

export interface AlarmRule {
  readonly operator: ComparisonOperator;
  readonly threshold: number;
  /** M of "M out of N datapoints". */
  readonly datapointsToAlarm: number;
  /** N of "M out of N datapoints". */
  readonly evaluationPeriods: number;
  readonly missing: 'notBreaching' | 'breaching' | 'ignore';
}

/** The state from one evaluation, and the values behind it. */
export interface Evaluation {
  readonly state: AlarmState;
  /** Oldest first. */
  readonly breaching: readonly number[];
  readonly considered: readonly number[];
  /** Periods without data, filled in as `missing` says. */
  readonly filled: number;
}

/** CloudWatch fetches more periods than it evaluates, and prefers real values to filled-in ones. */
export const EXTRA_PERIODS = 2;

/**
 * Returns the state from the values of the last periods, oldest first, undefined where there is no data. The newest
 * real values count; missing ones are filled in only if too few are left.
 */
export function evaluate(rule: AlarmRule, values: readonly (number | undefined)[], current: AlarmState): Evaluation {
  const { evaluationPeriods, datapointsToAlarm, missing } = rule;
  const considered = values.filter((value) => value !== undefined).slice(-evaluationPeriods);
  const breaching = considered.filter((value) => OPERATORS[rule.operator](value, rule.threshold));
  const filled = evaluationPeriods - considered.length;
  const count = breaching.length + (missing === 'breaching' ? filled : 0);
  const state = count >= datapointsToAlarm ? 'ALARM' : 'OK';
  // CloudWatch keeps the state only if it saw no value within the limit; one such value makes it OK.
  const isHeld = missing === 'ignore' && state === 'OK' && breaching.length === considered.length;
  return { state: isHeld ? current : state, breaching, considered, filled };
}
