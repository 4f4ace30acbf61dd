import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { stackChecks } from '../../../../cli/commands/doctor/stack-checks.ts';
import { providerText } from '../../../../cli/commands/status/providers.ts';
import {
  type DomainStatus,
  gatherStatus,
  judge,
  type StatusLine,
  statusText,
} from '../../../../cli/commands/status.ts';
import { TargetUnavailableError } from '../../../../cli/errors.ts';
import type { Deployment } from '../../../../cli/target/types.ts';
import { alarmDescription } from '../../../../lambdas/domain/alarm-description.ts';
import { doubtKey, openSliceKey, sliceKey } from '../../../../lambdas/domain/keys.ts';
import { providerStanding } from '../../../../lambdas/domain/recipients/provider-limits.ts';
import { listenOnLoopback } from '../../../../tools/local-stack/run/listener.ts';
import { outputOfItsKey, runCommand, stubDeployment } from '../../../support/cli/command-line.ts';
import { statusLine } from '../../../support/cli/json-lines/status.ts';
import { stubSecrets } from '../../../support/doubles/stub-secrets.ts';

/** Returns a deployment of which only the secrets can be read. */
function onlySecretsOf(
  secrets: ReturnType<typeof stubSecrets>,
  mailgunUrl: string,
  onRead = async () => {},
): Deployment {
  const send = async () => {
    await onRead();
    throw new TargetUnavailableError('only secrets can be read');
  };
  const table = Object.assign(DynamoDBDocumentClient.from(new DynamoDBClient({})), { send });
  return stubDeployment({
    ...secrets,
    clients: { ...secrets.clients, table, queues: { send } } as unknown as Deployment['clients'],
    output: (key) => (key === 'LedgerTimes' ? '{}' : secrets.output(key)),
    mailgunUrl: () => mailgunUrl,
  });
}

const NOW_MS = Date.parse('2026-11-22T12:00:00Z');

function domain(over: Partial<DomainStatus> = {}, ledger: object = {}): DomainStatus {
  return {
    domain: 'mg.example.com',
    lastEvent: { type: 'delivered', at: '2026-11-22T11:59:00.000Z' },
    completeness: 'complete',
    ledger: {
      since: '2026-11-21T12:00:00.000Z',
      judgedUntil: '2026-11-22T11:15:00.000Z',
      expected: 7,
      missing: 0,
      lost: 0,
      unconfirmed: 0,
      altered: 0,
      openSlices: 0,
      shortSlices: 0,
      stuck: 0,
      stuckFrom: null,
      lostBetween: null,
      lastSlice: { start: '2026-11-22T11:00:00.000Z', end: '2026-11-22T11:15:00.000Z', state: 'settled' },
      witness: [],
      ...ledger,
    },
    providers: [],
    ...over,
  };
}

const facts = (over: Partial<StatusLine> = {}) => ({
  notes: [],
  backlog: 0,
  deadLetters: 0,
  signingKey: { matches: true, why: null },
  alarms: { total: 11, alarmed: [] },
  listing: '',
  domains: [domain()],
  furtherDomains: [],
  unknown: [],
  ...over,
});

const atGmail = (counts: object, policy = {}) => ({
  provider: 'gmail' as const,
  cut: false,
  ...providerStanding({ counts: { delivered: 1000, ...counts }, policy }),
});

const STUCK = {
  name: 'mailgun-ledger-prod-stuck',
  since: '2026-11-22T11:56:00.000Z',
  happened: 'Events are still not stored.',
  impact: 'Clients of the API miss these events.',
  explains: ['open-slice'],
  runbook: 'docs/runbook.md#stuck',
  first: 'npm run ledger -- dlq list --env prod',
};
const alarmed = { total: 11, alarmed: [STUCK] };
test.each([
  ['all well', facts(), 'healthy', []],
  ['a backlog alone', facts({ backlog: 5000 }), 'healthy', []],
  ['dead letters', facts({ deadLetters: 2 }), 'unhealthy', [/^2 in the DLQ/]],
  [
    'an alarm',
    facts({ alarms: alarmed }),
    'unhealthy',
    [/mailgun-ledger-prod-stuck is on: npm run ledger -- dlq list --env prod$/],
  ],
  [
    'missing events',
    facts({
      domains: [
        domain(
          { completeness: 'incomplete' },
          { missing: 3, openSlices: 1, stuck: 1, stuckFrom: '2026-11-22T08:00:00.000Z' },
        ),
      ],
    }),
    'unhealthy',
    [
      /lacks 3 events that Mailgun lists: .*dlq list/,
      /^1 event of mg\.example\.com is stuck, the first in the slice of 2026-11-22T08:00:00Z: dlq list .*#stuck$/,
    ],
  ],
  [
    'slices that lack nothing any more',
    facts({ domains: [domain({ completeness: 'incomplete' }, { openSlices: 2 })] }),
    'unhealthy',
    [/^2 slices of mg\.example\.com are to be compared once more: logs reconcile/],
  ],
  [
    'a slice that is short, and one that is not',
    facts({ domains: [domain({ completeness: 'incomplete' }, { openSlices: 2, shortSlices: 1 })] }),
    'unhealthy',
    [/^1 slice of mg\.example\.com is to be/, /^Mailgun lists less than before of 1 slice of .*#open-slice$/],
  ],
  [
    'no alarm at all',
    facts({ alarms: { total: 0, alarmed: [] } }),
    'unhealthy',
    [/^the stack has no alarm, .*deploy it/],
  ],
  [
    'events of a former domain that were never listed',
    facts({ furtherDomains: [domain({ domain: 'old.example.com', completeness: 'unknown' }, { unconfirmed: 1 })] }),
    'unhealthy',
    [/^1 event of old\.example\.com was never listed/],
  ],
  [
    'a missing event without a domain',
    facts({ furtherDomains: [domain({ domain: '-', completeness: 'incomplete' }, { missing: 1, openSlices: 1 })] }),
    'unhealthy',
    [/^- \(no domain\) lacks 1 event/],
  ],
  ['no domain at all', facts({ domains: [] }), 'unknown', [/^no sending domain is known: .*keys status/]],
  [
    'forged events',
    facts({ domains: [domain({}, { unconfirmed: 1 })] }),
    'unhealthy',
    [/may be forged: unconfirmed lists them$/],
  ],
  [
    'forged bodies, which leave their slice open',
    facts({ domains: [domain({ completeness: 'incomplete' }, { altered: 2, openSlices: 1 })] }),
    'unhealthy',
    [
      /^2 events of mg\.example\.com are stored otherwise than Mailgun lists, and may be forged: unconfirmed lists them$/,
    ],
  ],
  ['lost, and brought', facts({ domains: [domain({}, { lost: 4 })] }), 'healthy', []],
  [
    'no ledger',
    facts({ domains: [domain({ completeness: 'unknown' }, { judgedUntil: null })] }),
    'unknown',
    [/has no ledger yet/],
  ],
  ['a ledger behind', facts({ domains: [domain({ completeness: 'unknown' })] }), 'unknown', [/is behind/]],
  [
    'something unreadable',
    facts({ alarms: null, unknown: ['alarms: AWS refuses'] }),
    'unknown',
    [/not known: alarms: AWS refuses/],
  ],
  [
    'complaints over the limit at a provider',
    facts({ domains: [domain({ providers: [atGmail({ complained: 4 })] })] }),
    'unhealthy',
    [
      /^0\.4 % of 1,000 mails of mg\.example\.com to Gmail reported as spam in the last 7 days \(UTC\) and today, over the limit of Gmail, 0\.3 %: .*#complaints-at-provider$/,
    ],
  ],
  ['high at a provider', facts({ domains: [domain({ providers: [atGmail({ complained: 2 })] })] }), 'healthy', []],
  ['both', facts({ deadLetters: 1, unknown: ['alarms: x'] }), 'unhealthy', [/in the DLQ/, /not known/]],
])('%s', (_name, its, health, reasons) => {
  expect(judge(its)).toEqual({ health, reasons: reasons.map((reason) => expect.stringMatching(reason)) });
});

test('status fits on one screen, and shows unknown values as unknown', () => {
  const its = facts({
    backlog: null,
    alarms: null,
    domains: [domain({ lastEvent: null, ledger: null, completeness: 'unknown' })],
    unknown: ['last event of mg.example.com: x', 'backlog: x', 'ledger of mg.example.com: x', 'alarms: x'],
  });
  const lines = statusText({ event: 'status', ...judge(its), ...its }, 'prod', NOW_MS);
  expect(lines.length).toBeLessThan(24);
  expect(lines[0]).toBe('NOT KNOWN TO BE HEALTHY  prod');
  for (const what of ['backlog', 'alarms', 'last event', 'complete']) {
    expect(lines).toContainEqual(expect.stringMatching(new RegExp(`^ *${what} +unknown$`)));
  }
  const none = statusText({ event: 'status', ...judge(facts()), ...facts() }, 'prod', NOW_MS);
  expect(none).toContainEqual(expect.stringContaining('delivered, 2026-11-22 11:59:00 UTC (1 min ago)'));
});

test.each([
  [1, '1 event on its way to the table'],
  [2, '2 events on their way to the table'],
])('status counts a backlog of %i', (backlog, text) => {
  const its = facts({ backlog });
  expect(statusText({ event: 'status', ...judge(its), ...its }, 'prod', NOW_MS)).toContain(`  backlog       ${text}`);
});

test('status prints the time range of lost events', () => {
  const lostBetween = { from: '2026-11-22T08:00:00.000Z', to: '2026-11-22T09:15:00.000Z' };
  const its = facts({ domains: [domain({}, { lost: 4, lostBetween })] });

  expect(statusText({ event: 'status', ...judge(its), ...its }, 'prod', NOW_MS)).toContainEqual(
    expect.stringContaining('4 lost by webhook (2026-11-22T08:00Z to 2026-11-22T09:15Z), 0 unconfirmed'),
  );
});

test('status lists causes before what they explain, and no next step is status itself', async () => {
  const alarm = (name: string, explains: string[], first: string) => ({
    name: `mailgun-ledger-stub-${name}`,
    state: 'ALARM' as const,
    sinceMs: 1,
    description: alarmDescription({
      happened: 'x.',
      impact: 'x.',
      recovered: 'x.',
      explains,
      runbook: `docs/runbook.md#${name}`,
      first: `npm run ledger -- ${first} --local`,
    }),
  });
  const alarms: Deployment['alarms'] = async () => [
    alarm('webhook-errors', ['silence'], 'logs ingest'),
    alarm('table-throttled', ['webhook-errors', 'oldest-message'], 'status'),
    alarm('signing-key-unusable', [], 'keys status'),
  ];
  const { json } = await runCommand(['status', '--local', '--json'], {
    openDeployment: async () => stubDeployment({ alarms }),
  });

  expect(json()[0].reasons.slice(0, 3)).toEqual([
    'the alarm mailgun-ledger-stub-table-throttled is on: docs/runbook.md#table-throttled',
    'the alarm mailgun-ledger-stub-signing-key-unusable is on: npm run ledger -- keys status --local',
    'the alarm mailgun-ledger-stub-webhook-errors is on, which mailgun-ledger-stub-table-throttled explains',
  ]);
});

test('status prints the figures that set off an alarm', async () => {
  const reason =
    'Threshold Crossed: 2 out of the last 3 datapoints [37.0, 12.0] were greater than the threshold (0.0).';
  const { lines } = await runCommand(['status', '--local'], {
    openDeployment: async () =>
      stubDeployment({ alarms: async () => [{ name: 'x', state: 'ALARM', sinceMs: 1, reason, description: '' }] }),
  });

  expect(lines).toContain(`    figures     ${reason}`);
});

test('status prints an alarm with its start, its impact, what it explains and where to read', () => {
  const its = facts({ alarms: alarmed });
  const lines = statusText({ event: 'status', ...judge(its), ...its }, 'prod', NOW_MS);

  expect(lines.slice(lines.findIndex((line) => line.includes('✖')))).toEqual([
    '  ✖ mailgun-ledger-prod-stuck, since 2026-11-22 11:56:00 UTC (4 min ago): Events are still not stored.',
    '    impact      Clients of the API miss these events.',
    '    explains    open-slice',
    '    first       npm run ledger -- dlq list --env prod',
    '    runbook     docs/runbook.md#stuck',
    ...lines.slice(-6),
  ]);
});

test('status parses the text of an alarm, and prints only its name if that fails', async () => {
  const description = alarmDescription({ ...STUCK, recovered: 'No event is stuck.' });
  const alarms: Deployment['alarms'] = async () => [
    { name: STUCK.name, state: 'ALARM', sinceMs: Date.parse(STUCK.since), description },
    { name: 'by hand', state: 'ALARM', sinceMs: undefined, description: 'whatever' },
    { name: 'fine', state: 'OK', sinceMs: 1, description },
  ];
  const { json } = await runCommand(['status', '--local', '--json'], {
    openDeployment: async () => stubDeployment({ alarms }),
  });

  const nothing = { happened: null, impact: null, explains: [], runbook: null, first: null };
  expect(json()[0].alarms).toEqual({ total: 3, alarmed: [STUCK, { name: 'by hand', since: null, ...nothing }] });
});

test.each([
  [
    'all are enabled again',
    { enabledAt: NOW_MS - 60_000 },
    'is on, and its cause is over: crm enabled since 2026-11-22 11:59:00 UTC, OK by 2026-11-22 13:04:00 UTC',
  ],
  [
    'one is disabled',
    { enabledAt: NOW_MS - 60_000, disabledAt: NOW_MS },
    'is on: npm run ledger -- receivers list --local',
  ],
  ['none was ever enabled by hand', {}, 'is on: npm run ledger -- receivers list --local'],
])('status explains receiver-disabled where %s', async (_, state, says) => {
  const name = 'mailgun-ledger-stub-receiver-disabled';
  const first = 'npm run ledger -- receivers list --local';
  const description = alarmDescription({ ...STUCK, explains: [], recovered: 'No delivery waits.', first });
  const send = async (command: object) => {
    if (JSON.stringify(command).includes('RECEIVER#crm')) return { Item: state };
    throw new TargetUnavailableError('only the state of the receiver can be read');
  };
  const table = Object.assign(DynamoDBDocumentClient.from(new DynamoDBClient({})), { send });
  const receiver = { name: 'crm', url: 'u', secretArn: 's', queueUrl: 'q', deadLettersUrl: 'd' };
  const { json } = await runCommand(['status', '--local', '--json'], {
    openDeployment: async () =>
      stubDeployment({
        alarms: async () => [{ name, state: 'ALARM', sinceMs: 1, description }],
        output: (key) => ({ Receivers: JSON.stringify([receiver]), LedgerTimes: '{}' })[key] ?? outputOfItsKey(key),
        clients: { table, queues: { send }, secrets: { send } } as unknown as Deployment['clients'],
      }),
  });

  expect(json()[0].reasons[0]).toBe(`the alarm ${name} ${says}`);
});

test('status and doctor say that Mailgun signs with the previous key, and not that webhooks get 401', async () => {
  const server = await listenOnLoopback((_, response) => response.end('{"http_signing_key":"key-right-0123456789"}'));
  const keys = { current: 'key-to-come-0123456789', previous: 'key-right-0123456789' };
  const apiKey = '{"apiKey":"key-of-the-api-01"}';
  const secrets = stubSecrets({ SigningKeysSecretArn: JSON.stringify(keys), ApiKeySecretArn: apiKey });
  const deployment = onlySecretsOf(secrets, server.url);
  const { json } = await runCommand(['status', '--local', '--json'], { openDeployment: async () => deployment });
  const checks = stackChecks({ deployment, account: undefined, now: () => NOW_MS });
  const doctor = await checks.find(({ name }) => name === 'signing key')?.check();
  await server.close();

  const says = expect.stringMatching(/^current .+, which is only previous: webhooks verify until/);
  expect(doctor).toMatchObject({ state: 'warning', says, fix: expect.stringContaining('keys set --from-mailgun') });
  expect(json()[0].signingKey).toEqual({ matches: true, why: says });
  expect(json()[0].reasons.filter((each: string) => each.includes('signing key'))).toEqual([]);
});

test.each([
  [
    "is not Mailgun's",
    'key-of-another-account',
    /^the signing key is current .+ every webhook gets 401.+ keys set --from-mailgun /,
  ],
  ['is not set', undefined, /^the signing key is not set: .+ keys set /],
  ["is Mailgun's", 'key-right-0123456789', undefined],
])('status judges a signing key that %s as doctor does', async (_, current, reason) => {
  const server = await listenOnLoopback((__, response) => response.end('{"http_signing_key":"key-right-0123456789"}'));
  const secrets = stubSecrets({
    SigningKeysSecretArn: JSON.stringify({ current }),
    ApiKeySecretArn: '{"apiKey":"key-of-the-api-01"}',
  });
  const deployment = onlySecretsOf(secrets, server.url);
  const over = { openDeployment: async () => deployment };
  const { json } = await runCommand(['status', '--local', '--json'], over);
  const checks = stackChecks({ deployment, account: undefined, now: () => NOW_MS });
  const doctor = await checks.find(({ name }) => name === 'signing key')?.check();
  await server.close();

  const reasons: string[] = json()[0].reasons.filter((each: string) => each.includes('signing key'));
  expect(reasons).toEqual(reason === undefined ? [] : [expect.stringMatching(reason)]);
  expect(doctor?.state).toBe(reason === undefined ? 'ok' : 'wrong');
  expect(json()[0].health).toBe(reason === undefined ? 'unknown' : 'unhealthy');
  expect(json()[0].signingKey.matches).toBe(reason === undefined);
});

test.each<[string, StatusLine['signingKey'], string]>([
  ["is Mailgun's", { matches: true, why: null }, "is Mailgun's"],
  [
    "has Mailgun's as previous",
    { matches: true, why: 'current 01234567, only previous' },
    'current 01234567, only previous',
  ],
  [
    'could not be compared',
    { matches: null, why: 'Mailgun (h) refuses the API key (403)' },
    "not compared with Mailgun's own: Mailgun (h) refuses the API key (403)",
  ],
  ['could not be read', null, 'unknown'],
])('status prints of a signing key that %s just that', (_, signingKey, text) => {
  const its = facts({ signingKey });
  const lines = statusText({ event: 'status', ...judge(its), ...its }, 'prod', NOW_MS);

  expect(lines).toContainEqual(
    expect.stringMatching(new RegExp(`^ {2}signing key +${text.replace(/[()]/g, '\\$&')}$`)),
  );
});

test('a signing key that cannot be read leaves the stack not known to be healthy, with the reason', async () => {
  const send = async () => {
    throw new TargetUnavailableError('AWS refuses');
  };
  const table = Object.assign(DynamoDBDocumentClient.from(new DynamoDBClient({})), { send });
  const { json } = await runCommand(['status', '--local', '--json'], {
    openDeployment: async () =>
      stubDeployment({
        output: (key) => (key === 'LedgerTimes' ? '{}' : outputOfItsKey(key)),
        clients: { table, queues: { send }, secrets: { send } } as unknown as Deployment['clients'],
      }),
  });

  expect(json()[0].reasons).toContain(
    'not known: signing key: the secret SigningKeysSecretArn cannot be read: AWS refuses',
  );
});

test('an alarm that another one explains names it as its cause, silence too', () => {
  const silence = { ...STUCK, name: 'mailgun-ledger-prod-silence', explains: ['lost-webhooks'] };
  const cause = { ...STUCK, name: 'mailgun-ledger-prod-webhook-errors', explains: ['lost-webhooks', 'silence'] };
  const its = facts({ alarms: { total: 11, alarmed: [cause, silence] } });
  const lines = statusText({ event: 'status', ...judge(its), ...its }, 'prod', NOW_MS);

  expect(lines.filter((line) => /^ +cause /.test(line))).toEqual([
    '    cause       mailgun-ledger-prod-webhook-errors',
  ]);
});

test('status reports all as unknown and exits with 1 if nothing can be read', async () => {
  const { exitCode, json } = await runCommand(['status', '--local', '--json'], {
    openDeployment: async () => stubDeployment({}),
  });
  expect(exitCode).toBe(1);
  const [line] = json().map((each) => statusLine.parse(each));
  expect(line).toMatchObject({ health: 'unknown', backlog: null, deadLetters: null, alarms: null });
  expect(line?.signingKey).toBeNull();
  expect(line?.furtherDomains).toBeNull();
  expect(line?.unknown).toHaveLength(9);
});

test('status reads the ledgers of former domains and of events without one, and shows those with trouble', async () => {
  const start = NOW_MS / 1000 - 40 * 86_400;
  const markers = new Map<string, object>([
    [openSliceKey('old.example.com', start).pk, { sk: '1', start, end: start + 900, stuck: 2 }],
    [doubtKey('confirmed.example.com', start).pk, { sk: '1', start }],
    [doubtKey('-', start).pk, { sk: '1', start }],
  ]);
  const doubtful = {
    domain: '-',
    start,
    end: start + 900,
    unconfirmed: { delivered: 1 },
    altered: {},
    finalAt: 1,
    tags: '{}',
    dimensions: '{}',
  };
  const send = async ({ input }: { input: { Key?: { pk: string }; ExpressionAttributeValues?: object } }) => {
    if (input.Key !== undefined) return { Item: input.Key.pk === sliceKey('-', start).pk ? doubtful : undefined };
    const partitions = Object.values(input.ExpressionAttributeValues ?? {}).map((each) => markers.get(each));
    return { Items: partitions.filter((each) => each !== undefined) };
  };
  const table = Object.assign(DynamoDBDocumentClient.from(new DynamoDBClient({})), { send });
  const deployment = stubDeployment({
    furtherDomains: ['old.example.com', 'confirmed.example.com', 'quiet.example.com'],
    clients: { table, queues: { send }, secrets: { send } } as unknown as Deployment['clients'],
    output: (key) =>
      key === 'LedgerTimes'
        ? JSON.stringify({ everySeconds: 900, settleSeconds: 1800, sliceSeconds: 900, retentionSeconds: 432_000 })
        : outputOfItsKey(key),
  });
  const { furtherDomains, reasons } = await gatherStatus(deployment, NOW_MS);

  expect(furtherDomains?.map(({ domain, ledger }) => [domain, ledger?.stuck, ledger?.unconfirmed])).toEqual([
    ['old.example.com', 2, 0],
    ['-', 0, 1],
  ]);
  expect(reasons).toContainEqual(expect.stringMatching(/^1 event of - \(no domain\) was never listed/));
  expect(reasons).not.toContainEqual(expect.stringMatching(/(old\.example\.com|no domain).*(behind|no ledger yet)/));
});

test('status prints the ledger of events without a domain below those of the domains', () => {
  const its = facts({ furtherDomains: [domain({ domain: '-' }, { unconfirmed: 1 })] });
  const lines = statusText({ event: 'status', ...judge(its), ...its }, 'prod', NOW_MS);

  expect(lines.filter((line) => /^ {2}(mg\.|-)/.test(line))).toEqual(['  mg.example.com', '  - (no domain)']);
});

test('status shows delivery by provider, with refusals by policy apart', () => {
  const its = facts({
    domains: [domain({ providers: [atGmail({ permanent_fail: 20, complained: 1 }, { '5.7.26': 15 })] })],
  });
  expect(statusText({ event: 'status', ...judge(its), ...its }, 'prod', NOW_MS)).toContainEqual(
    expect.stringMatching(
      /^ +at +Gmail, last 7 days \(UTC\) and today: 1,000 delivered, 0\.1 % reported as spam \(above the aim of Gmail, 0\.1 %\), 1\.96 % failed permanently \(good\), 1\.47 % refused by policy \(5\.7\.x\) \(over our limit, 1 %\)$/,
    ),
  );
});

test('status prints that mail to a provider may be counted as other', () => {
  const of = (cut: boolean) => providerText({ ...atGmail({}), cut });
  expect([of(false).includes('counted as other'), of(true).includes('counted as other')]).toEqual([false, true]);
});

test.each([
  ['just written', 'key-right-0123456789', NOW_MS - 299_000, ['signing key', 'API key']],
  ['written five minutes ago', 'key-right-0123456789', NOW_MS - 300_000, []],
  ['still unset in part', '', NOW_MS - 1000, ['API key']],
])(
  'secrets that were %s are named, since functions may not have read their keys yet',
  async (_, current, createdMs, named) => {
    const secrets = stubSecrets(
      { SigningKeysSecretArn: JSON.stringify({ current }), ApiKeySecretArn: '{"apiKey":"key-of-the-api-01"}' },
      createdMs,
    );
    const deployment = onlySecretsOf(secrets, 'http://127.0.0.1:1');
    const { notes } = await gatherStatus(deployment, NOW_MS);
    const minute = new Date(createdMs).toISOString().slice(11, 16);
    // A rotation of another key, or the same value once more, writes the secret too.
    const words = (name: string) =>
      new RegExp(
        `^the secret of the ${name} was written at .*${minute}.*: if that changed the key, .* within 5 minutes`,
      );
    expect(notes).toEqual(named.map((name) => expect.stringMatching(words(name))));
    const text = statusText({ ...(await gatherStatus(deployment, NOW_MS)) }, 'prod', NOW_MS).join('\n');
    expect(text.includes('functions read it within 5 minutes')).toBe(named.length > 0);
  },
);

test('status reads hundreds of domains a few at a time', async () => {
  const domains = Array.from({ length: 300 }, (_, nth) => `d${nth}.example.com`);
  const inFlight = { now: 0, most: 0 };
  const secrets = stubSecrets({ SigningKeysSecretArn: '{}', ApiKeySecretArn: '{}' }, NOW_MS);
  const deployment = onlySecretsOf(secrets, 'http://127.0.0.1:1', async () => {
    inFlight.now += 1;
    inFlight.most = Math.max(inFlight.most, inFlight.now);
    await new Promise(setImmediate);
    inFlight.now -= 1;
  });
  const status = await gatherStatus({ ...deployment, domains }, NOW_MS);
  expect(status.domains.map(({ domain: name }) => name)).toEqual(domains);
  expect(inFlight.most).toBeLessThan(150);
});
