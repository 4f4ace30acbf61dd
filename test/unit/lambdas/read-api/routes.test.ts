import { recipientKeys } from '../../../../lambdas/adapters/table/recipient-repository.ts';
import { createRoutes } from '../../../../lambdas/read-api/routes.ts';
import { NOW_MS } from '../../../support/fixtures/webhooks.ts';

const HOUR = Math.floor(NOW_MS / 3_600_000) * 3600;
const DAY = 86_400;

/** Returns the routes of so many domains, and the addresses and domains that were read. */
function routesOf(domainCount: number) {
  const domains = Array.from({ length: domainCount }, (_, nth) => `d${nth}.example.com`);
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
    domains,
    only: domainCount === 1 ? domains[0] : undefined,
    receiverNames: [],
    now: () => NOW_MS,
  } as never);
  return { routes, read };
}

describe('statistics by domain', () => {
  const ask = async (domainCount: number, days: number, over = {}) => {
    const { routes, read } = routesOf(domainCount);
    const range = { from: String(HOUR - days * DAY), to: String(HOUR) };
    return { result: await routes.read('getStats', { by: 'domain', ...range, ...over }), read };
  };

  test.each([
    [1, 31],
    [10, 31],
    [310, 1],
  ])('of all %d domains are read for %d days', async (domains, days) => {
    const { result, read } = await ask(domains, days);
    expect([result.ok, read.length]).toEqual([true, domains]);
  });

  test.each([
    [11, 31, 'hour', '676 hours'],
    [311, 1, 'hour', '23 hours'],
    [11, 31, 'day', '28 days'],
  ])('of all %d domains are refused for %d days by the %s, with how many fit', async (domains, days, per, fitting) => {
    const { result, read } = await ask(domains, days, { per });
    expect(result).toMatchObject({ ok: false, parameter: 'domain', message: expect.stringContaining(fitting) });
    expect(read).toEqual([]);
    expect((await ask(domains, days, { domain: 'd1.example.com' })).read).toEqual(['d1.example.com']);
  });
});
