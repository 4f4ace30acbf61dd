import {
  absentFrom,
  domainNews,
  formerDomains,
  isCompared,
  type LedgerDomain,
  type LedgerDomains,
  ledgerStart,
  MAX_LEDGER_DOMAINS,
  NO_DOMAINS,
  storedNames,
  withConfigured,
  withListing,
  withRestored,
  withUndiscovered,
} from '../../../../../lambdas/domain/ledger/ledger-domains.ts';

const AT = 1_770_000_000;
const DAY = 86_400;
const active = (...names: string[]) => names.map((name) => ({ name, isOfSubaccount: false, isActive: true }));
const listing = (at: number, ...names: string[]) => ({ region: 'us' as const, at, listed: active(...names) });
const first = withListing(NO_DOMAINS, listing(AT, 'a.example.com', 'b.example.com'), []);
const names = ({ domains }: LedgerDomains) => domains.map(({ name }) => name);

test("a later domain's ledger begins at the listing before, the first ones' where the operator says", () => {
  const { domains } = withListing(first, listing(AT + 3600, 'c.example.com', 'b.example.com', 'a.example.com'), []);
  const starts = (from: number | undefined, kept = DAY) => domains.map((each) => ledgerStart(each, from, kept));
  expect(starts(undefined)).toEqual([AT, AT, AT]);
  expect(starts(AT - 900)).toEqual([AT - 900, AT - 900, AT]);
  // With months between two listings, most of them have nothing to compare.
  expect(starts(AT - 900, 1800)).toEqual([AT - 900, AT - 900, AT + 1800]);
  expect(domains[2]).toEqual({ name: 'c.example.com', region: 'us', foundAt: AT + 3600, absentAt: AT });
});

test('a domain that is not active, or is known, is not added', () => {
  const listed = [...active('a.example.com'), { name: 'd.example.com', isOfSubaccount: false, isActive: false }];
  expect(names(withListing(first, { region: 'us', at: AT + 1, listed }, []))).toEqual(names(first));
});

describe('a listing of domains', () => {
  test('changes nothing if it is empty, and Mailgun knows one of the domains by name', () => {
    expect(absentFrom(first, listing(AT + 1))).toEqual(names(first));
    expect(withListing(first, listing(AT + 1), ['a.example.com'])).toBe(first);
  });

  test('marks all domains if it is empty and the account has none, so that they are not queried without end', () => {
    const emptied = withListing(first, listing(AT + 1), names(first));
    expect(emptied.domains.map(({ name, goneAt }) => [name, goneAt])).toEqual([
      ['a.example.com', AT + 1],
      ['b.example.com', AT + 1],
    ]);
    expect(emptied.listedAt.us).toBe(AT + 1);
    expect(withListing(emptied, listing(AT + 2), []).listedAt.us).toBe(AT + 2);
  });

  test('changes nothing if it began before the last one', () => {
    expect(withListing(first, listing(AT, 'c.example.com'), [])).toBe(first);
  });

  test('marks an absent domain only if Mailgun does not know it by name, until it is listed again', () => {
    const lacking = listing(AT + 1, 'a.example.com');
    expect(absentFrom(first, lacking)).toEqual(['b.example.com']);
    expect(withListing(first, lacking, []).domains).toEqual(first.domains);
    const gone = withListing(first, lacking, ['b.example.com']);
    expect(gone.domains[1]).toMatchObject({ name: 'b.example.com', goneAt: AT + 1 });
    expect(absentFrom(gone, lacking)).toEqual([]);
    expect(withListing(gone, listing(AT + 2, 'a.example.com', 'b.example.com'), []).domains).toEqual([
      first.domains[0],
      { ...first.domains[1], returnedAt: AT + 2 },
    ]);
    expect(storedNames(gone)).toEqual(names(first));
  });

  test('a domain that is gone and listed in the other region has moved there', () => {
    const gone = withListing(first, listing(AT + 1, 'a.example.com'), ['b.example.com']);
    const moved = withListing(gone, { region: 'eu', at: AT + 1, listed: active('b.example.com') }, []);
    expect(moved.domains).toEqual([first.domains[0], { ...first.domains[1], region: 'eu', returnedAt: AT + 1 }]);
  });
});

test('domains beyond the limit are counted and reported', () => {
  const many = Array.from({ length: MAX_LEDGER_DOMAINS + 2 }, (_, nth) => `d${nth}.example.com`);
  const known = withListing(NO_DOMAINS, listing(AT, ...many), []);
  expect([known.domains.length, known.leftOut]).toEqual([MAX_LEDGER_DOMAINS, { us: 2 }]);
  expect(domainNews(known, AT)).toMatchObject({ count: 2, text: expect.stringContaining('2 left out') });
});

test('a domain that is gone is compared until its retention ends', () => {
  const gone: LedgerDomain = { name: 'a.example.com', region: 'us', foundAt: AT, goneAt: AT + 100 };
  expect([AT + 199, AT + 200].map((at) => isCompared(gone, at, 100))).toEqual([true, false]);
});

describe('domain news for operators', () => {
  const noted = [{ name: 'x.example.net', lastAt: AT }];

  test.each<[string, LedgerDomains, number, number, string | undefined]>([
    ['nothing of the first domains', first, AT + 60, 0, undefined],
    ['nothing but that it is blind, before any listing', NO_DOMAINS, AT, 1, 'domains: Mailgun has not listed'],
    ['that it has been blind for a day', first, AT + 86_400, 1, 'domains: Mailgun has not listed'],
    [
      'which domain is new',
      withListing(first, listing(AT + 1, 'a.example.com', 'b.example.com', 'c.example.com'), []),
      AT + 2,
      1,
      'domains: now in the ledger: c.example.com',
    ],
    [
      'which is gone',
      withListing(first, listing(AT + 1, 'a.example.com'), ['b.example.com']),
      AT + 2,
      1,
      'domains: no longer at Mailgun: b.example.com',
    ],
    [
      'what events name that Mailgun does not list',
      withUndiscovered(first, noted),
      AT + 2,
      1,
      'domains: events name what Mailgun does not list: x.example.net',
    ],
  ])('%s', (_, known, at, count, text) => {
    const news = domainNews(known, at);
    expect(news.count).toBe(count);
    if (text === undefined) expect(news.text).toBeUndefined();
    else expect(news.text?.startsWith(text)).toBe(true);
  });

  test('report nothing on earlier events of a domain that has a ledger since', () => {
    const found = withListing(first, listing(AT + 1, 'x.example.net', 'a.example.com', 'b.example.com'), []);
    expect(withUndiscovered(found, noted).undiscovered).toEqual([]);
  });

  test('report that events name a domain that is gone', () => {
    const gone = withListing(first, listing(AT + 1, 'a.example.com'), ['b.example.com']);
    const named = withUndiscovered(gone, [{ name: 'b.example.com', lastAt: AT + 7200 }]);
    expect(domainNews(named, AT + 7200).text).toContain('events name what Mailgun does not list: b.example.com');
    expect(storedNames(named)).toEqual(names(first));
  });
});

describe('the configured domains', () => {
  const us = (...configured: string[]) => configured.map((name) => ({ name, region: 'us' as const }));
  const both = withConfigured(NO_DOMAINS, us('a.example.com', 'b.example.com'), AT);

  test('stay known once they are removed, since the first run without them, and until they are back', () => {
    expect(both.domains).toEqual(us('a.example.com', 'b.example.com').map((each) => ({ ...each, foundAt: AT })));
    const removed = withConfigured(both, us('c.example.com'), AT + 900);
    expect(withConfigured(removed, us('c.example.com'), AT + 1800)).toEqual(removed);
    expect(formerDomains(removed, ['c.example.com'])).toEqual(
      both.domains.map((each) => ({ ...each, goneAt: AT + 900 })),
    );
    const back = withConfigured(removed, us('a.example.com'), AT + 2700);
    expect(back.domains[0]).toEqual({ name: 'a.example.com', region: 'us', foundAt: AT, returnedAt: AT + 2700 });
    expect(withConfigured(back, us('a.example.com'), AT + 3600).domains[0]).toEqual(back.domains[0]);
  });

  test('move to another region without being removed', () => {
    const moved = withConfigured(both, [{ name: 'b.example.com', region: 'eu' }], AT + 900);
    expect(moved.domains[1]).toEqual({ name: 'b.example.com', region: 'eu', foundAt: AT });
  });

  test('make those of the account former ones that they lack, and the account follows all that it lists again', () => {
    const listed = withConfigured(first, us('a.example.com'), AT + 900);
    expect(formerDomains(listed, ['a.example.com'])).toMatchObject([{ name: 'b.example.com', goneAt: AT + 900 }]);
    const followed = withListing(listed, listing(AT + 1800, 'a.example.com', 'b.example.com'), []);
    expect(followed.domains).toEqual([first.domains[0], { ...first.domains[1], returnedAt: AT + 1800 }]);
  });

  test('are never left out for former ones, of which those that left last are kept', () => {
    const many = us(...Array.from({ length: MAX_LEDGER_DOMAINS }, (_, nth) => `d${nth}.example.com`));
    const [left, ...others] = many;
    const before = withConfigured(withConfigured(NO_DOMAINS, many, AT), others, AT + 900);
    const after = withConfigured(before, us('new.example.com'), AT + 1800);
    expect(after.domains).toHaveLength(MAX_LEDGER_DOMAINS);
    expect(names(after)).toContain('new.example.com');
    expect(names(after)).not.toContain(left?.name);
  });
});

test('a domain that only an archive named ends with what was sealed; one that is configured or left later stays as it is', () => {
  const [ours, left] = [
    { name: 'a.example.com', region: 'eu' as const, foundAt: AT },
    { name: 'b.example.com', region: 'eu' as const, foundAt: AT, goneAt: AT + 900 },
  ];
  const known = { ...NO_DOMAINS, domains: [ours, left] };
  for (const name of ['a.example.com', 'b.example.com']) expect(withRestored(known, name, AT + 900)).toBe(known);
  expect(withRestored(known, 'b.example.com', AT + 1800).domains).toEqual([ours, { ...left, goneAt: AT + 1800 }]);
  expect(withRestored(known, 'c.example.com', AT).domains.at(-1)).toEqual({
    name: 'c.example.com',
    region: 'us',
    foundAt: AT,
    goneAt: AT,
  });
});
