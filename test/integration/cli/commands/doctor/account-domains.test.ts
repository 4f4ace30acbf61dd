import { encodeHeldElsewhere } from '../../../../../lambdas/domain/webhooks/domains-held-elsewhere.ts';
import { API_DOMAIN } from '../../../../support/doubles/mailgun-api.ts';
import { openStubAtMailgun, type StubAtMailgun } from '../../../../support/doubles/stub-at-mailgun.ts';

let stub: StubAtMailgun;
beforeEach(async () => {
  stub = await openStubAtMailgun();
});
afterEach(() => stub.api.close());

const find = (domains: readonly string[] = [API_DOMAIN], outputs: Record<string, string> = {}) => {
  const { output } = stub.deployment();
  const over = { domains, output: (name: string) => outputs[name] ?? output(name) };
  return stub.doctor('domains at Mailgun', stub.deployment(undefined, over));
};

test('doctor is satisfied with an account whose other domains are inactive', async () => {
  stub.account.furtherDomains = [
    { name: 'sandbox12.mailgun.org', type: 'sandbox' },
    { name: 'new.example.com', state: 'unverified' },
    { name: 'blocked.example.com', state: 'disabled' },
  ];
  expect(await find()).toEqual({ state: 'ok', says: 'Mailgun has no active domains beyond this one' });
});

test('doctor names active domains without a ledger, those of subaccounts too', async () => {
  stub.account.furtherDomains = [{ name: 'News.example.com' }, { name: 'shop.example.com', subaccount_id: '6fr7' }];
  expect(await find()).toMatchObject({
    state: 'warning',
    says:
      'Mailgun has 3 domains, the ledger 1: ' +
      'not in the ledger are news.example.com, shop.example.com (of a subaccount)',
    fix: expect.stringContaining('"domains" in cdk.json'),
  });
});

test('doctor does not warn of domains of another environment of cdk.json', async () => {
  stub.account.furtherDomains = [{ name: 'News.example.com' }, { name: 'shop.example.com' }];
  const held = (...names: string[]) => ({ HeldElsewhere: encodeHeldElsewhere({ staging: names }, 100) });

  expect(await find(undefined, held('news.example.com', 'shop.example.com'))).toEqual({
    state: 'ok',
    says:
      'Mailgun has no active domains beyond this one; ' +
      'held by another environment are news.example.com (staging), shop.example.com (staging)',
  });
  expect(await find(undefined, held('news.example.com'))).toMatchObject({
    state: 'warning',
    says:
      'Mailgun has 3 domains, the ledger 1: not in the ledger are shop.example.com; ' +
      'held by another environment are news.example.com (staging)',
  });
});

test('doctor names a domain that Mailgun does not have in its region', async () => {
  expect((await find([API_DOMAIN, 'gone.example.com'])).says).toBe(
    'Mailgun has 1 domain, the ledger 2: not at Mailgun are gone.example.com',
  );
});

test('doctor compares more domains than a page holds', async () => {
  const names = Array.from({ length: 1203 }, (_, nth) => `d${nth}.example.com`);
  stub.account.furtherDomains = names.map((name) => ({ name }));
  expect((await find()).says).toMatch(/^Mailgun has 1204 domains, the ledger 1: .* and 1193 more$/);
});

test('doctor reports an incomplete or unreadable list of domains as unknown, and no domain as gone', async () => {
  stub.account.furtherDomains = [{ name: 'news.example.com' }];
  stub.api.misbehave({ hidesDomains: 2 });
  expect(await find()).toMatchObject({
    state: 'unknown',
    says: expect.stringMatching(/not whole/),
    // The key is not at fault.
    fix: expect.stringMatching(/^npm run ledger -- doctor .*, later/),
  });
  for (const mode of ['500', '429-reset-seconds', 'truncate', 'lost-reply'] as const) {
    stub.api.misbehave({ fails: { mode, percent: 100 } });
    expect((await find()).state).toBe('unknown');
  }
});
