import { type ApiResponse, BadRequestError, ok, parseLimit, refusal } from './api-response.ts';
import type { ApiRequest } from './webhooks-api.ts';

const LISTS = ['bounces', 'complaints', 'unsubscribes'];
const MAX_PAGE_ENTRIES = 1000;
const USUAL_PAGE = 100;

type Fields = Readonly<Record<string, unknown>>;
type List = Map<string, Fields>;

/** Serves Mailgun's suppression lists by domain; returns undefined for requests to other APIs. */
export function createSuppressionLists(
  domains: readonly string[],
  nowMs: () => number,
): (request: ApiRequest) => ApiResponse | undefined {
  const lists = new Map<string, List>();

  return (request) => {
    const [, encoded = '', name = '', address] = /^\/v3\/([^/]+)\/([a-z]+)(?:\/([^/]+))?$/.exec(request.path) ?? [];
    if (!LISTS.includes(name)) return undefined;
    const domain = decodeURIComponent(encoded);
    if (!domains.includes(domain)) return refusal(404, `Domain not found: ${encoded}`);
    const list: List = lists.get(`${domain} ${name}`) ?? new Map();
    lists.set(`${domain} ${name}`, list);
    if (address !== undefined) return handleEntry(request, list, name, decodeURIComponent(address));
    if (request.method === 'GET') return page(request, list);
    if (request.method === 'POST') return add(request, list, name, nowMs());
    if (request.method !== 'DELETE') return refusal(405, 'Method not allowed');
    list.clear();
    return ok({ message: `All addresses of the ${name} table have been removed` });
  };
}

function handleEntry({ method, query }: ApiRequest, list: List, name: string, address: string): ApiResponse {
  const entry = list.get(address.toLowerCase());
  if (entry === undefined) return refusal(404, `Address not found in ${name} table`);
  if (method === 'GET') return ok(entry);
  if (method !== 'DELETE') return refusal(405, 'Method not allowed');
  const tags = Array.isArray(entry.tags) ? entry.tags.filter((tag) => tag !== query.get('tag')) : [];
  // With a tag, removes only that tag; removing the last tag removes the entry.
  if (query.has('tag') && tags.length > 0) list.set(address.toLowerCase(), { ...entry, tags });
  else list.delete(address.toLowerCase());
  return ok({ message: `Address has been removed from the ${name} table`, address });
}

/** Adds one entry (form or object) or many (JSON array); replaces the entry of the same address. */
function add({ form, json }: ApiRequest, list: List, name: string, nowMs: number): ApiResponse {
  const entries = (json === undefined ? [fieldsOf(form)] : [json].flat()) as unknown[];
  const added = entries.map((entry) => entryOf(entry, name, nowMs));
  for (const entry of added) list.set(String(entry.address).toLowerCase(), entry);
  if (json === undefined || added.length === 1) {
    return ok({ message: `Address has been added to the ${name} table`, address: added[0]?.address });
  }
  return ok({ message: `${added.length} addresses have been added to the ${name} table` });
}

const fieldsOf = (form: FormData): Fields => Object.fromEntries(form);

function entryOf(value: unknown, name: string, nowMs: number): Fields {
  const { address, tag, tags, created_at, code, error } = (value ?? {}) as Fields;
  if (typeof address !== 'string' || !address.includes('@')) throw new BadRequestError('address is missing');
  const common = { address, created_at: created_at ?? new Date(nowMs).toUTCString().replace('GMT', 'UTC') };
  if (name === 'unsubscribes') return { ...common, tags: Array.isArray(tags) ? tags : [tag ?? '*'] };
  return name === 'bounces' ? { ...common, code: code ?? '550', error: error ?? '' } : common;
}

/** Returns pages by address, linked as `?page=next&address=…`; the last page is empty. */
function page({ query, url }: ApiRequest, list: List): ApiResponse {
  const limit = parseLimit(query.get('limit') ?? undefined, MAX_PAGE_ENTRIES, USUAL_PAGE);
  const pivot = query.get('address') ?? '';
  const addresses = [...list.keys()].sort();
  const shown = {
    first: () => addresses.slice(0, limit),
    next: () => addresses.filter((each) => each > pivot).slice(0, limit),
    previous: () => addresses.filter((each) => each < pivot).slice(-limit),
    last: () => addresses.slice(-limit),
  };
  const which = query.get('page') ?? 'first';
  if (!Object.hasOwn(shown, which)) throw new BadRequestError(`page is one of ${Object.keys(shown).join(', ')}`);
  const found = shown[which as keyof typeof shown]();
  const link = (to: string, address?: string) =>
    `${url}?${new URLSearchParams({ page: to, ...(address !== undefined && { address }), limit: String(limit) })}`;
  return ok({
    items: found.map((address) => list.get(address)),
    paging: {
      first: link('first'),
      next: link('next', found.at(-1) ?? pivot),
      previous: link('previous', found[0] ?? pivot),
      last: link('last'),
    },
  });
}
