import { afterEach, beforeEach, expect, test } from '@jest/globals';
import type { CliContext } from '../../../../../cli/command.ts';
import { runCommand } from '../../../../support/command-line.ts';
import { askTwin, formOf } from '../../../../support/local-ledger.ts';
import { API_KEY } from '../../../../support/mailgun-api.ts';
import { OWN_URL, openStubAtMailgun, type StubAtMailgun } from '../../../../support/stub-at-mailgun.ts';

const DOMAINS = ['one.example.com', 'two.example.com'];
const OTHER = 'https://crm.example.net/mailgun';
const TYPES = ['opened', 'clicked'];
const LATER_MS = 11 * 60_000;

let stub: StubAtMailgun;
beforeEach(async () => {
  stub = await openStubAtMailgun(DOMAINS);
});
afterEach(() => stub.api.close());

const run = (command: string, args: string[] = [], over: Partial<CliContext> = {}) =>
  runCommand(['webhooks', command, '--local', ...args], { openDeployment: async () => stub.deployment(), ...over });
const sync = (args: string[] = [], over: Partial<CliContext> = {}) =>
  run('sync', ['--account', '--json', ...args], over);
const atAccount = async () => (await askTwin(stub.api.url, '/v1/webhooks', {}, API_KEY)).json.webhooks;
const register = (url: string, types: string[]) =>
  askTwin(stub.api.url, '/v1/webhooks', { method: 'POST', body: formOf({ url, event_types: types }) }, API_KEY);
const ofDomain = async (domain: string) =>
  (await askTwin(stub.api.url, `/v3/domains/${domain}/webhooks`, {}, API_KEY)).json.webhooks;

const added = { event: 'change', domain: null, type: 'opened,clicked', change: 'add', url: null };

test('one registration covers all domains, and a second run changes nothing', async () => {
  expect((await sync(['--plan'])).json()).toMatchObject([added, { event: 'planned', changes: 1 }]);
  expect(await atAccount()).toEqual([]);

  expect(await sync()).toMatchObject({ exitCode: 0 });
  expect(await atAccount()).toMatchObject([{ url: OWN_URL, event_types: TYPES }]);
  expect(await run('check')).toMatchObject({ exitCode: 0 });
  expect((await sync()).json()).toEqual([{ event: 'synced', changes: 0, drift: 0 }]);
  expect(await Promise.all(DOMAINS.map(ofDomain))).toEqual([{}, {}]);
});

test('the domains are left alone until Mailgun acts on the account, and other URLs for good', async () => {
  for (const domain of DOMAINS) stub.api.register(domain, TYPES, OWN_URL);
  stub.api.register(DOMAINS[0] ?? '', ['delivered'], OTHER);

  const first = await sync();
  expect(first.exitCode).toBe(1);
  expect(first.json().filter(({ kind }) => kind === 'double')).toHaveLength(4);
  expect(await sync()).toMatchObject({ exitCode: 1 });
  expect(Object.keys(await ofDomain('two.example.com'))).toEqual(TYPES);

  const later = { now: () => Date.now() + LATER_MS };
  expect((await sync([], later)).exitCode).toBe(2);
  expect(await sync(['--yes'], later)).toMatchObject({ exitCode: 0 });
  expect(await Promise.all(DOMAINS.map(ofDomain))).toEqual([{ delivered: { urls: [OTHER] } }, {}]);
  expect(await run('check', [], later)).toMatchObject({
    exitCode: 1,
    lines: expect.arrayContaining([expect.stringMatching(/foreign/)]),
  });
});

test('a registration whose reply is lost is found, and not made twice', async () => {
  stub.api.misbehave({ fails: { mode: 'lost-reply', percent: 100, method: 'POST' } });
  expect(await sync()).toMatchObject({ exitCode: 0 });
  expect(await atAccount()).toHaveLength(1);

  stub.api.misbehave({});
  expect((await sync()).json()).toEqual([{ event: 'synced', changes: 0, drift: 0 }]);
  expect(await atAccount()).toHaveLength(1);
});

test('a URL of a domain whose reply is lost is registered once, and the next run finds it', async () => {
  stub.api.misbehave({ fails: { mode: 'lost-reply', percent: 100, method: 'POST' } });
  expect(await run('sync')).toMatchObject({ exitCode: 1, errors: [expect.stringMatching(/does not respond/)] });
  stub.api.misbehave({});
  expect(await run('sync', ['--domain', DOMAINS[0] ?? ''])).toMatchObject({
    exitCode: 0,
    lines: ['Nothing to change.'],
  });
  expect(await ofDomain(DOMAINS[0] ?? '')).toEqual({ opened: { urls: [OWN_URL] }, clicked: { urls: [OWN_URL] } });
});

test.each(['500', '429-retry-after', 'truncate'] as const)(
  'a Mailgun that fails by %s registers nothing by half',
  async (mode) => {
    stub.api.misbehave({ fails: { mode, percent: 100 } });
    expect(await sync()).toMatchObject({ exitCode: 1 });
    stub.api.misbehave({ fails: { mode, percent: 100, method: 'POST' } });
    await sync();
    stub.api.misbehave({});
    expect(await sync()).toMatchObject({ exitCode: 0 });
    expect(await atAccount()).toMatchObject([{ url: OWN_URL, event_types: TYPES }]);
  },
);

test('registrations that two runs made at once become one', async () => {
  await Promise.all([sync(), sync()]);
  expect(await atAccount()).toMatchObject([{ url: OWN_URL }]);

  await register(OWN_URL, TYPES);
  expect((await run('check', ['--json'])).json().filter(({ kind }) => kind === 'double')).toHaveLength(4);
  expect(await sync(['--yes'])).toMatchObject({ exitCode: 0 });
  expect(await atAccount()).toHaveLength(1);
});

test('a registration that lacks a type is extended, and keeps what it has', async () => {
  await register(OWN_URL, ['accepted', 'opened']);
  await sync();
  expect(await atAccount()).toMatchObject([{ event_types: ['accepted', 'opened', 'clicked'] }]);
});

test('a type with three other URLs stays missing, and the others are registered', async () => {
  for (const nth of [1, 2, 3]) await register(`https://${nth}.example.net/`, ['clicked']);
  const { exitCode, json } = await sync();
  expect(exitCode).toBe(1);
  expect(json()[0]).toEqual({ ...added, type: 'opened' });
  expect(json().filter(({ kind }) => kind === 'missing')).toMatchObject([{ type: 'clicked' }, { type: 'clicked' }]);
});

test('it asks before webhooks of domains come here that the ledger does not have', async () => {
  stub.account.furtherDomains = [{ name: 'news.example.com', subaccount_id: '6fr7' }];
  const asked: string[] = [];
  const ask = async (question: string) => {
    asked.push(question);
    return 'n';
  };
  expect(await sync([], { ask })).toMatchObject({ exitCode: 2 });
  expect(asked).toEqual([expect.stringMatching(/^Mailgun has 3 domains, the ledger 2: .*news.example.com .*refused/)]);
  expect(await atAccount()).toEqual([]);
  expect(await sync(['--yes'])).toMatchObject({ exitCode: 0 });
});

test('it is for all domains', async () => {
  expect(await run('sync', ['--account', '--domain', DOMAINS[0] ?? ''])).toMatchObject({
    exitCode: 2,
    errors: ['--account is for all domains'],
  });
});
