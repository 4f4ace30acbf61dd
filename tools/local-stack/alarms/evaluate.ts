export type AlarmState = 'OK' | 'ALARM' | 'INSUFFICIENT_DATA';

export interface AlarmRule {
  readonly operator: 'GreaterThanThreshold' | 'LessThanThreshold';
  readonly threshold: number;
  /** Alarms where this many … */
  readonly datapointsToAlarm: number;
  /** … of this many breach. */
  readonly evaluationPeriods: number;
  readonly missing: 'notBreaching' | 'breaching' | 'ignore';
}

/** What comes of one evaluation, and on which values it rests. */
export interface Evaluation {
  readonly state: AlarmState;
  /** Oldest first. */
  readonly breaching: readonly number[];
  readonly considered: readonly number[];
  /** Periods without a value that were taken as the rule says. */
  readonly filled: number;
}

/** CloudWatch fetches more periods than it evaluates, so that real values stand before made-up ones. */
export const EXTRA_PERIODS = 2;

/**
 * The state by the values of the last periods, oldest first, undefined where there is none.
 * The newest real values count; missing ones are filled in only as far as there are too few.
 */
export function evaluate(rule: AlarmRule, values: readonly (number | undefined)[], current: AlarmState): Evaluation {
  const { evaluationPeriods, datapointsToAlarm, missing } = rule;
  const considered = values.filter((value) => value !== undefined).slice(-evaluationPeriods);
  const breaching = considered.filter((value) => breaches(rule, value));
  const filled = evaluationPeriods - considered.length;
  const count = breaching.length + (missing === 'breaching' ? filled : 0);
  const state = count >= datapointsToAlarm ? 'ALARM' : 'OK';
  // CloudWatch holds the state only where nothing within the limit was seen: one such value makes it OK.
  const isHeld = missing === 'ignore' && state === 'OK' && breaching.length === considered.length;
  return { state: isHeld ? current : state, breaching, considered, filled };
}

function breaches({ operator, threshold }: AlarmRule, value: number): boolean {
  return operator === 'GreaterThanThreshold' ? value > threshold : value < threshold;
}
