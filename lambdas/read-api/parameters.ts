import type { LedgerQuery } from './ledger.ts';

/** A parameter that is missing or wrong, by its name. */
export type BadParameter = { ok: false; parameter: string };

const DAY_SECONDS = 86_400;
/** The longest stretch of one answer. */
const MOST_DAYS = 31;

/** `domain`, `from` (a day ago) and `to` (now) of a query. Only the configured domains have a ledger. */
export function readLedgerQuery(
  query: URLSearchParams,
  domains: readonly string[],
  nowMs: number,
): { ok: true; query: LedgerQuery } | BadParameter {
  const domain = query.get('domain')?.toLowerCase() ?? (domains.length === 1 ? domains[0] : undefined);
  if (domain === undefined || !domains.includes(domain)) return { ok: false, parameter: 'domain' };
  const to = timeOf(query.get('to'), Math.ceil(nowMs / 1000));
  if (to === undefined) return { ok: false, parameter: 'to' };
  const from = timeOf(query.get('from'), to - DAY_SECONDS);
  if (from === undefined || from >= to || to - from > MOST_DAYS * DAY_SECONDS) return { ok: false, parameter: 'from' };
  return { ok: true, query: { domain, from, to } };
}

const ISO = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:\d{2}))?$/;

/** Epoch seconds, or ISO 8601 with an offset; a date alone is its midnight in UTC. */
function timeOf(text: string | null, standard: number): number | undefined {
  if (text === null) return standard;
  if (/^\d{1,10}(\.\d+)?$/.test(text)) return Math.floor(Number(text));
  // A plus sign that was not escaped arrives as a space.
  const iso = text.replace(' ', '+');
  const ms = ISO.test(iso) ? Date.parse(iso) : Number.NaN;
  return Number.isFinite(ms) ? Math.floor(ms / 1000) : undefined;
}
