import { isObject, type Json, type JsonObject, parseJson } from '../domain/json.ts';
import type { BounceClass } from '../domain/ledger/bounce-classes.ts';
import { add, type Counts } from '../domain/ledger/counts.ts';
import { COUNTED_TYPES, type WitnessHour } from '../domain/ledger/witness.ts';
import type { AccountDomain } from '../domain/webhooks/domain-drift.ts';
import type { RegisteredWebhook } from '../domain/webhooks/webhook-drift.ts';

// Parses what Mailgun's APIs reply. Each function returns undefined where the reply is not of the documented form; a
// field that is absent or of another type is undefined. The events in a reply stay as they are.

const textOf = (value: unknown) => (typeof value === 'string' && value !== '' ? value : undefined);
const objectOf = (value: unknown): JsonObject => (isObject(value) ? value : {});
const objectsOf = (items: unknown) => (Array.isArray(items) ? items.filter(isObject) : undefined);

/**
 * Parses a page of the Events API (`GET /v3/{domain}/events`). An empty page is the last; any other links to the next.
 */
export function readEventsPage(body: JsonObject): { events: JsonObject[]; next?: string } | undefined {
  const events = objectsOf(body.items);
  const next = textOf(objectOf(body.paging).next);
  if (events?.length === 0) return { events };
  return events === undefined || next === undefined ? undefined : { events, next };
}

/** A page of the Logs API, or of its totals. */
interface LogsPage {
  items: JsonObject[];
  next: string | undefined;
  /** Number of events in the whole range. */
  total: number | undefined;
}

/** Parses a page of the Logs API (`POST /v1/analytics/logs`). */
export function readLogsPage(body: JsonObject): LogsPage | undefined {
  const items = objectsOf(body.items ?? []);
  const { next, total } = objectOf(body.pagination);
  return items && { items, next: textOf(next), total: isCount(total) ? total : undefined };
}

/** Returns true if a log item belongs to the domain; items without a domain do. */
export function isOfDomain(item: JsonObject, domain: string): boolean {
  return (textOf(objectOf(item.domain).name) ?? domain).toLowerCase() === domain;
}

/** Converts a log item to an event: times in epoch seconds, user variables as an object, one storage URL. */
export function eventOfLog(item: JsonObject): JsonObject {
  const { '@timestamp': time, 'user-variables': variables, storage, ...rest } = item;
  const ms = typeof time === 'string' ? Date.parse(time) : Number.NaN;
  return {
    ...rest,
    ...(Number.isFinite(ms) && { timestamp: ms / 1000 }),
    ...(variables !== undefined && { 'user-variables': parsedOr(variables) }),
    ...(storage !== undefined && { storage: withOneUrl(storage) }),
  };
}

function parsedOr(variables: Json): Json {
  if (typeof variables !== 'string') return variables;
  try {
    const parsed: unknown = parseJson(variables);
    return isObject(parsed) ? parsed : variables;
  } catch {
    return variables;
  }
}

function withOneUrl(storage: Json): Json {
  if (!isObject(storage) || !Array.isArray(storage.url)) return storage;
  const { url, ...rest } = storage;
  return { ...rest, ...(url[0] !== undefined && { url: url[0] }) };
}

/** Metric of webhooks that failed according to Mailgun. */
export const FAILED_WEBHOOKS = 'webhook_count';

/** Parses hours of the Metrics API (`POST /v1/analytics/metrics`), with the total if Mailgun includes it. */
export function readHours(body: JsonObject): { hours: WitnessHour[]; total: number | undefined } | undefined {
  const hours = objectsOf(body.items ?? [])?.map(hourOf);
  const { total } = objectOf(body.pagination);
  if (!hours?.every((hour) => hour !== undefined)) return undefined;
  return { hours, total: typeof total === 'number' ? total : undefined };
}

function hourOf(item: JsonObject): WitnessHour | undefined {
  const time = objectsOf(item.dimensions)?.find(({ dimension }) => dimension === 'time')?.value;
  const start = Math.floor((typeof time === 'string' ? Date.parse(time) : Number.NaN) / 1000);
  const metrics = objectOf(item.metrics);
  // A plan may not have all of them.
  const countOf = (name: string) => metrics[name] ?? 0;
  const failedWebhooks = countOf(FAILED_WEBHOOKS);
  const counts: Counts = {};
  for (const { id, countedAs } of COUNTED_TYPES) {
    const count = countOf(countedAs);
    if (!isCount(count)) return undefined;
    add(counts, id, count);
  }
  return Number.isFinite(start) && isCount(failedWebhooks) ? { start, counts, failedWebhooks } : undefined;
}

function isCount(value: Json | undefined): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

/** A class of failures as Mailgun lists it. */
export interface ListedClass extends BounceClass {
  readonly explanation: string | null;
}

/** Metric of the failures of a class. */
export const CLASSIFIED_FAILURES = 'classified_failures_count';

/** Parses a page of classes (`POST /v2/bounce-classification/metrics`), with the total if Mailgun includes it. */
export function readClassesPage(body: unknown): { classes: ListedClass[]; total: number | undefined } | undefined {
  const { items, pagination } = objectOf(body);
  if (!Array.isArray(items) || !items.every(isObject)) return undefined;
  const { total } = objectOf(pagination);
  return { classes: items.map(classOf), total: typeof total === 'number' ? total : undefined };
}

function classOf(item: JsonObject): ListedClass {
  const dimensions = objectsOf(item.dimensions) ?? [];
  // Its official clients know them in two forms.
  const dimension = (name: string) =>
    textOf(item[name]) ??
    dimensions.flatMap((each) => (each.dimension === name ? (textOf(each.value) ?? []) : []))[0] ??
    null;
  const failures = objectOf(item.metrics)[CLASSIFIED_FAILURES];
  return {
    entity: dimension('entity-name'),
    category: dimension('category'),
    severity: dimension('severity'),
    explanation: dimension('explanation'),
    failures: typeof failures === 'number' ? failures : 0,
  };
}

/** Parses a page of the account's domains (`GET /v4/domains`), with the total, 0 if Mailgun does not include it. */
export function readDomainsPage(body: unknown): { domains: AccountDomain[]; total: number } | undefined {
  const { items, total_count: total } = objectOf(body);
  const domains = Array.isArray(items) ? items.map(accountDomainOf) : undefined;
  if (!domains?.every((domain) => domain !== undefined)) return undefined;
  return { domains, total: typeof total === 'number' ? total : 0 };
}

function accountDomainOf(item: Json): AccountDomain | undefined {
  const { name, type, state, subaccount_id: subaccount } = objectOf(item);
  if (typeof name !== 'string' || name === '') return undefined;
  return {
    name: name.toLowerCase(),
    isOfSubaccount: textOf(subaccount) !== undefined,
    isActive: state === 'active' && type !== 'sandbox',
  };
}

/** Returns true if Mailgun redacts the webhooks of a domain, by its page (`GET /v4/domains/{name}`). */
export function readRedaction(body: JsonObject): boolean | undefined {
  const { webhooks_redact_pii: isOn } = objectOf(body.domain);
  return typeof isOn === 'boolean' ? isOn : undefined;
}

/** Parses the webhooks of a domain (`GET /v3/domains/{domain}/webhooks`). Old records hold one `url`. */
export function readDomainWebhooks(body: unknown): RegisteredWebhook[] | undefined {
  const { webhooks } = objectOf(body);
  if (!isObject(webhooks)) return undefined;
  return Object.entries(webhooks).flatMap(([type, record]) =>
    urlsOf(objectOf(record)).map((url) => ({ level: 'domain' as const, type, url })),
  );
}

/** A registration at the account, as Mailgun lists it. */
interface AccountWebhook {
  id: string | undefined;
  urls: string[];
  types: string[];
  /** When it was made; a later change leaves it as it is. */
  createdAt: string | undefined;
}

/** Parses the webhooks of the account (`GET /v1/webhooks`). */
export function readAccountHooks(body: unknown): AccountWebhook[] | undefined {
  return objectsOf(objectOf(body).webhooks)?.map((hook) => ({
    id: textOf(hook.webhook_id),
    urls: urlsOf(hook),
    types: textsOf(hook.event_types),
    createdAt: textOf(hook.created_at),
  }));
}

/** Parses the webhooks of the account into one entry per type and URL. */
export function readAccountWebhooks(body: unknown): RegisteredWebhook[] | undefined {
  return readAccountHooks(body)?.flatMap(({ types, urls }) =>
    types.flatMap((type) => urls.map((url) => ({ level: 'account' as const, type, url }))),
  );
}

function urlsOf({ urls, url }: JsonObject): string[] {
  return [...new Set([...textsOf(urls), ...textsOf([textOf(url) ?? null])])];
}

function textsOf(values: Json | undefined): string[] {
  return Array.isArray(values) ? values.filter((value) => typeof value === 'string') : [];
}
