import { IMPLIED_METRICS } from '../metrics/implied-metrics.ts';
import type { Metric } from '../metrics/metric.ts';
import type { MetricFilter } from '../metrics/metric-filters.ts';
import type { StatisticName } from '../metrics/metric-store.ts';
import { StartupError } from '../run/startup-error.ts';
import { resourcesOfType } from '../template/resources.ts';
import { propertiesOf, type Stack } from '../template/stack.ts';
import { isRecord } from '../template/template.ts';
import { type AlarmRule, OPERATORS } from './evaluate.ts';
import { type CompiledExpression, compileExpression } from './expression.ts';

/** A metric, and the statistic that combines its values. */
interface MetricQuery {
  readonly id: string;
  readonly metric: Metric;
  readonly statistic: StatisticName;
}

/** An alarm of the template that can be evaluated as CloudWatch would. */
export interface AlarmDefinition extends AlarmRule {
  readonly name: string;
  readonly description: string;
  readonly periodSeconds: number;
  readonly queries: readonly MetricQuery[];
  readonly expression: CompiledExpression;
  /** ARNs of topics. */
  readonly alarmActions: readonly string[];
  readonly okActions: readonly string[];
  /** The watched metrics, as quoted in a notification. */
  readonly trigger: Readonly<Record<string, unknown>>;
}

type Properties = Readonly<Record<string, unknown>>;
type Refuse = (what: string) => StartupError;

const KNOWN = new Set([
  ...['AlarmName', 'AlarmDescription', 'AlarmActions', 'OKActions', 'Tags'],
  ...['Namespace', 'MetricName', 'Dimensions', 'Statistic', 'ExtendedStatistic', 'Period', 'Metrics'],
  ...['ComparisonOperator', 'Threshold', 'DatapointsToAlarm', 'EvaluationPeriods', 'TreatMissingData'],
]);
/** Custom metrics that functions write as log lines in embedded metric format. */
export interface OwnMetrics {
  readonly namespace: string;
  /** Sets of dimension names. */
  readonly dimensions: readonly (readonly string[])[];
}

interface AlarmOptions {
  /** @default functions write no custom metrics, and an alarm on one is refused */
  readonly own?: OwnMetrics | undefined;
  /** Rewrites alarm descriptions. @default as in the template */
  readonly describe?: ((description: string) => string) | undefined;
}

/**
 * Returns every alarm of the template; throws a sentence that names the first alarm the local stack cannot evaluate
 * correctly.
 */
export function readAlarms(
  stack: Stack,
  filters: readonly MetricFilter[],
  { own, describe = (description) => description }: AlarmOptions = {},
): AlarmDefinition[] {
  const known = { filters, own };
  const topics = new Set(
    resourcesOfType(stack.template, 'AWS::SNS::Topic').map(([id]) => String(stack.resolve({ Ref: id }, id))),
  );
  return resourcesOfType(stack.template, 'AWS::CloudWatch::Alarm').map(([id, resource]) => {
    const properties = propertiesOf<Properties>(stack, id, resource);
    const name = String(properties.AlarmName ?? id);
    const refuse: Refuse = (what) => new StartupError(`The local stack cannot judge the alarm ${name}: ${what}.`, 1);
    const unknown = Object.keys(properties).find((key) => !KNOWN.has(key));
    if (unknown !== undefined) throw refuse(`it knows no ${unknown}`);
    const actions = (key: string) => {
      const arns = list(properties[key]).map(String);
      const stranger = arns.find((arn) => !topics.has(arn));
      if (stranger !== undefined) throw refuse(`the action ${stranger} is not a topic of the template`);
      return arns;
    };
    const watched = properties.Metrics === undefined ? readMetric(properties, refuse) : readMath(properties, refuse);
    for (const { metric } of watched.queries) requireKnown(metric, known, refuse);
    const { rule, trigger } = readRule(properties, watched.queries, refuse);
    return {
      ...rule,
      ...watched,
      name,
      description: describe(String(properties.AlarmDescription ?? '')),
      alarmActions: actions('AlarmActions'),
      okActions: actions('OKActions'),
      trigger: { ...watched.trigger, ...trigger },
    };
  });
}

type Watched = Pick<AlarmDefinition, 'periodSeconds' | 'queries' | 'expression' | 'trigger'>;

function readMetric(properties: Properties, refuse: Refuse): Watched {
  const { MetricName, Namespace, ExtendedStatistic, Statistic } = properties;
  const metric = metricOf(properties);
  const query = { id: 'm', metric, statistic: statisticOf(Statistic ?? ExtendedStatistic, refuse) };
  const trigger = {
    MetricName,
    Namespace,
    ...(Statistic === undefined
      ? { StatisticType: 'ExtendedStatistic', ExtendedStatistic }
      : { StatisticType: 'Statistic', Statistic: String(Statistic).toUpperCase() }),
    Unit: null,
    Dimensions: Object.entries(metric.dimensions).map(([name, value]) => ({ value, name })),
    Period: properties.Period,
  };
  return {
    periodSeconds: periodOf(properties.Period, refuse),
    queries: [query],
    expression: compileExpression('m', ['m']),
    trigger,
  };
}

function readMath({ Metrics }: Properties, refuse: Refuse): Watched {
  const entries = list(Metrics).filter(isRecord);
  const metrics = entries.filter(({ MetricStat }) => isRecord(MetricStat));
  const [math, ...others] = entries.filter(({ Expression }) => typeof Expression === 'string');
  if (!math || others.length > 0 || metrics.length + 1 !== entries.length || math.ReturnData === false) {
    throw refuse('its metrics must be plain ones and exactly one expression that returns data');
  }
  if (metrics.some(({ ReturnData }) => ReturnData !== false)) {
    throw refuse('only its expression may return data');
  }
  const stats = metrics.map(({ Id, MetricStat }) => {
    const { Metric, Stat, Period } = MetricStat as Properties;
    const query = { id: String(Id), metric: metricOf(Metric as Properties), statistic: statisticOf(Stat, refuse) };
    return { query, periodSeconds: periodOf(Period, refuse) };
  });
  const [periodSeconds = 0, ...otherPeriods] = new Set(stats.map((stat) => stat.periodSeconds));
  if (otherPeriods.length > 0) throw refuse('its metrics have more than one period');
  const queries = stats.map(({ query }) => query);
  const ids = queries.map(({ id }) => id);
  try {
    return {
      periodSeconds,
      queries,
      expression: compileExpression(String(math.Expression), ids),
      trigger: { Metrics },
    };
  } catch (error) {
    throw refuse((error as Error).message);
  }
}

function readRule(
  properties: Properties,
  queries: readonly MetricQuery[],
  refuse: Refuse,
): { rule: AlarmRule; trigger: Properties } {
  const { ComparisonOperator: operator, TreatMissingData: missing } = properties;
  const [threshold, evaluationPeriods] = [Number(properties.Threshold), Number(properties.EvaluationPeriods)];
  const datapointsToAlarm = Number(properties.DatapointsToAlarm ?? evaluationPeriods);
  if (!isOperator(operator)) throw refuse(`it knows no operator ${operator}`);
  if (missing !== 'notBreaching' && missing !== 'breaching' && missing !== 'ignore')
    throw refuse(`it knows no missing-data rule ${missing}`);
  if (!Number.isFinite(threshold)) throw refuse('its threshold is not a number');
  if (!(datapointsToAlarm >= 1 && datapointsToAlarm <= evaluationPeriods)) {
    throw refuse(`${datapointsToAlarm} of ${evaluationPeriods} datapoints cannot be`);
  }
  // CloudWatch ignores missing DynamoDB data whatever the alarm says.
  const isTable = queries.some(({ metric }) => metric.namespace === 'AWS/DynamoDB');
  return {
    rule: { operator, threshold, datapointsToAlarm, evaluationPeriods, missing: isTable ? 'ignore' : missing },
    trigger: {
      EvaluationPeriods: evaluationPeriods,
      DatapointsToAlarm: datapointsToAlarm,
      ComparisonOperator: operator,
      Threshold: threshold,
      TreatMissingData: missing,
    },
  };
}

const isOperator = (name: unknown): name is keyof typeof OPERATORS => Object.hasOwn(OPERATORS, String(name));

function metricOf({ Namespace, MetricName, Dimensions }: Properties): Metric {
  const dimensions = list(Dimensions)
    .filter(isRecord)
    .map(({ Name, Value }) => [String(Name), String(Value)]);
  return { namespace: String(Namespace), name: String(MetricName), dimensions: Object.fromEntries(dimensions) };
}

function statisticOf(value: unknown, refuse: Refuse): StatisticName {
  if (value === 'Sum' || value === 'Maximum' || value === 'Minimum' || value === 'p99') return value;
  throw refuse(`it knows no statistic ${value}`);
}

function periodOf(value: unknown, refuse: Refuse): number {
  if (Number.isInteger(value) && Number(value) > 0 && Number(value) % 60 === 0) return Number(value);
  throw refuse(`a period of ${value} s is not a number of minutes`);
}

function requireKnown(
  { namespace, name, dimensions }: Metric,
  { filters, own }: { filters: readonly MetricFilter[]; own: OwnMetrics | undefined },
  refuse: Refuse,
): void {
  const names = Object.keys(dimensions).sort();
  const isFiltered = filters.some(({ metric }) => metric.namespace === namespace && metric.name === name);
  const allowed = isFiltered
    ? [[]]
    : namespace === own?.namespace
      ? own.dimensions
      : IMPLIED_METRICS[namespace]?.[name];
  if (!allowed) throw refuse(`nothing here reports the metric ${namespace} ${name}`);
  if (allowed.some((each) => each.toSorted().join() === names.join())) return;
  throw refuse(`nothing here reports ${namespace} ${name} by ${names.join(', ') || 'no dimension'}`);
}

function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
