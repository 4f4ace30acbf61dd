import { isObject } from '../domain/canonical.ts';

/** A parameter that is missing or wrong, by its name. */
export type BadParameter = { ok: false; parameter: string };
export type Parsed<T> = { ok: true; query: T } | BadParameter;

/** Parameters of a query string or of a search's body, by name. */
export interface Parameters {
  get(name: string): string | null | undefined;
}

const DAY_MS = 86_400_000;
/** The longest stretch of one answer. */
const MOST_DAYS = 31;
const MOST_LIMIT = 1000;
const USUAL_LIMIT = 100;
const MOST_BODY_BYTES = 65_536;

/** The parameters of a search, whose body is a JSON object of texts and numbers; a null is no parameter. */
export function readBody(body: Uint8Array): Parsed<Parameters> {
  const bad = (parameter: string): BadParameter => ({ ok: false, parameter });
  if (body.byteLength > MOST_BODY_BYTES) return bad('body');
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body));
  } catch {
    return bad('body');
  }
  if (!isObject(value)) return bad('body');
  const parameters = new Map<string, string>();
  for (const [name, content] of Object.entries(value)) {
    if (content === null) continue;
    if (typeof content !== 'string' && typeof content !== 'number') return bad(name);
    parameters.set(name, String(content));
  }
  return { ok: true, query: parameters };
}

/** `domain`, `from` (a day ago) and `to` (now) of a query, in epoch seconds. Only the configured domains have a ledger. */
export function readLedgerQuery(
  query: Parameters,
  domains: readonly string[],
  nowMs: number,
): Parsed<{ domain: string; from: number; to: number }> {
  const domain = readDomain(query, domains);
  if (domain === undefined) return { ok: false, parameter: 'domain' };
  const range = readRange(query, nowMs);
  if (!range.ok) return range;
  const [from, to] = [range.query.fromMs, range.query.toMs].map((ms) => Math.floor(ms / 1000)) as [number, number];
  return from < to ? { ok: true, query: { domain, from, to } } : { ok: false, parameter: 'from' };
}

/** One of ours; without one, our only one. */
export function readDomain(query: Parameters, domains: readonly string[]): string | undefined {
  const domain = textOf(query, 'domain')?.toLowerCase() ?? (domains.length === 1 ? domains[0] : undefined);
  return domain !== undefined && domains.includes(domain) ? domain : undefined;
}

/** A stretch of time in epoch milliseconds; the end does not belong to it. */
export interface Range {
  fromMs: number;
  toMs: number;
}

/** Whether a value of a cursor is a range that could be asked for. */
export function isRange(value: unknown): value is Range {
  const { fromMs, toMs } = (value ?? {}) as Record<string, unknown>;
  if (!Number.isSafeInteger(fromMs) || !Number.isSafeInteger(toMs)) return false;
  const [from, to] = [fromMs as number, toMs as number];
  return from >= 0 && from < to && to - from <= MOST_DAYS * DAY_MS;
}

/** `day`, or `from` (a day before the end) and `to` (now), at most 31 days apart. */
export function readRange(query: Parameters, nowMs: number): Parsed<Range> {
  const day = textOf(query, 'day');
  if (day !== undefined) {
    const fromMs = /^\d{4}-\d{2}-\d{2}$/.test(day) ? Date.parse(day) : Number.NaN;
    const isDay = fromMs >= 0 && new Date(fromMs).toISOString().startsWith(day);
    if (!isDay || textOf(query, 'from') || textOf(query, 'to')) return { ok: false, parameter: 'day' };
    return { ok: true, query: { fromMs, toMs: fromMs + DAY_MS } };
  }
  const toMs = timeOf(textOf(query, 'to'), Math.ceil(nowMs / 1000) * 1000);
  if (toMs === undefined) return { ok: false, parameter: 'to' };
  const fromMs = timeOf(textOf(query, 'from'), Math.max(0, toMs - DAY_MS));
  if (fromMs === undefined || fromMs >= toMs || toMs - fromMs > MOST_DAYS * DAY_MS) {
    return { ok: false, parameter: 'from' };
  }
  return { ok: true, query: { fromMs, toMs } };
}

/** `from` and `to` where they are given; all of time where not. */
export function readOpenRange(query: Parameters): Parsed<Range> {
  const toMs = timeOf(textOf(query, 'to'), LAST_MS);
  if (toMs === undefined) return { ok: false, parameter: 'to' };
  const fromMs = timeOf(textOf(query, 'from'), 0);
  return fromMs === undefined || fromMs >= toMs
    ? { ok: false, parameter: 'from' }
    : { ok: true, query: { fromMs, toMs } };
}

/** 1 to 1000; 100 where it is not given. */
export function readLimit(query: Parameters): number | undefined {
  const text = textOf(query, 'limit');
  if (text === undefined) return USUAL_LIMIT;
  const limit = /^\d{1,4}$/.test(text) ? Number(text) : 0;
  return limit >= 1 && limit <= MOST_LIMIT ? limit : undefined;
}

/** A parameter's text; undefined where it is not given. */
export function textOf(query: Parameters, name: string): string | undefined {
  return query.get(name) ?? undefined;
}

const LAST_MS = 9_999_999_999_999;
const ISO = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:\d{2}))?$/;

/** Epoch seconds, or ISO 8601 with an offset; a date alone is its midnight in UTC. In epoch milliseconds. */
function timeOf(text: string | undefined, standardMs: number): number | undefined {
  if (text === undefined) return standardMs;
  if (/^\d{1,10}(\.\d+)?$/.test(text)) return Math.floor(Number(text) * 1000);
  // A plus sign that was not escaped arrives as a space.
  const iso = text.replace(' ', '+');
  const ms = ISO.test(iso) ? Date.parse(iso) : Number.NaN;
  return ms >= 0 && ms <= LAST_MS ? ms : undefined;
}
