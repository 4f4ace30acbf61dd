import {
  encodeHeldElsewhere,
  parseHeldElsewhere,
} from '../../../../../lambdas/domain/webhooks/domains-held-elsewhere.ts';
import { type AccountDomains, ListingError } from '../../../../../lambdas/reconcile/ports.ts';
import { createFindDomainDrift } from '../../../../../lambdas/reconcile/webhooks/find-domain-drift.ts';

const FULL_HOUR = 500_000 * 3_600_000;
const OWN = [
  { name: 'a.example.com', region: 'us' },
  { name: 'B.example.com', region: 'eu' },
] as const;
const at = (...names: string[]) => names.map((name) => ({ name, isOfSubaccount: false, isActive: true }));
const WHOLE = { us: at('a.example.com'), eu: at('b.example.com') };

interface Fixture {
  lists?: Partial<Record<'us' | 'eu', ReturnType<typeof at> | ListingError>>;
  /** Domains that Mailgun shows by their name alone. */
  unlisted?: readonly string[];
  placeOf?: AccountDomains['placeOf'];
  isConfigured?: () => Promise<boolean>;
}

function search({ lists = {}, unlisted = [], placeOf, isConfigured = async () => true }: Fixture = {}) {
  const reported: string[] = [];
  const deadlines: number[] = [];
  const clock = { ms: FULL_HOUR };
  const find = createFindDomainDrift({
    domains: OWN,
    everySeconds: 900,
    isConfigured,
    now: () => clock.ms,
    holderOf: parseHeldElsewhere(encodeHeldElsewhere({ prod: ['Held.example.com'] }, 100)),
    account: {
      placeOf: placeOf ?? (({ region }) => region),
      async listed(place, deadlineMs) {
        deadlines.push(deadlineMs);
        const list = { ...WHOLE, ...lists }[place as 'us' | 'eu'];
        if (list instanceof Error) throw list;
        return list;
      },
      has: async ({ name }) => unlisted.includes(name),
    },
    onDrift: (text) => reported.push(text),
    onFailure: (error) => reported.push((error as ListingError).reason),
  });
  return { find, reported, deadlines, clock };
}

test('domains are listed no longer than the run lasts', async () => {
  const { find, deadlines } = search();
  await find({ ignoreWaits: true });
  await find({ ignoreWaits: true, deadlineMs: FULL_HOUR + 700 });
  expect(deadlines.map((ms) => ms - FULL_HOUR)).toEqual([5000, 5000, 700, 700]);
});

test.each<[string, Fixture, number | undefined, string[]]>([
  ['the same domains are on both sides', {}, 0, []],
  [
    'only Mailgun has one',
    { lists: { us: at('a.example.com', 'c.example.com') } },
    1,
    ['Mailgun has 3 domains, the ledger 2: not in the ledger are c.example.com'],
  ],
  [
    'each side has one of its own',
    { lists: { us: at('a.example.com', 'c.example.com'), eu: [] } },
    2,
    ['Mailgun has 2 domains, the ledger 2: not in the ledger are c.example.com; not at Mailgun are b.example.com'],
  ],
  [
    'another environment holds what only Mailgun has',
    { lists: { us: at('a.example.com', 'held.example.com') } },
    0,
    [],
  ],
  [
    'another environment holds one of those that only Mailgun has',
    { lists: { us: at('a.example.com', 'c.example.com', 'held.example.com') } },
    1,
    [
      'Mailgun has 4 domains, the ledger 2: not in the ledger are c.example.com; ' +
        'held by another environment are held.example.com (prod)',
    ],
  ],
  [
    'one place lists the domains of both regions',
    { placeOf: () => 'us', lists: { us: at('a.example.com', 'b.example.com') } },
    0,
    [],
  ],
  [
    'the list lacks a domain that is there',
    { lists: { eu: [] }, unlisted: ['B.example.com'] },
    undefined,
    ['malformed'],
  ],
  [
    'one of two lists cannot be read',
    { lists: { us: at('c.example.com'), eu: new ListingError('unavailable') } },
    undefined,
    ['unavailable'],
  ],
  ['the key may not read domains', { lists: { us: new ListingError('unauthorized') } }, undefined, []],
])('domain drift is counted where %s', async (_name, fixture, count, reports) => {
  const { find, reported } = search(fixture);
  expect(await find({ ignoreWaits: false })).toBe(count);
  expect(reported).toEqual(reports);
});

test('domain drift is found in every fourth period, unless the waits are ignored', async () => {
  const { find, clock } = search();
  clock.ms += 900_000;
  expect(await find({ ignoreWaits: false })).toBeUndefined();
  expect(await find({ ignoreWaits: true })).toBe(0);
});

test('domain drift is not read without a usable API key', async () => {
  const broken = async () => {
    throw new Error('secrets are down');
  };
  expect(await search({ isConfigured: async () => false }).find({ ignoreWaits: true })).toBeUndefined();
  expect(await search({ isConfigured: broken }).find({ ignoreWaits: true })).toBeUndefined();
});
