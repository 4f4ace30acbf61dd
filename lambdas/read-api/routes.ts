import { MAX_ADDRESS_READS, MAX_DOMAIN_HOURS, MAX_ENGAGEMENT_LIMIT } from '../../api/parameters.ts';
import { type BadParameter, badParameter, type RawParameters, readParameters } from '../../api/read-parameters.ts';
import { type Operation, type Query, type ReadRoutes, readRoutes } from '../../api/routes.ts';
import { DAY_MS, HOUR_SECONDS, UNKNOWN_DOMAIN } from '../contract.ts';
import { openPage, type Page, type Paged } from './http/paging.ts';
import { isToCome, MAX_DAYS, openRangeOf, type RangeQuery, rangeOf, TO_COME } from './http/range.ts';
import { type ConfirmedCheck, confirmEntries, type JudgedEntry } from './messages/confirmed.ts';
import { emptyFilter, eventPredicate } from './messages/event-filter.ts';
import { type createEvents, isEventsPosition, nameCheck, typesOf } from './messages/events.ts';
import { type createMails, MAIL_TYPE } from './messages/mails.ts';
import { type createMessages, isMessagePosition } from './messages/messages.ts';
import type { StoredEvent } from './ports.ts';
import { type createDeliveries, isDeliveriesPosition } from './receivers/deliveries.ts';
import type { createReceivers } from './receivers/receivers.ts';
import { isRecipientPlace } from './recipients/recipient-places.ts';
import { type createRecipientSearch, isSearchPosition } from './recipients/recipient-search.ts';
import type { createRecipients } from './recipients/recipients.ts';
import { createSuppressionCheck } from './recipients/suppression-check.ts';
import { type createSuppressionPages, isSuppressionListPosition } from './recipients/suppression-list.ts';
import type { createSuppressions } from './recipients/suppressions.ts';
import type { createCampaigns } from './reports/campaigns.ts';
import type { createHealth } from './reports/health.ts';
import type { createLedger } from './reports/ledger.ts';
import { bucketRange, type createStats } from './reports/stats.ts';
import type { createTail } from './tail/tail.ts';
import { isTailPosition, type TailPosition, tailStart } from './tail/tail-position.ts';

interface RouteDeps {
  /** Returns for events whether Mailgun lists them. */
  confirmed: ConfirmedCheck;
  messages: ReturnType<typeof createMessages>;
  recipients: ReturnType<typeof createRecipients>;
  mails: ReturnType<typeof createMails>;
  events: ReturnType<typeof createEvents>;
  tail: ReturnType<typeof createTail>;
  recipientSearch: ReturnType<typeof createRecipientSearch>;
  /** Returns the keys under which a recipient may be stored, today's first. */
  recipientKeys: (recipient: string) => readonly string[];
  suppressions: ReturnType<typeof createSuppressions>;
  suppressionList: ReturnType<typeof createSuppressionPages>;
  ledger: ReturnType<typeof createLedger>;
  stats: ReturnType<typeof createStats>;
  receivers: ReturnType<typeof createReceivers>;
  deliveries: ReturnType<typeof createDeliveries>;
  campaigns: ReturnType<typeof createCampaigns>;
  health: ReturnType<typeof createHealth>;
  /** Sending domains, lower case. */
  domains: readonly string[];
  /** Those of them that have or had a ledger, and so statistics. */
  withLedger: readonly string[];
  /** Meant where none is named; undefined where there are several. */
  only: string | undefined;
  receiverNames: readonly string[];
  now: () => number;
}

export type RouteResult =
  | { readonly ok: true; readonly body: object; readonly next?: string | null }
  | { readonly ok: false; readonly reason: 'unknown-message' }
  | BadParameter;

type UseCases = { readonly [Name in Operation]: (query: Query<Name>) => Promise<RouteResult> };

/** Returns every route, and what reads it with the parameters of a request. */
export function createRoutes(deps: RouteDeps) {
  const routes = readRoutes(deps.domains, deps.receiverNames, deps.only);
  const useCases = createUseCases(deps);
  return {
    routes,
    async read<Name extends Operation>(operation: Name, raw: RawParameters): Promise<RouteResult> {
      const parsed = readParameters<ReadRoutes[Name]['parameters']>(routes[operation].parameters, raw);
      return parsed.ok ? (emptyFilter(parsed.query) ?? useCases[operation](parsed.query)) : parsed;
    },
  };
}

function createUseCases(deps: RouteDeps): UseCases {
  const { domains, only, now } = deps;
  const checkSuppressions = createSuppressionCheck(deps.suppressions);
  return {
    getMessage: (query) =>
      paged('getMessage', query, isMessagePosition, (page) => confirm(deps.messages({ messageId: query.id, ...page }))),
    async getRecipient(query) {
      const range = openRangeOf(query, now());
      if ('ok' in range) return range;
      const tooMany = tooManyToCount(query);
      if (tooMany !== undefined) return tooMany;
      const { address: recipient, status, tag } = query;
      const engagement = query.engagement === 'true';
      const keys = deps.recipientKeys(recipient);
      const isPosition = (value: unknown) => isRecipientPlace(value, keys.length, range);
      return paged('getRecipient', query, isPosition, (page) =>
        deps.recipients({ recipient, keys, range, status, tag, engagement, ...page }),
      );
    },
    async listMails(query) {
      const range = rangeOf(query, now());
      if ('ok' in range) return range;
      const tooMany = tooManyToCount(query);
      if (tooMany !== undefined) return tooMany;
      const { domain, status, tag } = query;
      const engagement = query.engagement === 'true';
      const isPosition = (value: unknown) => isEventsPosition(value, MAIL_TYPE, query, now());
      return paged('listMails', query, isPosition, (page) =>
        deps.mails({ domain, status, tag, engagement, range, ...page }),
      );
    },
    listEvents,
    async searchEvents({ recipient, ...query }) {
      if (recipient !== undefined) return search({ recipient, ...query });
      const domain = query.domain ?? only;
      return domain === undefined ? badParameter('domain', 'is missing') : listEvents({ ...query, domain });
    },
    tailEvents: tail,
    getSuppressions: async ({ address, domain, tag, causes }) => ({
      ok: true,
      body: await deps.suppressions({
        recipient: address,
        domain,
        tags: tag,
        causesUnder: causes === 'true' ? deps.recipientKeys(address) : undefined,
      }),
    }),
    async checkSuppressions({ addresses, domain, tag }) {
      const keys = [...new Set(addresses)].flatMap(deps.recipientKeys);
      if (keys.length > MAX_ADDRESS_READS) {
        return badParameter('addresses', 'must be fewer: those beyond ASCII take several reads each');
      }
      return { ok: true, body: await checkSuppressions({ addresses, domain, tags: tag }) };
    },
    async listSuppressions({ since, ...query }) {
      if (since !== undefined && isToCome(since, now())) return badParameter('since', TO_COME);
      const list = { domain: query.domain, kind: query.kind, sinceMs: since ?? 0 };
      return paged(
        'listSuppressions',
        { since, ...query },
        (value) => isSuppressionListPosition(value, list),
        (page) => deps.suppressionList({ ...list, ...page }),
      );
    },
    getLedger: (query) => overRange(query, async (range) => deps.ledger({ domain: query.domain, ...range })),
    async getStats({ domain, tag, by, per, ...query }) {
      if (by !== 'tag' && tag !== undefined) return badParameter('tag', `cannot be combined with by=${by}`);
      const own = by === 'domain' ? undefined : only;
      const chosen = domain ?? own;
      const wanted = chosen !== undefined ? [chosen] : deps.withLedger;
      if (by !== 'domain' && wanted.length > 1) return badParameter('domain', 'is missing');
      const range = secondsOf(query);
      if ('ok' in range) return range;
      const { from, to } = bucketRange(range, per);
      const most = Math.floor(MAX_DOMAIN_HOURS / wanted.length);
      if (to - from > most * HOUR_SECONDS) {
        const fitting = `${most} hours, in whole ${per}s`;
        return badParameter('domain', `is missing: ${wanted.length} domains are read for up to ${fitting}`);
      }
      return { ok: true, body: await deps.stats({ domains: wanted, tag, by, per, ...range }) };
    },
    getReceivers: async (query) => ({ ok: true, body: await deps.receivers(query) }),
    async listDeliveries(query) {
      const range = secondsOf(query);
      if ('ok' in range) return range;
      const { receiver, state, id, message } = query;
      const isPosition = (value: unknown) => isDeliveriesPosition(value, query, now());
      return paged('listDeliveries', query, isPosition, (page) =>
        deps.deliveries({ receiver, state, id, message, range, ...page }),
      );
    },
    async getCampaign({ domain, tag, ...query }) {
      // The whole month, since a campaign is mostly looked at days after it was sent.
      const to = query.to ?? Math.ceil(now() / 1000) * 1000;
      const from = query.from ?? Math.max(0, to - MAX_DAYS * DAY_MS);
      return overRange({ from, to }, async (range) => deps.campaigns({ domain, tag, ...range }));
    },
    getHealth: async () => ({ ok: true, body: await deps.health() }),
  };

  async function listEvents(query: Query<'listEvents'>): Promise<RouteResult> {
    const range = rangeOf(query, now());
    if ('ok' in range) return range;
    const { domain, type } = query;
    const isPosition = (value: unknown) => isEventsPosition(value, type, query, now());
    const predicate = eventPredicate(query);
    return paged('listEvents', query, isPosition, (page) =>
      confirm(deps.events({ domain, type, predicate, range, ...page })),
    );
  }

  async function search(query: Query<'searchEvents'> & { recipient: string }): Promise<RouteResult> {
    const range = openRangeOf(query, now());
    if ('ok' in range) return range;
    const { recipient, domain, type } = query;
    const keys = deps.recipientKeys(recipient);
    const isPosition = (value: unknown) => isSearchPosition(value, { keys, type });
    const predicate = eventPredicate(query);
    return paged('searchEvents', query, isPosition, (page) =>
      confirm(deps.recipientSearch({ keys, domain, type, predicate, ...range, ...page })),
    );
  }

  async function tail({ from, ...query }: Query<'tailEvents'>): Promise<RouteResult> {
    const nowMs = now();
    // A tail that keeps its `from` goes on for longer than it may begin back.
    const fromMs = (query.cursor === undefined ? from : undefined) ?? nowMs;
    if (fromMs > nowMs) return badParameter('from', TO_COME);
    if (fromMs < nowMs - MAX_DAYS * DAY_MS) return badParameter('from', `must be at most ${MAX_DAYS} days ago`);
    const { domain, type, recipient } = query;
    const places = domain === undefined ? [...domains, UNKNOWN_DOMAIN] : [domain];
    const keys = recipient === undefined ? undefined : deps.recipientKeys(recipient);
    const predicate = eventPredicate(query);
    const filter = {
      domains: places,
      types: typesOf(type),
      isWantedPlace: nameCheck(type) ?? (() => true),
      isWanted: ({ recipientKey, event }: StoredEvent) =>
        (keys?.includes(recipientKey) ?? true) && (predicate?.(event) ?? true),
    };
    const isPosition = (value: unknown) => isTailPosition(value, type, nowMs);
    const read = ({ limit, position = tailStart(fromMs) }: { limit: number; position: TailPosition | undefined }) =>
      confirm(deps.tail({ ...filter, limit, position, nowMs }));
    return paged('tailEvents', query, isPosition, read, RESTART_TAIL);
  }

  /** Notes in a page which of its events Mailgun lists. */
  async function confirm<Found extends { judged: readonly JudgedEntry[] } | undefined>(
    reading: Promise<Found>,
  ): Promise<Found> {
    const page = await reading;
    if (page !== undefined) await confirmEntries(deps.confirmed, page.judged);
    return page;
  }

  async function overRange(query: RangeQuery, read: (range: { from: number; to: number }) => Promise<object>) {
    const range = secondsOf(query);
    return 'ok' in range ? range : { ok: true as const, body: await read(range) };
  }

  /** Returns the range in whole seconds, the unit of both ledgers. */
  function secondsOf(query: RangeQuery): { from: number; to: number } | BadParameter {
    const range = rangeOf(query, now());
    if ('ok' in range) return range;
    const [from, to] = [Math.floor(range.fromMs / 1000), Math.floor(range.toMs / 1000)];
    return from < to ? { from, to } : badParameter('from', 'must be at least a second before to');
  }
}

function tooManyToCount({ engagement, limit }: { engagement?: string | undefined; limit: number }) {
  if (engagement !== 'true' || limit <= MAX_ENGAGEMENT_LIMIT) return undefined;
  return badParameter('limit', `must be at most ${MAX_ENGAGEMENT_LIMIT} with engagement`);
}

/**
 * A cursor of an earlier version may be good no more. Tiers move on only as pages are read: only of a tail that has
 * caught up is it known how far back its rarest tier, swept a day apart, may have left events.
 */
const RESTART_TAIL =
  '; if it was, omit it and start again with `from` two days before the last page with `behind: false` was read ' +
  '(without one, as at first), then drop what was read before';

/** Reads one page; an undefined page is a message that is not known. */
async function paged<Query extends Paged, Position>(
  operation: Operation,
  query: Query,
  isPosition: (value: unknown) => value is Position,
  read: (page: { limit: number; position: Position | undefined }) => Promise<Page<object, Position> | undefined>,
  otherwise = '',
): Promise<RouteResult> {
  const page = openPage(operation, query, isPosition);
  if (page === undefined) {
    return badParameter('cursor', `must be \`next\` of the page before, of the same query${otherwise}`);
  }
  const found = await read({ limit: page.limit, position: page.position });
  return found === undefined ? { ok: false, reason: 'unknown-message' } : page.resultOf(found);
}
