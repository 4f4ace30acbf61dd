import { setTimeout as sleep } from 'node:timers/promises';
import { createMailgunDomains } from '../../../../lambdas/adapters/mailgun/mailgun-apis.ts';
import { createFindDomainDrift } from '../../../../lambdas/reconcile/webhooks/find-domain-drift.ts';
import { API_DOMAIN, API_KEY } from '../../../support/doubles/mailgun-api.ts';
import { openStubAtMailgun, type StubAtMailgun } from '../../../support/doubles/stub-at-mailgun.ts';

let stub: StubAtMailgun;
beforeEach(async () => {
  stub = await openStubAtMailgun();
});
afterEach(() => stub.api.close());

/** Returns what reconcile finds at the twin, with its log lines. */
async function find(domains: readonly string[] = [API_DOMAIN], key = API_KEY) {
  const logged: string[] = [];
  const search = createFindDomainDrift({
    account: createMailgunDomains({ baseUrl: stub.api.url, apiKey: async () => key, now: Date.now, sleep }),
    // A stand-in has the domains of both regions.
    domains: domains.map((name, nth) => ({ name, region: nth % 2 === 0 ? 'us' : 'eu' })),
    holderOf: () => undefined,
    isConfigured: async () => true,
    everySeconds: 900,
    now: Date.now,
    onDrift: (text) => logged.push(text),
    onFailure: (error) => logged.push(String((error as Error).cause)),
  });
  return { count: await search({ ignoreWaits: true }), logged };
}

test('domains that only Mailgun has, and only the ledger, are counted and named', async () => {
  expect(await find()).toEqual({ count: 0, logged: [] });
  stub.account.furtherDomains = [
    { name: 'News.example.com' },
    { name: 'shop.example.com', subaccount_id: '6fr7' },
    { name: 'new.example.com', state: 'unverified' },
  ];
  expect(await find([API_DOMAIN, 'gone.example.com', 'news.example.com'])).toEqual({
    count: 2,
    logged: [
      'Mailgun has 3 domains, the ledger 3: ' +
        'not in the ledger are shop.example.com (of a subaccount); not at Mailgun are gone.example.com',
    ],
  });
});

test('an incomplete or failed list of domains reports no difference', async () => {
  stub.account.furtherDomains = [{ name: 'news.example.com' }];
  stub.api.misbehave({ hidesDomains: 1 });
  expect(await find()).toEqual({ count: undefined, logged: ['Error: the list is not whole'] });
  stub.api.misbehave({ fails: { mode: '500', percent: 100 } });
  expect(await find()).toEqual({ count: undefined, logged: ['Error: Mailgun replied with 500'] });
});

test('a refused key reports no difference of domains', async () => {
  stub.account.furtherDomains = [{ name: 'news.example.com' }];
  expect(await find([API_DOMAIN], 'unknown-key')).toEqual({ count: undefined, logged: [] });
});
