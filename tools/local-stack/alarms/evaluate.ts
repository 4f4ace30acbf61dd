export type AlarmState = 'OK' | 'ALARM' | 'INSUFFICIENT_DATA';

export interface AlarmRule {
  readonly operator: 'GreaterThanThreshold' | 'LessThanThreshold';
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
  const breaching = considered.filter((value) => breaches(rule, value));
  const filled = evaluationPeriods - considered.length;
  const count = breaching.length + (missing === 'breaching' ? filled : 0);
  const state = count >= datapointsToAlarm ? 'ALARM' : 'OK';
  // CloudWatch keeps the state only if it saw no value within the limit; one such value makes it OK.
  const isHeld = missing === 'ignore' && state === 'OK' && breaching.length === considered.length;
  return { state: isHeld ? current : state, breaching, considered, filled };
}

function breaches({ operator, threshold }: AlarmRule, value: number): boolean {
  return operator === 'GreaterThanThreshold' ? value > threshold : value < threshold;
}
