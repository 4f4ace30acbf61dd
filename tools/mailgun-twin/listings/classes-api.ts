import { type ApiResponse, BadRequestError, ok, parseLimit, parseTime, refusal } from '../api/api-response.ts';
import { type Fields, fieldsOf, isFields, timeText } from './analytics-request.ts';
import { FIRST, type LoggedEvent } from './event-log.ts';
import type { MetricsOptions } from './metrics-api.ts';

const DAY_SECONDS = 86_400;
const FIELDS = new Set([
  ...['start', 'end', 'resolution', 'duration', 'dimensions', 'metrics', 'filter'],
  ...['pagination', 'include_subaccounts'],
]);
const COUNTS = ['classified_failures_count', 'critical_bounce_count', 'non_critical_bounce_count'];

/** Dimensions of a class in the twin; Mailgun's own rules are not public. */
const DIMENSIONS: Readonly<Record<string, (event: LoggedEvent) => unknown>> = {
  'domain.name': ({ domain }) => domain,
  'recipient-domain': ({ data }) => domainOf(data),
  'entity-name': ({ data }) => domainOf(data),
  category: ({ data }) => data.reason,
  severity: ({ data }) => data.severity,
  'group-id': ({ data }) => statusOf(data).code,
};

/** `POST /v2/bounce-classification/metrics`: failures by class, without empty classes; some plans get a 403. */
export function countClasses({ log, misbehaviour, now }: MetricsOptions, request: unknown): ApiResponse {
  if (misbehaviour.classesRefused) return refusal(403, 'Forbidden');
  const body = fieldsOf(request, FIELDS);
  const end = body.end === undefined ? now() : parseTime('end', body.end);
  const start = body.start === undefined ? end - 7 * DAY_SECONDS : parseTime('start', body.start);
  const names = Array.isArray(body.dimensions) ? body.dimensions.map(String) : ['entity-name'];
  const metrics = Array.isArray(body.metrics) ? body.metrics.map(String) : COUNTS;
  const wrong = [...names.filter((name) => !DIMENSIONS[name]), ...metrics.filter((name) => !COUNTS.includes(name))];
  if (wrong.length > 0) throw new BadRequestError(`the twin has no ${wrong.join(', ')}`);
  const conditions = conditionsIn(body.filter);
  const shows = (event: LoggedEvent) =>
    event.data.event === 'failed' && conditions.every(([name, value]) => DIMENSIONS[name]?.(event) === value);
  const range = { from: [start, FIRST] as const, until: end, upwards: true, limit: Number.POSITIVE_INFINITY };
  const groups = new Map<string, LoggedEvent[]>();
  for (const event of log.read({ ...range, shows })) {
    const key = JSON.stringify(names.map((name) => DIMENSIONS[name]?.(event)));
    groups.set(key, [...(groups.get(key) ?? []), event]);
  }
  const { skip = 0, limit } = isFields(body.pagination) ? body.pagination : {};
  const from = Number(skip);
  const rows = [...groups.values()].map((events) => row(names, metrics, events));
  return ok({
    start: timeText(start, '+0000'),
    end: timeText(end, '+0000'),
    resolution: 'day',
    dimensions: names,
    pagination: { sort: 'entity-name:asc', skip: from, limit: parseLimit(limit, 50, 10), total: rows.length },
    items: rows.slice(from, from + parseLimit(limit, 50, 10)),
  });
}

function row(names: readonly string[], metrics: readonly string[], events: readonly LoggedEvent[]): Fields {
  const [first] = events;
  const permanent = events.filter(({ data }) => data.severity === 'permanent').length;
  const counts: Record<string, number> = {
    classified_failures_count: events.length,
    critical_bounce_count: permanent,
    non_critical_bounce_count: events.length - permanent,
  };
  return {
    ...Object.fromEntries(names.map((name) => [name, (first && DIMENSIONS[name]?.(first)) ?? null])),
    explanation: first && statusOf(first.data).message,
    'sample-text': first && statusOf(first.data).message,
    metrics: Object.fromEntries(metrics.map((name) => [name, counts[name] ?? 0])),
  };
}

function conditionsIn(filter: unknown): [name: string, value: unknown][] {
  const all = isFields(filter) && Array.isArray(filter.AND) ? (filter.AND as unknown[]) : [];
  return all.map((condition) => {
    const { attribute, comparator, values } = isFields(condition) ? condition : {};
    const [value, ...others] = Array.isArray(values) ? (values as unknown[]) : [];
    if (comparator !== '=' || others.length > 0 || !isFields(value) || DIMENSIONS[String(attribute)] === undefined) {
      throw new BadRequestError('the twin filters classes by single values alone');
    }
    return [String(attribute), value.value];
  });
}

type Data = LoggedEvent['data'];

const domainOf = ({ recipient }: Data) =>
  String(recipient ?? '')
    .replace(/^.*@/, '')
    .toLowerCase();

const statusOf = (data: Data): Fields => {
  const status = data['delivery-status'];
  return isFields(status) ? status : {};
};
