import type { SendingDomain } from '../../contract.ts';
import type { JsonObject } from '../../domain/json.ts';
import { COUNTED_TYPES } from '../../domain/ledger/witness.ts';
import type { AccountDomain } from '../../domain/webhooks/domain-drift.ts';
import {
  CLASSIFIED_FAILURES,
  eventOfLog,
  FAILED_WEBHOOKS,
  isOfDomain,
  type ListedClass,
  readAccountWebhooks,
  readClassesPage,
  readDomainsPage,
  readDomainWebhooks,
  readEventsPage,
  readHours,
  readLogsPage,
  readRedaction,
} from '../../formats/mailgun-replies.ts';
import {
  type AccountDomains,
  ListingError,
  type ListingFallback,
  type ListingRequest,
  type MailgunClasses,
  type MailgunMetrics,
  type MailgunSource,
  type RedactionSwitch,
  type RegisteredWebhooks,
} from '../../reconcile/ports.ts';
import { baseUrlOf, type MailgunAccess, requestMailgun } from './mailgun-client.ts';

const EVENTS_PER_PAGE = 300;

/**
 * Creates a client of Mailgun's Events API (`GET /v3/{domain}/events`). Every page has a `next`; an empty page is the
 * end.
 */
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
      return readOrThrow(readEventsPage, body);
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

/** Returns true if a URL leads to a host that the key may be sent to. */
function isOf(base: string, url: string): boolean {
  if (!URL.canParse(url)) return false;
  const { origin, username, password } = new URL(url);
  return origin === new URL(base).origin && username === '' && password === '';
}

const LOGS_PER_PAGE = 100;
export const LOGS_PATH = '/v1/analytics/logs';

/**
 * Creates a client of Mailgun's Logs API (`POST /v1/analytics/logs`), which covers the whole account, filtered by one
 * domain.
 */
export function createMailgunLogs(access: MailgunAccess): MailgunSource {
  const readPage = async (
    { domain, begin, end, deadlineMs, onRateLimited }: ListingRequest,
    options: object,
    pagination: object,
  ) => {
    const request = {
      start: rfc2822(begin),
      end: rfc2822(end),
      filter: {
        AND: [{ attribute: 'domain', comparator: '=', values: [{ label: domain.name, value: domain.name }] }],
      },
      include_subaccounts: false,
      ...options,
      pagination: { sort: 'timestamp:asc', ...pagination },
    };
    const body = await requestMailgun(
      access,
      `${baseUrlOf(access, domain.region)}${LOGS_PATH}`,
      { method: 'POST', body: JSON.stringify(request), headers: { 'content-type': 'application/json' } },
      { deadlineMs, onRateLimited },
    );
    return readOrThrow(readLogsPage, body);
  };
  return {
    async page(request) {
      const { domain, position } = request;
      const token = position?.replace(AFTER_EMPTY, '');
      const page = { limit: LOGS_PER_PAGE, ...(token && { token }) };
      const { items, next, total } = await readPage(request, token ? {} : TOTALS, page);
      return {
        events: items.filter((item) => isOfDomain(item, domain.name)).map(eventOfLog),
        next: endOf(items, next, position),
        ...(token === undefined && { total }),
      };
    },

    total: async (request) => (await readPage(request, TOTALS, { limit: 1 })).total,
  };
}

const TOTALS = { include_totals: true };

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

/** Returns a time as Mailgun's analytics APIs take it. */
function rfc2822(epochSeconds: number): string {
  return new Date(epochSeconds * 1000).toUTCString().replace('GMT', '+0000');
}

const METRICS = [...COUNTED_TYPES.map(({ countedAs }) => countedAs), FAILED_WEBHOOKS];
/** More than any request reads: a full page may not be the whole. */
const MAX_ROWS = 1000;

/**
 * Creates a client of Mailgun's Metrics API (`POST /v1/analytics/metrics`), which covers the whole account: hourly
 * counts, filtered by one domain.
 */
export function createMailgunMetrics(access: MailgunAccess): MailgunMetrics {
  return {
    async hours({ name, region }, from, to, deadlineMs) {
      const request = {
        start: rfc2822(from),
        end: rfc2822(to - 1),
        resolution: 'hour',
        dimensions: ['time'],
        metrics: METRICS,
        filter: { AND: [{ attribute: 'domain', comparator: '=', values: [{ label: name, value: name }] }] },
        include_subaccounts: false,
        include_aggregates: false,
        pagination: { sort: 'time:asc', skip: 0, limit: MAX_ROWS },
      };
      const body = await requestMailgun(
        access,
        `${baseUrlOf(access, region)}/v1/analytics/metrics`,
        { method: 'POST', body: JSON.stringify(request), headers: { 'content-type': 'application/json' } },
        // The calls of a day are counted, and the next hour makes up for one that failed.
        { deadlineMs, maxAttempts: 1 },
      );
      const { hours, total = 0 } = readOrThrow(readHours, body);
      if (hours.length >= MAX_ROWS || total > hours.length) throw new ListingError('too-large');
      return hours.filter(({ start }) => start >= from && start < to);
    },
  };
}

/** Creates a client of Mailgun's domains (`/v4/domains`), by region; a custom base URL serves both regions. */
export function createMailgunDomains(access: MailgunAccess): AccountDomains {
  return {
    placeOf: ({ region }) => baseUrlOf(access, region),
    async listed(place, deadlineMs) {
      const get = (path: string) => requestMailgun(access, place + path, { method: 'GET' }, { deadlineMs });
      const domains = await readAccountDomains(get);
      if (domains === undefined) throw new ListingError('malformed', { cause: new Error('the list is not whole') });
      return domains;
    },
    async has(domain, deadlineMs) {
      return (await readDomain(access, domain, deadlineMs)).domain !== undefined;
    },
  };
}

/** Reads the webhooks registered at Mailgun, of a domain (API v3) and of the account in that region (v1). */
export function createMailgunWebhooks(access: MailgunAccess): RegisteredWebhooks {
  return {
    async ofDomain({ name, region }, deadlineMs) {
      const url = `${baseUrlOf(access, region)}/v3/domains/${encodeURIComponent(name)}/webhooks`;
      return readOrThrow(readDomainWebhooks, await requestMailgun(access, url, { method: 'GET' }, { deadlineMs }));
    },
    async ofAccount(region, deadlineMs) {
      const url = `${baseUrlOf(access, region)}/v1/webhooks`;
      // A 404 is not retried: the account has no such webhooks.
      const body = await requestMailgun(access, url, { method: 'GET' }, { deadlineMs, absent: { webhooks: [] } });
      return readOrThrow(readAccountWebhooks, body);
    },
  };
}

function readOrThrow<Reply>(read: (body: JsonObject) => Reply | undefined, body: JsonObject): Reply {
  const reply = read(body);
  if (reply === undefined) throw new ListingError('malformed');
  return reply;
}

/** Returns true if Mailgun redacts the webhooks of a domain, by its page of the domain. */
export function createRedactionSwitch(access: MailgunAccess): RedactionSwitch {
  return {
    async isOn(domain, deadlineMs) {
      return readRedaction(await readDomain(access, domain, deadlineMs));
    },
  };
}

/** Returns Mailgun's page of a domain (`/v4/domains/{name}`); an empty one where Mailgun does not have the domain. */
function readDomain(access: MailgunAccess, { name, region }: SendingDomain, deadlineMs: number): Promise<JsonObject> {
  const url = `${baseUrlOf(access, region)}/v4/domains/${encodeURIComponent(name)}`;
  return requestMailgun(access, url, { method: 'GET' }, { deadlineMs, absent: {} });
}

const DOMAINS_PER_PAGE = 1000;
const MAX_DOMAIN_PAGES = 20;

/**
 * Returns all domains of an account in one region, those of its subaccounts included; undefined where the pages are not
 * the whole, since a domain that is not listed would read as gone. `get` returns the body at a path.
 */
export async function readAccountDomains(
  get: (path: string) => Promise<unknown>,
): Promise<AccountDomain[] | undefined> {
  const found = new Map<string, AccountDomain>();
  let read = 0;
  for (let page = 0; page < MAX_DOMAIN_PAGES; page += 1) {
    const query = `limit=${DOMAINS_PER_PAGE}&skip=${read}&sort=name&include_subaccounts=true`;
    const reply = readDomainsPage(await get(`/v4/domains?${query}`));
    if (reply === undefined) return undefined;
    const { domains, total } = reply;
    for (const domain of domains) found.set(domain.name, domain);
    read += domains.length;
    // After a full page another may follow, whatever the total counts.
    const isLast = domains.length === 0 || (total > 0 && read >= total && domains.length < DOMAINS_PER_PAGE);
    if (isLast) return found.size < total ? undefined : [...found.values()];
  }
  return undefined;
}

export const CLASSES_PATH = '/v2/bounce-classification/metrics';
/** Mailgun's maximum per page. */
const CLASSES_PER_PAGE = 50;
const MAX_CLASS_PAGES = 5;

interface ClassesQuery {
  /** Epoch seconds; `to` is excluded. */
  from: number;
  to: number;
  dimensions: readonly string[];
  /** Fields that every failure has, by attribute. */
  of: Readonly<Record<string, string>>;
  skip?: number;
}

/** Returns the body of a request for a page of classes. */
export function classesRequest({ from, to, dimensions, of, skip = 0 }: ClassesQuery) {
  return {
    start: rfc2822(from),
    end: rfc2822(to - 1),
    resolution: 'day',
    dimensions,
    metrics: [CLASSIFIED_FAILURES],
    filter: {
      AND: Object.entries(of).map(([attribute, value]) => ({
        attribute,
        comparator: '=',
        values: [{ label: value, value }],
      })),
    },
    include_subaccounts: false,
    pagination: { sort: 'entity-name:asc', skip, limit: CLASSES_PER_PAGE },
  };
}

/**
 * Creates a client of Mailgun's Bounce Classification (`POST /v2/bounce-classification/metrics`), which not every plan
 * includes.
 */
export function createMailgunClasses(access: MailgunAccess): MailgunClasses {
  return {
    async ofDomain({ name, region }, { from, to }, deadlineMs) {
      const url = baseUrlOf(access, region) + CLASSES_PATH;
      const rows: ListedClass[] = [];
      for (let page = 0; page < MAX_CLASS_PAGES; page += 1) {
        const query = { from, to, dimensions: ['entity-name', 'category', 'severity'], of: { 'domain.name': name } };
        const absent: JsonObject = {};
        const body = await requestMailgun(
          access,
          url,
          {
            method: 'POST',
            body: JSON.stringify(classesRequest({ ...query, skip: page * CLASSES_PER_PAGE })),
            headers: { 'content-type': 'application/json' },
          },
          // The next day makes up for a call that failed.
          { deadlineMs, maxAttempts: 1, absent },
        );
        if (body === absent) return undefined;
        const found = readClassesPage(body);
        if (found === undefined) throw new ListingError('malformed');
        rows.push(...found.classes);
        const isLast = found.total === undefined ? found.classes.length < CLASSES_PER_PAGE : rows.length >= found.total;
        if (isLast) return { rows, isWhole: true };
        if (found.classes.length === 0) break;
      }
      return { rows, isWhole: false };
    },
  };
}
