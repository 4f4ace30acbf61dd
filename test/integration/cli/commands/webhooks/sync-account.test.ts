import type { MailgunRequest } from '../../../../../cli/access.ts';
import type { CliContext } from '../../../../../cli/command.ts';
import { openRegistry } from '../../../../../cli/commands/webhooks/registry.ts';
import { runCommand } from '../../../../support/cli/command-line.ts';
import { API_KEY } from '../../../../support/doubles/mailgun-api.ts';
import { OWN_URL, openStubAtMailgun, type StubAtMailgun } from '../../../../support/doubles/stub-at-mailgun.ts';
import { callTwin, formOf } from '../../../../support/stacks/local-ledger.ts';

const DOMAINS = ['one.example.com', 'two.example.com'];
const OTHER = 'https://crm.example.net/mailgun';
const TYPES = ['opened', 'clicked'];
const MINUTE_MS = 60_000;

let stub: StubAtMailgun;
let nowMs: number;
beforeEach(async () => {
  stub = await openStubAtMailgun(DOMAINS);
  nowMs = 1_790_000_000_000;
  stub.clock.ms = nowMs;
});
afterEach(() => stub.api.close());

function pass(minutes: number) {
  nowMs += minutes * MINUTE_MS;
  stub.clock.ms = nowMs;
}

const run = (command: string, args: string[] = [], over: Partial<CliContext> = {}) =>
  runCommand(['webhooks', command, '--local', ...args], {
    openDeployment: async () => stub.deployment(),
    now: () => nowMs,
    ...over,
  });
const sync = (args: string[] = [], over: Partial<CliContext> = {}) =>
  run('sync', ['--account', '--json', ...args], over);
const atAccount = async () => (await callTwin(stub.api.url, '/v1/webhooks', {}, API_KEY)).json.webhooks;
const register = (url: string, types: string[]) =>
  callTwin(stub.api.url, '/v1/webhooks', { method: 'POST', body: formOf({ url, event_types: types }) }, API_KEY);
const ofDomain = async (domain: string) =>
  (await callTwin(stub.api.url, `/v3/domains/${domain}/webhooks`, {}, API_KEY)).json.webhooks;

const added = { event: 'change', domain: null, type: 'opened,clicked', change: 'add', url: null };

test('webhooks sync --account covers all domains with one registration, and changes nothing when repeated', async () => {
  expect((await sync(['--plan'])).json()).toMatchObject([added, { event: 'planned', changes: 1 }]);
  expect(await atAccount()).toEqual([]);

  expect(await sync()).toMatchObject({ exitCode: 0 });
  expect(await atAccount()).toMatchObject([{ url: OWN_URL, event_types: TYPES }]);
  expect(await run('check')).toMatchObject({ exitCode: 0 });
  expect((await sync()).json()).toEqual([{ event: 'synced', changes: 0, drift: 0 }]);
  expect(await Promise.all(DOMAINS.map(ofDomain))).toEqual([{}, {}]);
});

test('webhooks sync --account keeps the webhooks of domains until Mailgun acts on the account, and other URLs always', async () => {
  for (const domain of DOMAINS) stub.api.register(domain, TYPES, OWN_URL);
  stub.api.register(DOMAINS[0] ?? '', ['delivered'], OTHER);

  const first = await sync();
  expect(first.exitCode).toBe(1);
  expect(first.json().filter(({ kind }) => kind === 'double')).toHaveLength(4);
  expect(await sync()).toMatchObject({ exitCode: 1 });
  expect(Object.keys(await ofDomain('two.example.com'))).toEqual(TYPES);

  pass(11);
  expect((await sync()).exitCode).toBe(2);
  expect((await sync(['--plan'])).json().at(-1)).toEqual({ event: 'planned', changes: 4, drift: 0 });
  expect(await sync(['--yes'])).toMatchObject({ exitCode: 0 });
  expect(await Promise.all(DOMAINS.map(ofDomain))).toEqual([{ delivered: { urls: [OTHER] } }, {}]);
  expect(await run('check')).toMatchObject({
    exitCode: 1,
    lines: expect.arrayContaining([expect.stringMatching(/foreign/)]),
  });
});

test('webhooks sync --account keeps the webhooks of domains for an added type until Mailgun acts on it, also when repeated', async () => {
  for (const domain of DOMAINS) stub.api.register(domain, TYPES, OWN_URL);
  await register(OWN_URL, ['opened']);
  pass(365 * 24 * 60);
  const keepsAll = async () =>
    expect((await Promise.all(DOMAINS.map(ofDomain))).map((types) => Object.keys(types))).toEqual([TYPES, TYPES]);

  expect((await sync(['--yes'])).json()[0]).toEqual({ ...added, type: 'clicked' });
  await keepsAll();
  pass(9);
  const { lines } = await run('sync', ['--account', '--yes']);
  expect(lines.at(-1)).toMatch(/goes when this runs again, 10 minutes after/);
  await keepsAll();
  pass(2);
  expect(await sync(['--yes'])).toMatchObject({ exitCode: 0 });
  expect(await Promise.all(DOMAINS.map(ofDomain))).toEqual([{}, {}]);
});

test('webhooks sync --account with a clock ahead does not remove the webhooks of domains in the run that registers', async () => {
  stub.api.register('one.example.com', TYPES, OWN_URL);
  await sync(['--yes'], { now: () => nowMs + 60 * MINUTE_MS });
  expect(Object.keys(await ofDomain('one.example.com'))).toEqual(TYPES);
});

test('webhooks sync --account keeps a type of a domain that the account lost during the prompt', async () => {
  stub.api.register('one.example.com', TYPES, OWN_URL);
  await register(OWN_URL, TYPES);
  pass(11);
  const ask = async () => {
    const [hook] = await atAccount();
    await callTwin(stub.api.url, `/v1/webhooks/${hook.webhook_id}`, { method: 'DELETE' }, API_KEY);
    return 'y';
  };
  expect(await run('sync', ['--account'], { ask })).toMatchObject({
    exitCode: 1,
    errors: [expect.stringMatching(/changed meanwhile/)],
  });
  expect(Object.keys(await ofDomain('one.example.com'))).toEqual(TYPES);
});

test('webhooks sync --account finds a registration whose reply was lost, and does not repeat it', async () => {
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

describe.each(['429-retry-after', '429-reset-seconds', '429-reset-milliseconds'] as const)(
  'a Mailgun that limits requests by %s',
  (mode) => {
    const limited = { fails: { mode, percent: 100, seconds: 20 } };

    test('is waited for as requested, and then everything is registered', async () => {
      stub.api.misbehave(limited);
      const waits: number[] = [];
      const sleep = async (ms: number) => {
        waits.push(ms);
        nowMs += ms;
        stub.clock.ms = nowMs;
        if (waits.length === 3) stub.api.misbehave({});
      };
      const { exitCode, errors } = await sync([], { sleep });

      expect(exitCode).toBe(0);
      expect(await atAccount()).toMatchObject([{ url: OWN_URL, event_types: TYPES }]);
      for (const ms of waits) expect([ms > 18_000, ms <= 21_000]).toEqual([true, true]);
      expect(errors.filter((line) => /limits its requests: waiting for 2[01] seconds/.test(line))).toHaveLength(3);
    });

    test.each(['check', 'sync'])('makes %s fail after five minutes of waiting', async (command) => {
      stub.api.misbehave(limited);
      let waitedMs = 0;
      const sleep = async (ms: number) => {
        waitedMs += ms;
        nowMs += ms;
        stub.clock.ms = nowMs;
      };
      const { exitCode, errors } = await run(command, [], { sleep });

      expect([exitCode, errors.at(-1)]).toEqual([1, expect.stringMatching(/returned 429; try again later/)]);
      expect([waitedMs > 250_000, waitedMs <= 300_000]).toEqual([true, true]);
    });
  },
);

test('registrations of two concurrent runs become one after Mailgun acts on both', async () => {
  await register(OWN_URL, TYPES);
  await register(OWN_URL, TYPES);
  expect((await run('check', ['--json'])).json().filter(({ kind }) => kind === 'double')).toHaveLength(4);
  expect(await sync(['--yes'])).toMatchObject({ exitCode: 1 });
  expect(await atAccount()).toHaveLength(2);

  pass(11);
  const questions: string[] = [];
  const ask = async (question: string) => {
    questions.push(question);
    return 'y';
  };
  const { exitCode, json } = await sync([], { ask });
  expect(questions).toEqual([
    expect.stringContaining('delete the second registration of this stack at the account (opened,clicked)?'),
  ]);
  expect({ exitCode, lines: json() }).toEqual({
    exitCode: 0,
    lines: [
      { ...added, change: 'remove-double' },
      { event: 'synced', changes: 1, drift: 0 },
    ],
  });
  expect(await atAccount()).toMatchObject([{ webhook_id: 'webhook-1' }]);
});

test('webhooks sync --account keeps the registration with more types, even if it is newer', async () => {
  await register(OWN_URL, ['opened']);
  pass(1);
  await register(OWN_URL, TYPES);
  pass(11);
  expect((await sync(['--plan'])).json().at(-1)).toEqual({ event: 'planned', changes: 1, drift: 0 });
  expect((await sync(['--yes'])).json().at(-1)).toEqual({ event: 'synced', changes: 1, drift: 0 });
  expect(await atAccount()).toMatchObject([{ event_types: TYPES }]);
});

test('two concurrent runs of webhooks sync --account leave one registration', async () => {
  await Promise.all([sync(), sync()]);
  pass(11);
  await Promise.all([sync(['--yes']), sync(['--yes'])]);
  expect(await atAccount()).toMatchObject([{ url: OWN_URL, event_types: TYPES }]);
});

test('webhooks sync --account adds a registration for a type that the existing one lacks', async () => {
  await register(OWN_URL, ['accepted', 'opened']);
  await sync();
  expect(await atAccount()).toMatchObject([{ event_types: ['accepted', 'opened'] }, { event_types: ['clicked'] }]);
});

const fill = async (types: string[]) => {
  for (const nth of [1, 2, 3]) await register(`https://${nth}.example.net/`, types);
};

test('webhooks sync --account registers nothing and prints so if three other URLs have all types', async () => {
  await fill(TYPES);
  for (const domain of DOMAINS) stub.api.register(domain, TYPES, OWN_URL);
  const { exitCode, json } = await sync();
  expect(exitCode).toBe(1);
  const noRoom = { event: 'drift', domain: null, kind: 'no-room', level: 'account', url: null };
  expect(json().slice(0, 2)).toEqual(TYPES.map((type) => ({ ...noRoom, type })));
  expect(json().at(-1)).toEqual({ event: 'synced', changes: 0, drift: 2 });
  const { lines } = await run('sync', ['--account']);
  expect(lines.at(-1)).toMatch(/no room for opened, clicked, so domains with such types keep this stack/);
  expect(await Promise.all(DOMAINS.map(async (domain) => Object.keys(await ofDomain(domain))))).toEqual([TYPES, TYPES]);
});

test('webhooks sync --account registers all types except one with three other URLs', async () => {
  await fill(['clicked']);
  const { exitCode, json } = await sync();
  expect(exitCode).toBe(1);
  expect(json()[0]).toEqual({ ...added, type: 'opened' });
  expect(json().filter(({ kind }) => kind === 'missing')).toMatchObject([{ type: 'clicked' }, { type: 'clicked' }]);
});

test('webhooks sync --account prompts once before it receives webhooks of domains without a ledger', async () => {
  stub.account.furtherDomains = [{ name: 'news.example.com', subaccount_id: '6fr7' }];
  const questions: string[] = [];
  const ask = async (question: string) => {
    questions.push(question);
    return 'n';
  };
  expect(await sync([], { ask })).toMatchObject({ exitCode: 2 });
  const says = expect.stringMatching(/^Mailgun has 3 domains, the ledger 2: .*news.example.com .*refused/);
  expect(questions).toEqual([says]);
  expect(await sync(['--plan'])).toMatchObject({ exitCode: 0, errors: [says] });
  expect(await atAccount()).toEqual([]);
  expect(await sync(['--yes'])).toMatchObject({ exitCode: 0, errors: [says] });
});

test('webhooks sync --account registers with a key that may not list domains after a prompt', async () => {
  stub.account.apiKeys = [{ secret: 'key-without-domains', role: 'admin', listsDomains: false }];
  const openDeployment = async () => stub.deployment('key-without-domains');
  expect(await sync([], { openDeployment })).toMatchObject({ exitCode: 2 });
  expect(await atAccount()).toEqual([]);
  const questions: string[] = [];
  const ask = async (question: string) => {
    questions.push(question);
    return 'y';
  };
  expect(await sync([], { openDeployment, ask })).toMatchObject({ exitCode: 0 });
  expect(questions).toEqual([expect.stringMatching(/^Mailgun does not list its domains to this key/)]);
});

test("webhooks sync --account prints Mailgun's error on the account's webhooks", async () => {
  const refuses = async () => ({ status: 409, body: { Description: 'unable to add more than 3 urls' } });
  const ask: MailgunRequest = async (_domain, method) =>
    method === 'GET' ? { status: 200, body: { webhooks: [] } } : refuses();
  await expect(openRegistry(ask).addToAccount('one.example.com', OWN_URL, TYPES)).rejects.toThrow(
    'Mailgun did not register opened, clicked of the account: 409 unable to add more than 3 urls',
  );
});

test('webhooks sync --account is for all domains', async () => {
  expect(await run('sync', ['--account', '--domain', DOMAINS[0] ?? ''])).toMatchObject({
    exitCode: 2,
    errors: ['--account is for all domains'],
  });
});

test('webhooks sync --remove removes its own URL from domains and account, and adds nothing', async () => {
  for (const domain of DOMAINS) stub.api.register(domain, TYPES, OWN_URL);
  await register(OWN_URL, ['opened']);
  await register(OTHER, ['opened']);
  const remove = ['--account', '--remove', OWN_URL];
  expect((await run('sync', [...remove, '--plan', '--json'])).json().at(-1)).toMatchObject({ changes: 5, drift: 0 });
  const { exitCode, lines } = await run('sync', [...remove, '--yes']);
  expect(exitCode).toBe(0);
  expect(lines.join('\n')).not.toContain(OWN_URL);
  expect(await Promise.all(DOMAINS.map(ofDomain))).toEqual([{}, {}]);
  expect(await atAccount()).toMatchObject([{ url: OTHER }]);
  expect((await run('sync', ['--remove', OWN_URL])).lines.at(-1)).toBe('Nothing to change.');
});
