import { isObject, type Json, type JsonObject } from '../../domain/canonical.ts';
import { textAt, valueAt } from '../../domain/events/event.ts';
import { parseJson } from '../../domain/json.ts';
import { ListingError, type ListingFallback, type ListingRequest, type MailgunSource } from '../../reconcile/ports.ts';
import { baseUrlOf, type MailgunAccess, objectsOf, requestMailgun } from './mailgun-client.ts';

const EVENTS_PER_PAGE = 300;

/** Mailgun's Events API (`GET /v3/{domain}/events`). `next` is always there; an empty page is the end. */
export function createMailgunEvents(access: MailgunAccess): MailgunSource {
  return {
    async page({ domain, begin, end, position, deadlineMs, onRateLimited }) {
      const base = baseUrlOf(access, domain.region);
      const query = new URLSearchParams({
        begin: String(begin),
        end: String(end),
        ascending: 'yes',
        limit: String(EVENTS_PER_PAGE),
      });
      const url = position ?? `${base}/v3/${encodeURIComponent(domain.name)}/events?${query}`;
      if (!isOf(base, url)) throw new ListingError('foreign-host');
      const body = await requestMailgun(access, url, { method: 'GET' }, { deadlineMs, onRateLimited });
      const events = objectsOf(body.items);
      const next = textAt(body, 'paging', 'next');
      if (events === undefined || (events.length > 0 && next === undefined)) throw new ListingError('malformed');
      return events.length === 0 ? { events } : { events, next };
    },
  };
}

const IN_LOGS = /^logs:/;

/**
 * Lists by the Events API until Mailgun has discontinued it (410), and by its successor from then on. A listing that is
 * under way at that moment ends with the failure, since its pages belong to one API; the next one is of the other.
 */
export function createMailgunListing(access: MailgunAccess, fallback: ListingFallback): MailgunSource {
  const [events, logs] = [createMailgunEvents(access), createMailgunLogs(access)];
  return {
    async page(request) {
      const { position } = request;
      const isOfEvents = position !== undefined && !IN_LOGS.test(position);
      if (isOfEvents || !fallback.hasFallen()) {
        try {
          return await events.page(request);
        } catch (error) {
          if (!(error instanceof ListingError) || error.reason !== 'discontinued') throw error;
          await fallback.fall();
          if (isOfEvents) throw error;
        }
      }
      const page = await logs.page({ ...request, position: position?.replace(IN_LOGS, '') });
      return { ...page, next: page.next && `logs:${page.next}` };
    },

    total: async (request) => (fallback.hasFallen() ? logs.total?.(request) : undefined),
  };
}

/** Returns whether a URL leads to a host that the key may be sent to. */
function isOf(base: string, url: string): boolean {
  if (!URL.canParse(url)) return false;
  const { origin, username, password } = new URL(url);
  return origin === new URL(base).origin && username === '' && password === '';
}

const LOGS_PER_PAGE = 100;
export const LOGS_PATH = '/v1/analytics/logs';

/** Mailgun's Logs API (`POST /v1/analytics/logs`): of the whole account, asked for one domain. */
export function createMailgunLogs(access: MailgunAccess): MailgunSource {
  const ask = (
    { domain, begin, end, deadlineMs, onRateLimited }: ListingRequest,
    asked: object,
    pagination: object,
  ) => {
    const request = {
      start: rfc2822(begin),
      end: rfc2822(end),
      filter: {
        AND: [{ attribute: 'domain', comparator: '=', values: [{ label: domain.name, value: domain.name }] }],
      },
      include_subaccounts: false,
      ...asked,
      pagination: { sort: 'timestamp:asc', ...pagination },
    };
    return requestMailgun(
      access,
      `${baseUrlOf(access, domain.region)}${LOGS_PATH}`,
      { method: 'POST', body: JSON.stringify(request), headers: { 'content-type': 'application/json' } },
      { deadlineMs, onRateLimited },
    );
  };
  return {
    async page(request) {
      const { domain, position } = request;
      const token = position?.replace(AFTER_EMPTY, '');
      const body = await ask(request, token ? {} : TOTALS, { limit: LOGS_PER_PAGE, ...(token && { token }) });
      const items = objectsOf(body.items ?? []);
      if (items === undefined) throw new ListingError('malformed');
      const next = textAt(body, 'pagination', 'next');
      return {
        events: items.filter((item) => isOfDomain(item, domain.name)).map(eventOfLog),
        next: endOf(items, next, position),
        ...(token === undefined && { total: totalOf(body) }),
      };
    },

    total: async (request) => totalOf(await ask(request, TOTALS, { limit: 1 })),
  };
}

const TOTALS = { include_totals: true };

/** Returns the number of events in the whole range; undefined where Mailgun does not say it. */
function totalOf(body: JsonObject): number | undefined {
  const total = valueAt(body, 'pagination', 'total');
  return typeof total === 'number' && Number.isSafeInteger(total) && total >= 0 ? total : undefined;
}

/** Marks a position that an empty page led to. */
const AFTER_EMPTY = /^after-empty:/;

/**
 * Returns the position after a page. An empty page may carry a token, and whether more follows is documented nowhere,
 * so it is followed once; a second empty page, or the token that was just used, ends the listing.
 */
function endOf(items: JsonObject[], next: string | undefined, position: string | undefined): string | undefined {
  if (next === undefined || next === '' || next === position?.replace(AFTER_EMPTY, '')) return undefined;
  if (items.length > 0) return next;
  return position !== undefined && AFTER_EMPTY.test(position) ? undefined : `after-empty:${next}`;
}

function isOfDomain(item: JsonObject, domain: string): boolean {
  return (textAt(item, 'domain', 'name') ?? domain).toLowerCase() === domain;
}

/** A log item in the shape of an event: times in epoch seconds, user variables as an object, one storage URL. */
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

/** Returns a time as Mailgun's analytics APIs take it. */
export function rfc2822(epochSeconds: number): string {
  return new Date(epochSeconds * 1000).toUTCString().replace('GMT', '+0000');
}
