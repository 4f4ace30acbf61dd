import type { Misbehaviour } from '../api/api-misbehaviour.ts';
import { type ApiResponse, BadRequestError, ok, parseTime, refusal } from '../api/api-response.ts';
import { type Fields, fieldsOf, isFields, timeText } from './analytics-request.ts';
import { type EventLog, FIRST, type LoggedEvent } from './event-log.ts';

const HOUR_SECONDS = 3600;
const FIELDS = new Set([
  ...['start', 'end', 'resolution', 'duration', 'dimensions', 'metrics', 'filter'],
  ...['pagination', 'include_subaccounts', 'include_aggregates'],
]);

type Counter = (events: readonly LoggedEvent[]) => number;

const of =
  (event: string, severity?: string): Counter =>
  (events) =>
    events.filter(({ data }) => data.event === event && (severity === undefined || data.severity === severity)).length;

const COUNTERS: Readonly<Record<string, Counter>> = {
  accepted_count: of('accepted'),
  delivered_count: of('delivered'),
  permanent_failed_count: of('failed', 'permanent'),
  temporary_failed_count: of('failed', 'temporary'),
  failed_count: of('failed'),
  opened_count: of('opened'),
  clicked_count: of('clicked'),
  unsubscribed_count: of('unsubscribed'),
  complained_count: of('complained'),
  stored_count: of('stored'),
};

export interface MetricsOptions {
  readonly log: EventLog;
  readonly misbehaviour: Misbehaviour;
  now(): number;
}

/** `POST /v1/analytics/metrics`: hourly counts of what happened, hidden events included. */
export function countMetrics({ log, misbehaviour, now }: MetricsOptions, request: unknown): ApiResponse {
  if (misbehaviour.metricsRefused) return refusal(403, 'Forbidden');
  const body = fieldsOf(request, FIELDS);
  const { resolution = 'day', dimensions = ['time'], metrics = [] } = body;
  if (resolution !== 'hour' || String(dimensions) !== 'time')
    throw new BadRequestError('the twin counts hours of time alone');
  const end = body.end === undefined ? now() : parseTime('end', body.end);
  const start = body.start === undefined ? end - 24 * HOUR_SECONDS : parseTime('start', body.start);
  const names = (metrics as unknown[]).map(String);
  const wrong = names.find((name) => !Object.hasOwn(COUNTERS, name) && name !== 'webhook_count');
  if (wrong !== undefined) throw new BadRequestError(`the twin has no metric ${wrong}`);
  const domain = domainIn(body.filter);
  const hours: Fields[] = [];
  for (let hour = startOf(start); hour <= end && hour <= now(); hour += HOUR_SECONDS) {
    const range = { from: [hour, FIRST] as const, until: hour + HOUR_SECONDS - 1e-6, upwards: true };
    const shows = (event: LoggedEvent) => domain === undefined || event.domain === domain;
    const events = log.read({ ...range, limit: Number.POSITIVE_INFINITY, shows });
    // An hour without mail is left out, or has zeros: both occur.
    if (events.length === 0 && hour % (2 * HOUR_SECONDS) === 0) continue;
    hours.push(row(hour, names, events, misbehaviour));
  }
  return ok({
    start: rfc2822(start),
    end: rfc2822(end),
    resolution,
    dimensions,
    pagination: { sort: 'time:asc', skip: 0, limit: 1000, total: hours.length },
    items: hours,
    aggregates: { metrics: {} },
  });
}

function row(hour: number, names: readonly string[], events: readonly LoggedEvent[], wish: Misbehaviour): Fields {
  const counted = wish.uniqueOpens ? withoutRepeatedOpens(events) : events;
  const failed = events.length > 0 ? (wish.failedWebhooks ?? 0) : 0;
  const value = rfc2822(hour);
  return {
    dimensions: [{ dimension: 'time', value, display_value: value }],
    metrics: Object.fromEntries(names.map((name) => [name, COUNTERS[name]?.(counted) ?? failed])),
  };
}

/** Keeps opens and clicks once per message and recipient. */
function withoutRepeatedOpens(events: readonly LoggedEvent[]): LoggedEvent[] {
  const seen = new Set<string>();
  return events.filter(({ data }) => {
    if (data.event !== 'opened' && data.event !== 'clicked') return true;
    const key = JSON.stringify([data.event, data.recipient, data.message]);
    return seen.size < seen.add(key).size;
  });
}

function domainIn(filter: unknown): string | undefined {
  if (filter === undefined) return undefined;
  const [condition, ...others] = isFields(filter) && Array.isArray(filter.AND) ? (filter.AND as unknown[]) : [];
  const { attribute, comparator, values } = isFields(condition) ? condition : {};
  const [value] = Array.isArray(values) ? (values as unknown[]) : [];
  const domain = isFields(value) ? value.value : undefined;
  if (attribute !== 'domain' || comparator !== '=' || typeof domain !== 'string' || others.length > 0) {
    throw new BadRequestError('the twin filters metrics by one domain alone');
  }
  return domain;
}

const startOf = (epochSeconds: number) => Math.floor(epochSeconds / HOUR_SECONDS) * HOUR_SECONDS;

const rfc2822 = (epochSeconds: number) => timeText(epochSeconds, '+0000');
