import { StartupError } from '../run/startup-error.ts';
import { resourcesOfType } from '../template/resources.ts';
import { propertiesOf, type Stack } from '../template/stack.ts';
import { isRecord } from '../template/template.ts';
import type { Measure, Metric } from './metric.ts';

/** A metric that counts matching lines of a log group. */
export interface MetricFilter {
  /** Logical id. */
  readonly logGroupId: string;
  readonly metric: Metric;
  matches(line: unknown): boolean;
}

interface Properties {
  readonly LogGroupName?: unknown;
  readonly FilterPattern?: unknown;
  readonly MetricTransformations?: readonly Readonly<Record<string, unknown>>[];
}

/** Returns the template's metric filters, all on access logs; throws one sentence that names an unsupported one. */
export function readMetricFilters(stack: Stack, accessLogGroupIds: ReadonlySet<string>): MetricFilter[] {
  return resourcesOfType(stack.template, 'AWS::Logs::MetricFilter').map(([id, resource]) => {
    const { LogGroupName, FilterPattern, MetricTransformations = [] } = propertiesOf<Properties>(stack, id, resource);
    const refuse = (what: string) =>
      new StartupError(`The local stack does not know ${what} (metric filter ${id}).`, 1);
    const logGroupId = String(LogGroupName);
    if (!accessLogGroupIds.has(logGroupId)) throw refuse(`filters on log groups other than access logs`);
    const matches = parsePattern(String(FilterPattern));
    if (!matches) throw refuse(`the filter pattern ${FilterPattern}`);
    const [transformation = {}, ...others] = MetricTransformations;
    const { MetricNamespace, MetricName, MetricValue, Unit: _, ...rest } = transformation;
    if (others.length > 0 || MetricValue !== '1' || Object.keys(rest).length > 0) {
      throw refuse('metric transformations other than one of value "1" without default and dimensions');
    }
    return {
      logGroupId,
      metric: { namespace: String(MetricNamespace), name: String(MetricName), dimensions: {} },
      matches,
    };
  });
}

/** Applies all filters on a log group to one of its lines. */
export function measureLine(
  filters: readonly MetricFilter[],
  logGroupId: string,
  line: string,
  measure: Measure,
): void {
  const own = filters.filter((filter) => filter.logGroupId === logGroupId);
  if (own.length === 0) return;
  const entry = parseLine(line);
  for (const { metric, matches } of own) if (matches(entry)) measure(metric, 1);
}

const COMPARISONS: Readonly<Record<string, (value: number, limit: number) => boolean>> = {
  '=': (value, limit) => value === limit,
  '>': (value, limit) => value > limit,
  '>=': (value, limit) => value >= limit,
  '<': (value, limit) => value < limit,
  '<=': (value, limit) => value <= limit,
};

/** Compiles a pattern such as `{ $.status >= 500 && $.status < 600 }`; returns undefined for every other form. */
export function parsePattern(pattern: string): ((line: unknown) => boolean) | undefined {
  const [, inside] = /^\s*\{(.*)\}\s*$/.exec(pattern) ?? [];
  const terms = (inside ?? '').split('&&').map((term) => {
    const parsed = /^\s*\$\.([A-Za-z]\w*)\s*(=|>=|<=|>|<)\s*(-?\d+(?:\.\d+)?)\s*$/.exec(term);
    if (!parsed) return undefined;
    const [, field = '', operator = '', limit] = parsed;
    return (line: Record<string, unknown>) => {
      const value = line[field];
      if (typeof value === 'number') return COMPARISONS[operator]?.(value, Number(limit));
      // Access logs write numbers as strings, which can equal a number but are neither above nor below it.
      return operator === '=' && value === limit;
    };
  });
  if (terms.includes(undefined)) return undefined;
  return (line) => isRecord(line) && terms.every((term) => term?.(line));
}

function parseLine(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
