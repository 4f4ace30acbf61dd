import { bareMessageId } from '../domain/event.ts';
import type { QueryName } from './cursor.ts';
import { type createEvents, type EventQuery, isEventPlace } from './events.ts';
import type { createHealth } from './health.ts';
import type { createLedger, createStats } from './ledger.ts';
import { type createMessages, isMessagePosition } from './messages.ts';
import { type Answered, readPaging } from './paging.ts';
import {
  type BadParameter,
  isRange,
  type Parameters,
  readBody,
  readDomain,
  readLedgerQuery,
  readOpenRange,
  readRange,
  textOf,
} from './parameters.ts';
import { type createRecipientSearch, isSearchPosition } from './recipient-search.ts';
import { type createRecipients, isMessagePlace } from './recipients.ts';
import type { createSuppressions } from './suppressions.ts';

export interface RouteDeps {
  messages: ReturnType<typeof createMessages>;
  recipients: ReturnType<typeof createRecipients>;
  events: ReturnType<typeof createEvents>;
  recipientSearch: ReturnType<typeof createRecipientSearch>;
  suppressions: ReturnType<typeof createSuppressions>;
  ledger: ReturnType<typeof createLedger>;
  stats: ReturnType<typeof createStats>;
  health: ReturnType<typeof createHealth>;
  /** Sending domains, lower case. */
  domains: readonly string[];
  now: () => number;
}

export interface ReadRequest {
  /** What stands in the path behind the route's name; empty where nothing does. */
  named: string;
  query: URLSearchParams;
  body: Uint8Array;
}

export type Answer =
  | Answered
  | { ok: false; status: 404; reason: 'unknown-message' }
  | { ok: false; status: 400; reason: 'bad-parameter'; parameter: string };

export interface Route {
  method: 'GET' | 'POST';
  /** Path below /mailgun; `{…}` is the rest of it, whatever it holds, and may be given as a parameter instead. */
  path: string;
  read(request: ReadRequest): Promise<Answer>;
}

const refuse = ({ parameter }: Pick<BadParameter, 'parameter'>): Answer => ({
  ok: false,
  status: 400,
  reason: 'bad-parameter',
  parameter,
});

/** Every route of the read API. */
export function createRoutes(deps: RouteDeps): Route[] {
  const { domains, now } = deps;
  return [
    {
      method: 'GET',
      path: '/messages/{id}',
      async read({ named, query }) {
        const messageId = bareMessageId(named || (query.get('id') ?? ''));
        if (messageId === '') return refuse({ parameter: 'id' });
        const paging = readPaging(['messages', messageId], query);
        if (!paging.ok) return refuse(paging);
        const { limit, position } = paging;
        if (position !== undefined && !isMessagePosition(position)) return refuse({ parameter: 'cursor' });
        const page = await deps.messages({ messageId, limit, position });
        if (page === undefined) return { ok: false, status: 404, reason: 'unknown-message' };
        return paging.answer(page, '/messages', { id: messageId });
      },
    },
    {
      method: 'GET',
      path: '/recipients/{address}',
      async read({ named, query }) {
        const recipient = (named || (query.get('address') ?? '')).trim();
        if (recipient === '') return refuse({ parameter: 'address' });
        const paging = readPaging(['recipients', recipient], query);
        if (!paging.ok) return refuse(paging);
        const { limit, position } = paging;
        if (position !== undefined && !isMessagePlace(position)) return refuse({ parameter: 'cursor' });
        return paging.answer(await deps.recipients({ recipient, limit, position }), '/recipients', {
          address: recipient,
        });
      },
    },
    {
      method: 'GET',
      path: '/events',
      read: ({ query }) => listEvents(query, '/events'),
    },
    {
      method: 'POST',
      path: '/events/search',
      async read({ body }) {
        const parsed = readBody(body);
        if (!parsed.ok) return refuse(parsed);
        const recipient = textOf(parsed.query, 'recipient')?.trim();
        if (recipient === '') return refuse({ parameter: 'recipient' });
        return recipient === undefined ? listEvents(parsed.query) : search(recipient, parsed.query);
      },
    },
    {
      method: 'GET',
      path: '/suppressions/{address}',
      async read({ named, query }) {
        const recipient = (named || (query.get('address') ?? '')).trim();
        if (recipient === '') return refuse({ parameter: 'address' });
        const domain = textOf(query, 'domain')?.toLowerCase();
        const tags = query.has('tag') ? query.getAll('tag') : undefined;
        return { ok: true, body: await deps.suppressions({ recipient, domain, tags }) };
      },
    },
    {
      method: 'GET',
      path: '/ledger',
      async read({ query }) {
        const parsed = readLedgerQuery(query, domains, now());
        return parsed.ok ? { ok: true, body: await deps.ledger(parsed.query) } : refuse(parsed);
      },
    },
    {
      method: 'GET',
      path: '/stats',
      async read({ query }) {
        const parsed = readLedgerQuery(query, domains, now());
        if (!parsed.ok) return refuse(parsed);
        return { ok: true, body: await deps.stats({ ...parsed.query, tag: textOf(query, 'tag') }) };
      },
    },
    { method: 'GET', path: '/health', read: async () => ({ ok: true, body: await deps.health() }) },
  ];

  async function listEvents(query: Parameters, path?: string): Promise<Answer> {
    const domain = readDomain(query, domains);
    if (domain === undefined) return refuse({ parameter: 'domain' });
    const type = textOf(query, 'type')?.toLowerCase();
    if (type === '') return refuse({ parameter: 'type' });
    const given = { domain, ...givenOf(query, ['day', 'from', 'to']), ...(type && { type }) };
    const paging = readPaging(['events', ...named(given, ['domain', 'day', 'from', 'to', 'type'])], query);
    if (!paging.ok) return refuse(paging);
    const range = readRange(query, now());
    if (!range.ok) return refuse(range);
    // Without `from` or `to` the range moves with the clock, and a walk must not: its cursor holds the range.
    const asked: EventQuery = { domain, ...range.query, type, limit: paging.limit };
    if (paging.position !== undefined) {
      const { range: held, place } = paging.position as { range?: unknown; place?: unknown };
      if (!isRange(held)) return refuse({ parameter: 'cursor' });
      Object.assign(asked, held);
      if (!isEventPlace(place, asked)) return refuse({ parameter: 'cursor' });
      asked.position = place;
    }
    const { body, next } = await deps.events(asked);
    const { fromMs, toMs } = asked;
    return paging.answer({ body, next: next && { range: { fromMs, toMs }, place: next } }, path, given);
  }

  async function search(recipient: string, query: Parameters): Promise<Answer> {
    const domain = textOf(query, 'domain')?.toLowerCase();
    if (domain !== undefined && !domains.includes(domain)) return refuse({ parameter: 'domain' });
    const type = textOf(query, 'type')?.toLowerCase();
    if (type === '') return refuse({ parameter: 'type' });
    const given = { recipient, ...givenOf(query, ['domain', 'from', 'to', 'type']) };
    const paging = readPaging(['search', ...named(given, ['recipient', 'domain', 'from', 'to', 'type'])], query);
    if (!paging.ok) return refuse(paging);
    const range = readOpenRange(query);
    if (!range.ok) return refuse(range);
    const asked = { recipient, domain, type, ...range.query, limit: paging.limit };
    const { position } = paging;
    if (position !== undefined && !isSearchPosition(position, asked)) return refuse({ parameter: 'cursor' });
    return paging.answer(await deps.recipientSearch({ ...asked, position }));
  }
}

function givenOf(query: Parameters, names: string[]): Record<string, string> {
  return Object.fromEntries(names.flatMap((name) => (textOf(query, name) ? [[name, textOf(query, name) ?? '']] : [])));
}

const named = (given: Record<string, string>, names: string[]): QueryName => names.map((name) => given[name]);
