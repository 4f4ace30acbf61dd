import { recipientKeys } from '../../../../lambdas/adapters/table/recipient-repository.ts';
import { createRoutes } from '../../../../lambdas/read-api/routes.ts';
import { NOW_MS } from '../../../support/fixtures/webhooks.ts';

const HOUR = Math.floor(NOW_MS / 3_600_000) * 3600;
const DAY = 86_400;

/** Returns the routes of so many domains and of some without a ledger, and the addresses and domains that were read. */
function routesOf(domainCount: number, strangers: readonly string[] = []) {
  const withLedger = Array.from({ length: domainCount }, (_, nth) => `d${nth}.example.com`);
  const read: string[] = [];
  const routes = createRoutes({
    recipientKeys,
    suppressions: async ({ recipient }: { recipient: string }) => {
      read.push(recipient);
      return { recipient, suppressed: false, suppressions: [] };
    },
    stats: async (query: { domains: readonly string[] }) => {
      read.push(...query.domains);
      return { buckets: [] };
    },
    domains: [...withLedger, ...strangers],
    withLedger,
    only: domainCount === 1 ? withLedger[0] : undefined,
    receiverNames: [],
    now: () => NOW_MS,
  } as never);
  return { routes, read };
}

describe('a check of many addresses', () => {
  // Decomposed, and under a domain beyond ASCII, so that an older version may have stored it in each of its spellings.
  const spelledOtherwise = (nth: number) => `jo\u0308rg${nth}@mu\u0308ller.example`;
  const check = async (addresses: string[]) => {
    const { routes, read } = routesOf(1);
    return { result: await routes.read('checkSuppressions', { addresses }), read };
  };

  test('takes a thousand of ASCII, and 250 of any', async () => {
    const ascii = await check(Array.from({ length: 1000 }, (_, nth) => `ada${nth}@example.org`));
    expect([ascii.result.ok, ascii.read.length]).toEqual([true, 1000]);
    const others = await check(Array.from({ length: 250 }, (_, nth) => spelledOtherwise(nth)));
    expect([others.result.ok, others.read.length]).toEqual([true, 250]);
  });

  test('refuses what would take more reads than fit into a response', async () => {
    const { result, read } = await check(Array.from({ length: 1000 }, (_, nth) => spelledOtherwise(nth)));
    expect(result).toMatchObject({ ok: false, parameter: 'addresses', message: expect.stringContaining('fewer') });
    expect(read).toEqual([]);
  });

  test('takes an address again at no cost', async () => {
    const { result, read } = await check(Array.from({ length: 1000 }, () => spelledOtherwise(1)));
    expect([result.ok, read.length]).toEqual([true, 1]);
  });
});

describe('statistics by domain', () => {
  const ask = async (domainCount: number, days: number, over = {}, strangers: readonly string[] = []) => {
    const { routes, read } = routesOf(domainCount, strangers);
    const range = { from: String(HOUR - days * DAY), to: String(HOUR) };
    return { result: await routes.read('getStats', { by: 'domain', ...range, ...over }), read };
  };

  test.each([
    [1, 31],
    [10, 31],
    [320, 1],
  ])('of all %d domains are read for %d days', async (domains, days) => {
    const { result, read } = await ask(domains, days);
    expect([result.ok, read.length]).toEqual([true, domains]);
  });

  test.each([
    [11, 31, 'hour', '698 hours, in whole hours'],
    [321, 1, 'hour', '23 hours, in whole hours'],
    [11, 31, 'day', '698 hours, in whole days'],
    [321, 1, 'day', '23 hours, in whole days'],
  ])('of all %d domains are refused for %d days by the %s, with how many fit', async (domains, days, per, fitting) => {
    const { result, read } = await ask(domains, days, { per });
    expect(result).toMatchObject({ ok: false, parameter: 'domain', message: expect.stringContaining(fitting) });
    expect(read).toEqual([]);
    expect((await ask(domains, days, { domain: 'd1.example.com' })).read).toEqual(['d1.example.com']);
  });

  test('of domains that only events name are not read, and do not count', async () => {
    const { result, read } = await ask(320, 1, {}, ['x.example.net', 'y.example.net']);
    expect([result.ok, read.length, read.includes('x.example.net')]).toEqual([true, 320, false]);
  });

  test.each([
    ['hour', 307],
    ['day', 160],
  ])('by the %s are read for the day until now of %d domains, and refused of more', async (per, most) => {
    const day = { per, from: undefined, to: undefined };
    expect((await ask(most, 0, day)).read).toHaveLength(most);
    expect((await ask(most + 1, 0, day)).read).toEqual([]);
  });

  test.each(['hour', 'day'])(
    'of ten domains are read for 31 days that begin within an hour, by the %s',
    async (per) => {
      const range = { from: String(HOUR + 60 - 31 * DAY), to: String(HOUR + 60) };
      expect((await ask(10, 31, { per, ...range })).read).toHaveLength(10);
    },
  );
});
