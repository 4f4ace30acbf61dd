import { type ApiAnswer, BadRequest, ok, refusal } from './api-answer.ts';
import type { ApiRequest } from './webhooks-api.ts';

const LISTS = ['bounces', 'complaints', 'unsubscribes'];

/** Mailgun's own lists of addresses it does not send to, by domain; undefined where the request is for another API. */
export function createSuppressionLists(domains: readonly string[]): (request: ApiRequest) => ApiAnswer | undefined {
  const addresses = new Set<string>();

  return ({ method, path, form }) => {
    const [, domain = '', list = '', address] = /^\/v3\/([^/]+)\/([a-z]+)(?:\/([^/]+))?$/.exec(path) ?? [];
    if (!LISTS.includes(list)) return undefined;
    if (!domains.includes(decodeURIComponent(domain))) return refusal(404, `Domain not found: ${domain}`);
    const nameOf = (of: string) => `${decodeURIComponent(domain)} ${list} ${of.toLowerCase()}`;
    if (method === 'POST' && address === undefined) {
      const added = String(form.get('address') ?? '');
      if (!added.includes('@')) throw new BadRequest('address is missing');
      addresses.add(nameOf(added));
      return ok({ message: `Address has been added to the ${list} table`, address: added });
    }
    if (address === undefined) return refusal(405, 'Method not allowed');
    const wanted = decodeURIComponent(address);
    if (!addresses.has(nameOf(wanted))) return refusal(404, `Address not found in ${list} table`);
    if (method === 'GET') return ok({ address: wanted });
    if (method !== 'DELETE') return refusal(405, 'Method not allowed');
    addresses.delete(nameOf(wanted));
    return ok({ message: `Address has been removed from the ${list} table`, address: wanted });
  };
}
