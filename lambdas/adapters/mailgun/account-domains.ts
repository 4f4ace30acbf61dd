import type { AccountDomain } from '../../domain/webhooks/domain-drift.ts';
import { readDomainsPage } from './replies.ts';

const DOMAINS_PER_PAGE = 1000;
const MAX_PAGES = 20;

/**
 * Returns all domains of an account in one region, those of its subaccounts included; undefined where the pages are not
 * the whole, since a domain that is not listed would read as gone. `get` returns the body at a path.
 */
export async function readAccountDomains(
  get: (path: string) => Promise<unknown>,
): Promise<AccountDomain[] | undefined> {
  const found = new Map<string, AccountDomain>();
  let read = 0;
  for (let page = 0; page < MAX_PAGES; page += 1) {
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
