import {
  type LedgerDomains,
  listedNames,
  NO_DOMAINS,
  type UndiscoveredDomain,
} from '../../../../../lambdas/domain/ledger/ledger-domains.ts';
import { type DomainRepository, ListingError } from '../../../../../lambdas/reconcile/ports.ts';
import { createDiscoverDomains } from '../../../../../lambdas/reconcile/webhooks/discover-domains.ts';
import { InMemoryBook } from '../../../../support/doubles/in-memory-reconcile.ts';

const FULL_HOUR = 500_000 * 3_600_000;
const MS_PER_CALL = 200;
type Region = 'us' | 'eu';

/** An account: what it lists, and what it has beyond that, in each region. */
function openDiscovery() {
  const clock = { ms: FULL_HOUR };
  const listed: Record<Region, string[]> = { us: [], eu: [] };
  const hidden = new Set<string>();
  const held = new Set<string>();
  const noted: UndiscoveredDomain[] = [];
  let item: LedgerDomains = NO_DOMAINS;
  let listings = 0;
  const store: DomainRepository = {
    read: async () => item,
    write: async (next, { version }) => {
      item = { ...next, version: version + 1 };
      return item;
    },
    undiscovered: async () => noted,
    dropUndiscovered: async () => {},
  };
  const call = (deadlineMs: number) => {
    clock.ms += MS_PER_CALL;
    if (clock.ms > deadlineMs) throw new ListingError('unavailable');
  };
  const book = new InMemoryBook();
  const discover = createDiscoverDomains({
    store,
    account: {
      placeOf: ({ region }) => region,
      async listed(place, deadlineMs) {
        listings += 1;
        call(deadlineMs);
        return listed[place as Region].map((name) => ({ name, isOfSubaccount: false, isActive: true }));
      },
      async has({ name, region }, deadlineMs) {
        call(deadlineMs);
        return hidden.has(name) || listed[region].includes(name);
      },
    },
    holderOf: (domain) => (domain.startsWith('staging.') || held.has(domain) ? 'staging' : undefined),
    isConfigured: async () => true,
    everySeconds: 900,
    retentionSeconds: 86_400,
    ledger: book,
    now: () => clock.ms,
    onFailure: () => {},
  });
  const atHour = async (hour: number, quarter = 0) => {
    clock.ms = FULL_HOUR + hour * 3_600_000 + quarter * 900_000;
    listings = 0;
    const known = await discover({ ignoreWaits: false });
    return { known, names: [...listedNames(known)], listings };
  };
  return { atHour, listed, hidden, held, noted };
}

const many = (count: number) => Array.from({ length: count }, (_, nth) => `d${nth}.example.com`);

test('domains that are hidden from the key, however many, do not keep a new one from being found', async () => {
  const { atHour, listed, hidden } = openDiscovery();
  listed.us = many(200);
  await atHour(0);
  for (const name of many(200).slice(1)) hidden.add(name);
  hidden.delete('d150.example.com');
  listed.us = ['d0.example.com', 'new.example.com'];
  expect((await atHour(1)).names).toContain('new.example.com');
  // And one among them that is gone is found in time.
  let names: string[] = [];
  for (let hour = 2; hour < 50; hour += 1) ({ names } = await atHour(hour));
  expect(names).not.toContain('d150.example.com');
  expect(names).toHaveLength(200);
});

test('the last domain of a region may move to the other one', async () => {
  const { atHour, listed } = openDiscovery();
  listed.us = ['a.example.com'];
  listed.eu = ['b.example.com'];
  await atHour(0);
  listed.us = ['a.example.com', 'b.example.com'];
  listed.eu = [];
  await atHour(1);
  const { known } = await atHour(2);
  expect(known.domains.map(({ name, region, goneAt }) => [name, region, goneAt])).toEqual([
    ['a.example.com', 'us', undefined],
    ['b.example.com', 'us', undefined],
  ]);
});

test('a new name in events causes one listing of domains, not one in each run', async () => {
  const { atHour, listed, noted } = openDiscovery();
  listed.us = ['a.example.com'];
  await atHour(0);
  expect((await atHour(0, 1)).listings).toBe(0);
  const lastAt = FULL_HOUR / 1000;
  noted.push(...many(120).map((name) => ({ name, lastAt })));
  expect((await atHour(0, 2)).listings).toBe(2);
  expect((await atHour(0, 3)).listings).toBe(0);
});

test('a domain of another environment is ignored', async () => {
  const { atHour, listed } = openDiscovery();
  listed.us = ['a.example.com', 'staging.example.com'];
  expect((await atHour(0)).names).toEqual(['a.example.com']);
});

test('a domain that is gone, and of another environment once it is listed again, is left to that', async () => {
  const { atHour, listed, held } = openDiscovery();
  listed.us = ['moved.example.com', 'stays.example.com'];
  await atHour(0);
  listed.us = ['stays.example.com'];
  expect((await atHour(1)).names).toEqual(['stays.example.com']);
  held.add('moved.example.com');
  listed.us = ['moved.example.com', 'stays.example.com'];
  expect((await atHour(2)).names).toEqual(['stays.example.com']);
});
