import type { ApiKey } from '../../../../../tools/mailgun-twin/api/api-keys.ts';
import { runCommand } from '../../../../support/cli/command-line.ts';
import { API_DOMAIN, API_KEY } from '../../../../support/doubles/mailgun-api.ts';
import { openStubAtMailgun, type StubAtMailgun } from '../../../../support/doubles/stub-at-mailgun.ts';

const NOW_MS = Date.UTC(2026, 10, 29);
const secretOf = (nth: number) => `${'ab'.repeat(16)}-e2153fd${nth}-e0277777`;
const key = (role: ApiKey['role'], over: Partial<ApiKey> = {}): ApiKey => ({ secret: secretOf(1), role, ...over });

let stub: StubAtMailgun;
beforeEach(async () => {
  stub = await openStubAtMailgun();
});
afterEach(() => stub.api.close());

/** Returns doctor's check of a stored key's role, among the keys of the account. */
function roleOf(apiKeys: ApiKey[], stored = secretOf(1)) {
  stub.account.apiKeys = apiKeys;
  return stub.doctor('role of the API key', stub.deployment(stored), NOW_MS);
}

test.each<[string, ApiKey[], string, RegExp]>([
  [
    'that may only read is in order',
    [key('admin', { secret: secretOf(2) }), key('basic')],
    'ok',
    /role Analyst, which/,
  ],
  ['of an admin is too strong', [key('basic', { secret: secretOf(2) }), key('admin')], 'warning', /Admin, .* more/],
  ['of a developer is too strong', [key('developer')], 'warning', /Developer, .* more than read/],
  [
    'that ends soon is named with its day',
    [key('basic', { expires_at: '2026-12-05T23:30:00' })],
    'warning',
    /2026-12-05$/,
  ],
  ['that ends later is in order', [key('basic', { expires_at: '2027-03-05T15:04:05' })], 'ok', /may only read$/],
  [
    'that may not list keys has a role that is not known',
    [key('basic', { listsKeys: false })],
    'skipped',
    /does not list keys to it/,
  ],
  ['of the domain that sends leaves the role to the line above', [key('sending')], 'skipped', /as above/],
])('doctor on the role of a key %s', async (_, apiKeys, state, says) => {
  expect(await roleOf(apiKeys)).toMatchObject({ state, says: expect.stringMatching(says) });
});

test('doctor does not mistake an unlisted key for another', async () => {
  expect(await roleOf([key('basic')], API_KEY)).toMatchObject({
    state: 'skipped',
    says: expect.stringMatching(/not among/),
  });
});

test('doctor reports the role as unknown while Mailgun fails', async () => {
  const found = async (mode: '500' | '429-retry-after' | 'lost-reply') => {
    stub.api.misbehave({ fails: { mode, percent: 100 } });
    return (await roleOf([key('admin')])).state;
  };
  expect([await found('500'), await found('429-retry-after'), await found('lost-reply')]).toEqual(
    Array(3).fill('unknown'),
  );
});

test('webhooks sync cannot register with a stored read-only key, but can with a write key on standard input', async () => {
  stub.account.apiKeys = [key('basic'), key('admin', { secret: secretOf(2) })];
  const openDeployment = async () => stub.deployment(secretOf(1));
  const sync = (args: string[] = [], over = {}) =>
    runCommand(['webhooks', 'sync', '--local', '--json', ...args], { openDeployment, ...over });

  const refused = await sync();
  const fromInput = await sync(['--write-key'], { readInput: async () => secretOf(2) });

  expect(refused.exitCode).toBe(1);
  expect(refused.json()).toMatchObject([{ message: expect.stringMatching(/\(403\).*--write-key takes one/) }]);
  expect(fromInput.json()).toEqual([
    { event: 'change', domain: API_DOMAIN, type: 'opened', change: 'add', url: null },
    { event: 'change', domain: API_DOMAIN, type: 'clicked', change: 'add', url: null },
    { event: 'synced', changes: 2, drift: 0 },
  ]);
  expect(JSON.stringify(fromInput)).not.toContain(secretOf(2));
});
