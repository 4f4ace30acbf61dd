import type { CfnAlarm } from 'aws-cdk-lib/aws-cloudwatch';
import type { CfnMetricFilter } from 'aws-cdk-lib/aws-logs';
import { parseAlarmDescription } from '../../lambdas/domain/alarm-description.ts';
import { ExpressionError, idsIn, parseExpression } from './alarm-expression.ts';

// The forms of alarms that the local stack evaluates, so that an alarm that was seen to go off there is the alarm that
// is deployed.

type Resolve = (value: unknown) => unknown;

const OPERATORS = ['GreaterThanThreshold', 'GreaterThanOrEqualToThreshold', 'LessThanThreshold'];
const MISSING_DATA = ['notBreaching', 'breaching', 'ignore'];
const STATISTICS = ['Sum', 'Maximum', 'Minimum', 'p99'];

export const comparesSimply = ({ comparisonOperator }: CfnAlarm) => OPERATORS.includes(comparisonOperator ?? '');

export const judgesMissingData = ({ treatMissingData }: CfnAlarm) => MISSING_DATA.includes(treatMissingData ?? '');

/** Returns true if the alarm has one metric, or one expression over metrics, each with a known statistic. */
export function measuresSimply(alarm: CfnAlarm, resolve: Resolve): boolean {
  const entries = resolve(alarm.metrics) as CfnAlarm.MetricDataQueryProperty[] | undefined;
  if (entries === undefined) {
    const statistics = [alarm.statistic, alarm.extendedStatistic].filter((each) => each !== undefined);
    return alarm.metricName !== undefined && statistics.length === 1 && STATISTICS.includes(statistics[0] as string);
  }
  const expression = entries.find((entry) => entry.expression !== undefined);
  if (expression === undefined || expression.returnData === false) return false;
  const stats = entries.filter((entry) => entry !== expression);
  const areKnown = stats.every(({ metricStat, returnData }) => {
    const { stat } = (metricStat ?? {}) as CfnAlarm.MetricStatProperty;
    return returnData === false && STATISTICS.includes(stat ?? '');
  });
  return areKnown && readsOnly(stats, expression.expression ?? '');
}

/** Returns true if the expression is plain and reads only these metrics. */
function readsOnly(stats: CfnAlarm.MetricDataQueryProperty[], expression: string): boolean {
  try {
    return [...idsIn(parseExpression(expression))].every((id) => stats.some((each) => each.id === id));
  } catch (error) {
    if (error instanceof ExpressionError) return false;
    throw error;
  }
}

/** Returns true if the alarm notifies exactly one topic of this stack, its severity, when it begins and when it ends. */
export function notifiesOneTopic(alarm: CfnAlarm, resolve: Resolve, topicIds: readonly string[]): boolean {
  const [begin, end] = [alarm.alarmActions, alarm.okActions].map((actions) => resolve(actions ?? []) as unknown[]);
  const notified = begin?.length === 1 ? (begin[0] as { Ref?: string }).Ref : undefined;
  return notified !== undefined && topicIds.includes(notified) && JSON.stringify(begin) === JSON.stringify(end);
}

/** Returns true if the text has all its statements within CloudWatch's 1024 characters, and names the environment. */
export function statesWhatToDo({ alarmDescription }: CfnAlarm, resolve: Resolve): boolean {
  const text = resolve(alarmDescription ?? '');
  if (typeof text !== 'string' || text.length > 1024) return false;
  return / --(env|stack) \S+$/.test(parseAlarmDescription(text)?.first ?? '');
}

/** Returns true if the filter compares numbers and counts lines. */
export function countsSimply({ filterPattern, metricTransformations }: CfnMetricFilter, resolve: Resolve): boolean {
  const comparison = /\$\.\w+ (?:=|>=|<=|>|<) \d+/.source;
  const transformations = resolve(metricTransformations) as CfnMetricFilter.MetricTransformationProperty[];
  return (
    new RegExp(`^\\{ ${comparison}(?: && ${comparison})* \\}$`).test(filterPattern) &&
    transformations.every(
      ({ metricValue, defaultValue, dimensions }) =>
        metricValue === '1' && defaultValue === undefined && dimensions === undefined,
    )
  );
}
