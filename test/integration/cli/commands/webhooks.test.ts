import { WEBHOOK_TYPES } from '../../../../lambdas/domain/event-types.ts';
import { startMailgunApi } from '../../../../tools/mailgun-twin/api/mailgun-api.ts';
import { EventLog } from '../../../../tools/mailgun-twin/listings/event-log.ts';
import { createRandom } from '../../../../tools/mailgun-twin/random.ts';
import { doctorLine } from '../../../support/cli/json-lines/doctor.ts';
import { webhooksCheckLine, webhooksSyncLine } from '../../../support/cli/json-lines/webhooks.ts';
import { DOMAIN } from '../../../support/fixtures/webhooks.ts';
import {
  callTwin,
  formOf,
  LOCAL_API_KEY,
  type LocalLedger,
  startLocalLedger,
} from '../../../support/stacks/local-ledger.ts';

const SECOND = 'second.example.com';
const OTHER = 'https://crm.example.net/mailgun';
const OLD = 'https://old.example.net/mailgun';
let local: LocalLedger;
let own: string;
beforeAll(async () => {
  local = await startLocalLedger({ domains: [DOMAIN, SECOND] });
  own = local.stack.ready.webhookUrl;
}, 120_000);
afterAll(() => local?.stack.stop());

const hooks = (domain: string, type = '') => `/v3/domains/${domain}/webhooks${type && `/${type}`}`;
const put = (type: string, urls: string[], domain = DOMAIN) =>
  local.mailgun(hooks(domain, type), { method: 'PUT', body: formOf({ url: urls }) });

/** Registers as the stack does when it starts. */
beforeEach(async () => {
  for (const domain of [DOMAIN, SECOND]) local.stack.mailgun.register(domain, WEBHOOK_TYPES, own);
  const { json } = await local.mailgun('/v1/webhooks');
  for (const { webhook_id } of json.webhooks) await local.mailgun(`/v1/webhooks/${webhook_id}`, { method: 'DELETE' });
});

/** Returns all registrations, to compare them later. */
const registered = () => Promise.all([hooks(DOMAIN), hooks(SECOND), '/v1/webhooks'].map((path) => local.mailgun(path)));

async function check(...args: string[]) {
  const { exitCode, json } = await local.ledger(['webhooks', 'check', '--json', ...args]);
  return { exitCode, lines: json().map((line) => webhooksCheckLine.parse(line)) };
}

async function sync(...args: string[]) {
  const { exitCode, json } = await local.ledger(['webhooks', 'sync', '--json', ...args]);
  return { exitCode, lines: json().map((line) => webhooksSyncLine.parse(line)) };
}

/** Returns doctor's line about the webhooks of a domain. */
async function webhooksOf(domain: string) {
  const { json } = await local.ledger(['doctor', '--json']);
  return json()
    .map((line) => doctorLine.parse(line))
    .find((line) => line.check === `webhooks of ${domain}`);
}

test('doctor reports webhooks as ok, another receiver as a warning, and unknown while Mailgun fails', async () => {
  expect(await webhooksOf(DOMAIN)).toMatchObject({ state: 'ok', says: '8 types come to this stack', fix: null });
  await put('opened', [own, OTHER]);
  expect(await webhooksOf(DOMAIN)).toMatchObject({ state: 'warning', says: `opened foreign (${OTHER})` });
  local.stack.misbehave({ fails: { mode: '500', percent: 100 } });
  const unknown = await webhooksOf(DOMAIN);
  local.stack.misbehave({});
  expect(unknown).toMatchObject({ state: 'unknown', says: expect.stringMatching(/returned 500/) });
});

test('a newly started stack has no webhook drift, and reconcile reports zero', async () => {
  expect(await check()).toEqual({
    exitCode: 0,
    lines: [{ event: 'checked', domains: 2, types: 8, drift: 0 }],
  });
  await local.stack.reconcile();
  expect(await driftMetric()).toBe(0);
});

/** Returns the last webhook drift that reconcile measured. */
async function driftMetric(): Promise<unknown> {
  const entries = await local.target.logs('reconcile', 0);
  return entries.findLast(({ facts }) => facts.message === 'webhooks compared')?.facts.WebhookDrift;
}

test('webhooks check names every kind of drift, and reconcile counts the same', async () => {
  await local.mailgun(hooks(DOMAIN, 'opened'), { method: 'DELETE' });
  await put(
    'clicked',
    [1, 2, 3].map((n) => `https://${n}.example.net/`),
  );
  await put('complained', [own, OTHER]);
  await put('unsubscribed', [own, `${own}/`]);
  await local.mailgun('/v1/webhooks', {
    method: 'POST',
    body: formOf({ url: own, event_types: ['accepted'] }),
  });

  const { exitCode, lines } = await check();
  const doctor = await webhooksOf(DOMAIN);

  expect(doctor).toMatchObject({ state: 'wrong', fix: expect.stringContaining(`webhooks sync --local`) });
  for (const says of ['opened missing', 'clicked no-room', `complained foreign (${OTHER})`, 'accepted double']) {
    expect(doctor?.says).toContain(says);
  }
  expect(doctor?.says).not.toMatch(new RegExp(`${own}[^/]`));
  expect(exitCode).toBe(1);
  expect(lines.at(-1)).toEqual({ event: 'checked', domains: 2, types: 8, drift: 9 });
  const kinds = lines.flatMap((line) => (line.event === 'drift' ? [[line.domain, line.kind, line.type]] : []));
  expect(kinds).toEqual([
    [DOMAIN, 'double', 'accepted'],
    [DOMAIN, 'missing', 'opened'],
    [DOMAIN, 'no-room', 'clicked'],
    [DOMAIN, 'foreign', 'clicked'],
    [DOMAIN, 'foreign', 'clicked'],
    [DOMAIN, 'foreign', 'clicked'],
    [DOMAIN, 'double', 'unsubscribed'],
    [DOMAIN, 'foreign', 'complained'],
    [SECOND, 'double', 'accepted'],
  ]);
  await local.stack.reconcile();
  expect(await driftMetric()).toBe(9);
});

test("webhooks check prints foreign URLs, and never this stack's own", async () => {
  await put('opened', [own, OTHER]);
  await put('clicked', [OTHER]);
  const texts = await Promise.all([
    local.ledger(['webhooks', 'check', '--json']),
    local.ledger(['webhooks', 'check']),
    local.ledger(['webhooks', 'sync', '--plan']),
  ]);
  // Last: the others must find what it removes.
  texts.push(await local.ledger(['webhooks', 'sync', '--remove', OTHER, '--yes']));
  for (const { lines, errors } of texts) {
    expect([...lines, ...errors].join('\n')).toContain(OTHER);
    expect([...lines, ...errors].join('\n')).not.toContain(own);
  }
});

test('webhooks sync adds missing URLs beside existing ones, and changes nothing when repeated', async () => {
  await local.mailgun(hooks(DOMAIN, 'opened'), { method: 'DELETE' });
  await put('clicked', [OTHER]);
  local.stack.mailgun.register(SECOND, ['delivered'], OLD, 'legacy');

  const plan = await sync('--plan');
  expect((await local.mailgun(hooks(DOMAIN))).json.webhooks.opened).toBeUndefined();
  const first = await sync();
  const after = await registered();
  const second = await sync();

  const added = (domain: string, type: string) => ({ event: 'change', domain, type, change: 'add', url: null });
  const changes = [added(DOMAIN, 'opened'), added(DOMAIN, 'clicked'), added(SECOND, 'delivered')];
  expect(plan.lines.filter(({ event }) => event === 'change')).toEqual(changes);
  expect(plan.lines.at(-1)).toEqual({ event: 'planned', changes: 3, drift: 0 });
  expect(first.lines.filter(({ event }) => event === 'change')).toEqual(changes);
  expect(first).toMatchObject({
    exitCode: 0,
    lines: expect.arrayContaining([{ event: 'synced', changes: 3, drift: 0 }]),
  });
  expect((await local.mailgun(hooks(DOMAIN, 'clicked'))).json.webhook.urls).toEqual([OTHER, own]);
  expect((await local.mailgun(hooks(SECOND, 'delivered'))).json.webhook.urls).toEqual([OLD, own]);
  expect(second.lines.at(-1)).toEqual({ event: 'synced', changes: 0, drift: 0 });
  expect(await registered()).toEqual(after);
});

test('webhooks sync registers no duplicate of a type that the account covers', async () => {
  await local.mailgun(hooks(DOMAIN, 'opened'), { method: 'DELETE' });
  await local.mailgun(hooks(SECOND, 'opened'), { method: 'DELETE' });
  await local.mailgun('/v1/webhooks', { method: 'POST', body: formOf({ url: own, event_types: ['opened'] }) });
  expect((await check()).exitCode).toBe(0);
  expect((await sync()).lines).toEqual([{ event: 'synced', changes: 0, drift: 0 }]);
});

test('webhooks sync skips a type with three other URLs, and registers it once one is removed', async () => {
  await put('clicked', [OTHER, OLD, 'https://third.example.net/']);
  expect(await sync()).toMatchObject({
    exitCode: 1,
    lines: expect.arrayContaining([{ event: 'synced', changes: 0, drift: 1 }]),
  });

  const removal = await local.ledger(['webhooks', 'sync', '--remove', OLD]);
  expect(removal).toMatchObject({ exitCode: 2, errors: [expect.stringMatching(/needs --yes/)] });
  const { exitCode } = await sync('--remove', OLD, '--yes');

  expect(exitCode).toBe(0);
  const { urls } = (await local.mailgun(hooks(DOMAIN, 'clicked'))).json.webhook;
  expect(urls).toEqual([OTHER, 'https://third.example.net/', own]);
});

test('webhooks sync --remove removes exactly the named URL, from every type and level', async () => {
  await put('opened', [own, OLD, OTHER]);
  await local.mailgun('/v1/webhooks', {
    method: 'POST',
    body: formOf({ url: OLD, event_types: ['opened', 'clicked'] }),
  });
  await local.mailgun('/v1/webhooks', { method: 'POST', body: formOf({ url: OTHER, event_types: ['clicked'] }) });

  const { exitCode } = await sync('--remove', OLD, '--yes');

  expect(exitCode).toBe(0);
  expect(JSON.stringify(await registered())).not.toContain(OLD);
  expect((await local.mailgun(hooks(DOMAIN, 'opened'))).json.webhook.urls).toEqual([own, OTHER]);
  expect((await local.mailgun('/v1/webhooks')).json.webhooks).toMatchObject([{ url: OTHER }]);
  expect((await sync('--remove', OLD, '--yes')).lines.at(-1)).toMatchObject({ event: 'synced', changes: 0 });
});

test('concurrent runs of webhooks sync, with another receiver registering meanwhile, lose no URL', async () => {
  await local.mailgun(hooks(DOMAIN, 'opened'), { method: 'DELETE' });
  await local.mailgun(hooks(DOMAIN, 'clicked'), { method: 'DELETE' });
  const other = formOf({ url: OTHER, event_types: ['opened', 'clicked'] });

  const [first, second, added] = await Promise.all([
    sync(),
    sync(),
    local.mailgun(`/v4/domains/${DOMAIN}/webhooks`, { method: 'POST', body: other }),
  ]);

  expect([first.exitCode, second.exitCode, added.status]).toEqual([0, 0, 200]);
  for (const type of ['opened', 'clicked']) {
    expect((await local.mailgun(hooks(DOMAIN, type))).json.webhook.urls.sort()).toEqual([OTHER, own].sort());
  }
});

test('doctor warns of redacted webhooks', async () => {
  const find = async () => {
    const { json } = await local.ledger(['doctor', '--json']);
    return json().find((line) => line.check === `redaction of ${DOMAIN}`);
  };
  const redact = (enabled: boolean) =>
    fetch(`${local.stack.mailgun.url}/v5/accounts/features`, {
      method: 'PUT',
      headers: { authorization: `Basic ${btoa(`api:${LOCAL_API_KEY}`)}`, 'content-type': 'application/json' },
      body: JSON.stringify({ webhooks_redact_pii: { enabled } }),
    });

  expect(await find()).toMatchObject({ state: 'ok' });
  await redact(true);
  expect(await find()).toMatchObject({ state: 'warning', says: expect.stringMatching(/wait for reconciliation/) });
  await redact(false);
  expect(await find()).toMatchObject({ state: 'ok' });
});

test('webhooks sync --remove for one domain keeps the URL at the account and at other domains', async () => {
  for (const domain of [DOMAIN, SECOND]) await put('opened', [own, OLD], domain);
  await local.mailgun('/v1/webhooks', { method: 'POST', body: formOf({ url: OLD, event_types: ['clicked'] }) });

  await sync('--remove', OLD, '--yes', '--domain', DOMAIN);

  const [first, second, account] = (await registered()).map((reply) => JSON.stringify(reply).includes(OLD));
  expect([first, second, account]).toEqual([false, true, true]);
});

test.each([
  [['check', '--domain', 'x.example'], /not one of the stack's/],
  [['sync', '--remove', 'nonsense'], /takes a URL/],
  [['sync', '--fast'], /unknown option '--fast'/],
])('webhooks exits with 2 and one sentence for the wrong input %p', async (args, says) => {
  const { exitCode, errors } = await local.ledger(['webhooks', ...args]);
  expect({ exitCode, errors }).toEqual({ exitCode: 2, errors: [expect.stringMatching(says)] });
});

test("webhooks sync --remove removes this stack's own URL if it is named", async () => {
  await put('opened', [own, OTHER]);
  const { exitCode, lines } = await local.ledger(['webhooks', 'sync', '--remove', own, '--yes']);
  expect(exitCode).toBe(0);
  expect(lines.join('\n')).not.toContain(own);
  expect(JSON.stringify(await registered())).not.toContain(own);
  expect((await local.mailgun(hooks(DOMAIN))).json.webhooks).toEqual({ opened: { urls: [OTHER] } });
});

test('webhooks reports a Mailgun failure in one sentence with exit code 1, and reconciliation continues', async () => {
  local.stack.misbehave({ fails: { mode: '500', percent: 100 } });
  const { exitCode, errors } = await local.ledger(['webhooks', 'check']);
  local.stack.misbehave({});
  expect({ exitCode, errors }).toEqual({
    exitCode: 1,
    errors: [expect.stringMatching(/returned 500; try again later$/)],
  });
});

test('webhooks check reads each region for its own domains', async () => {
  const regions = await Promise.all(
    ['us', 'eu'].map((region) =>
      startMailgunApi({
        log: new EventLog(),
        apiKey: LOCAL_API_KEY,
        account: { signingKey: 'key-of-the-account' },
        domains: [`${region}.example.com`],
        random: createRandom(1),
      }),
    ),
  );
  const urlOf = (domain: string) => regions[domain.startsWith('us') ? 0 : 1]?.url ?? '';
  const openDeployment = async () => ({
    ...local.target,
    domains: ['us.example.com', 'eu.example.com'],
    mailgunUrl: urlOf,
  });
  await callTwin(urlOf('us'), '/v1/webhooks', {
    method: 'POST',
    body: formOf({ url: own, event_types: [...WEBHOOK_TYPES] }),
  });

  const before = await local.ledger(['webhooks', 'check', '--json'], { openDeployment });
  const synced = await local.ledger(['webhooks', 'sync'], { openDeployment });
  const after = await local.ledger(['webhooks', 'check'], { openDeployment });
  await Promise.all(regions.map((api) => api.close()));

  const missing = before.json().filter(({ kind }) => kind === 'missing');
  expect(missing.map(({ domain }) => domain)).toEqual(Array(8).fill('eu.example.com'));
  expect([before.exitCode, synced.exitCode, after.exitCode]).toEqual([1, 0, 0]);
});

test('webhooks check compares the other domains where one is not in its region', async () => {
  const api = await startMailgunApi({
    log: new EventLog(),
    apiKey: LOCAL_API_KEY,
    account: { signingKey: 'key-of-the-account' },
    domains: ['us.example.com'],
    random: createRandom(1),
  });
  const target = { ...local.target, mailgunUrl: () => api.url };
  const openWith = (...domains: string[]) => ({ openDeployment: async () => ({ ...target, domains }) });
  const both = await local.ledger(['webhooks', 'check', '--json'], openWith('eu.example.com', 'us.example.com'));
  await local.ledger(['webhooks', 'sync'], openWith('us.example.com'));
  const rest = await local.ledger(['webhooks', 'check'], openWith('eu.example.com', 'us.example.com'));
  const alone = await local.ledger(['webhooks', 'check'], openWith('eu.example.com'));
  await api.close();

  const why = expect.stringMatching(
    /^Mailgun has no domain eu\.example\.com in this region \(404 .*correct its "region"/,
  );
  expect(both.json().filter(({ event }) => event === 'unread')).toEqual([
    { event: 'unread', domain: 'eu.example.com', why },
  ]);
  expect(both.json().at(-1)).toMatchObject({ event: 'checked', domains: 1, drift: 8 });
  expect(rest.lines.slice(0, 2)).toEqual([
    expect.stringMatching(/^eu\.example\.com {2}not known: /),
    expect.stringMatching(/^The others are as wanted: 8 types of 1 domain /),
  ]);
  expect([both.exitCode, rest.exitCode]).toEqual([1, 1]);
  expect({ ...alone, errors: alone.errors }).toMatchObject({ exitCode: 1, lines: [], errors: [why] });
});

test('without a domain there is nothing that could be as wanted', async () => {
  const openDeployment = async () => ({ ...local.target, domains: [] });
  const { exitCode, lines, errors } = await local.ledger(['webhooks', 'check'], { openDeployment });
  expect({ exitCode, lines, errors }).toEqual({
    exitCode: 1,
    lines: [],
    errors: [expect.stringMatching(/^no sending domain is known.*keys status/)],
  });
});
