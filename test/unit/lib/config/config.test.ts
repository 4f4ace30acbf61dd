import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { encodeHeldElsewhere, parseHeldElsewhere } from '../../../../lambdas/domain/webhooks/domains-held-elsewhere.ts';
import { ConfigError, type ConfigSource, parseConfig } from '../../../../lib/config/config.ts';
import { brokenRules } from '../../../../lib/config/config-rules.ts';
import { environmentSchema } from '../../../../lib/config/config-schema.ts';
import { documentedKeys } from '../../../../lib/config/configuration-page.ts';
import { metadataOf } from '../../../../lib/config/field.ts';

const DEV = { region: 'us-east-1', domains: [{ name: 'mg.example.com', region: 'us' }] };
const PROD = { region: 'eu-west-1', account: '333333333333', domains: [{ name: 'mg.acme.internal', region: 'eu' }] };
const ENVIRONMENTS = { dev: DEV, prod: PROD };

const KEYS = Object.keys(environmentSchema.shape).join(', ');
const TYPES = 'accepted, delivered, opened, clicked, unsubscribed, complained, permanent_fail, temporary_fail';
const CERTIFICATE = 'arn:aws:acm:eu-west-1:333333333333:certificate/1f0c9a52-8f3e-4a44-9d55-0a6f5a2f7c11';

const publish = { enabled: true };
const receiver = (over: object = {}) => ({
  name: 'crm',
  url: 'https://crm.example.com/hooks',
  events: ['suppression.changed'],
  ...over,
});

const day = (from: string, count: number) => ({ from, count });

const ROOT = join(import.meta.dirname, '../../../..');
const PROD_NAME = 'prod';
/** Numbers of alarms, and what only the local stack may have. */
const NOT_LINTED = new Set([
  'alarms.limits.watermarkAgeSeconds',
  'alarms.limits.openSliceSeconds',
  'alarms.limits.runPeriodSeconds',
  'reconcile.mailgunUrl',
]);

function mistakes(source: Partial<ConfigSource>): readonly string[] {
  try {
    parseConfig({ environments: ENVIRONMENTS, env: 'dev', ...source });
  } catch (error) {
    if (error instanceof ConfigError) return error.lines;
    throw error;
  }
  return [];
}
const mistakesIn = (environment: object) => mistakes({ environments: { dev: { ...DEV, ...environment } } });
const mistakesInProd = (environment: object, more: Partial<ConfigSource> = {}) =>
  mistakes({ environments: { prod: { ...PROD, ...environment } }, env: 'prod', ...more });

describe('a configuration with only its required settings', () => {
  test('gets every default', () => {
    expect(parseConfig({ environments: ENVIRONMENTS, env: 'dev' })).toEqual({
      ...DEV,
      name: 'dev',
      eventTypes: TYPES.split(', '),
      alarms: {
        page: [],
        ticket: [],
        runbookUrl: 'docs/runbook.md',
        notify: false,
        providers: [],
        // The alarms of the template have them.
        limits: expect.anything(),
      },
      origins: [],
      readApi: { credentials: false },
      retentionDays: { statuses: 400, deliveries: 30, logs: 30 },
      throttle: { webhook: { ratePerSecond: 1000, burst: 2000 }, read: { ratePerSecond: 50, burst: 100 } },
      executions: {},
      table: { class: 'standard', pointInTimeRecovery: true },
      dashboard: { enabled: false },
      customDomain: {},
      tags: {},
      keepLogs: false,
      protectData: true,
      customerKey: false,
      processing: { timeoutSeconds: 30, batchSize: 10, batchingWindowSeconds: 1, maxConcurrency: 5, outageHours: 9 },
      reconcile: {
        source: 'events',
        everySeconds: 900,
        settleSeconds: 1800,
        sliceSeconds: 900,
        parallel: 8,
        retentionSeconds: 86_400,
        bounceClasses: false,
      },
      publish: { enabled: false, bus: 'default', recipients: false, retrySeconds: 43_200 },
      receivers: [],
      delivery: {
        retrySeconds: [5, 300, 1800, 7200, 18_000, 36_000, 50_400],
        timeoutSeconds: 15,
        disableAfterHours: 120,
      },
      shards: [],
      seal: { enabled: false, sign: true, versioned: false },
      heldElsewhere: encodeHeldElsewhere({ prod: ['mg.acme.internal'] }, 100),
    });
  });

  test('knows which domains other environments hold, whatever is wrong with those', () => {
    const others = {
      staging: { domains: [{ name: 'MG.staging.internal' }, {}, null, 'x', { name: 7 }] },
      broken: { domains: 'all' },
      empty: null,
      'a=b;c': { domains: [{ name: 'mg.nowhere.internal' }] },
    };
    const { heldElsewhere } = parseConfig({ environments: { ...ENVIRONMENTS, ...others }, env: 'dev' });
    const holderOf = parseHeldElsewhere(heldElsewhere);

    expect(['mg.staging.internal', 'mg.acme.internal', 'mg.example.com', 'mg.nowhere.internal'].map(holderOf)).toEqual([
      'staging',
      'prod',
      undefined,
      undefined,
    ]);
    expect(parseConfig({ environments: { dev: DEV }, env: 'dev' }).heldElsewhere).toBe('');
  });

  test('has its domains in lower case', () => {
    const environments = { dev: { ...DEV, domains: [{ name: 'MG.Example.COM', region: 'us' }] } };

    expect(parseConfig({ environments, env: 'dev' }).domains).toEqual([{ name: 'mg.example.com', region: 'us' }]);
  });
});

describe('choosing an environment', () => {
  test.each<[name: string, source: Partial<ConfigSource>, lines: string[]]>([
    ['none', { env: undefined }, ['env: is missing; choose one by -c env=dev|prod']],
    ['an unknown one', { env: 'qa' }, ['env: got "qa"; must be one of dev|prod']],
    ['a name every object has', { env: 'constructor' }, ['env: got "constructor"; must be one of dev|prod']],
    [
      'no environments at all',
      { environments: undefined },
      ['environments: got nothing; must be an object in the context of cdk.json'],
    ],
    ['one that is no object', { environments: { dev: 'fast' } }, ['dev: got "fast"; must be an object']],
  ])('%s', (_, source, lines) => {
    expect(mistakes(source)).toEqual(lines);
  });
});

describe('a mistake is reported with its path, the value and the constraint:', () => {
  const right = {
    issuer: 'must be an https URL without query, exactly as in `iss`',
    type: `must be one of ${TYPES}`,
    address: 'must be an email address or an https URL',
    origin: 'must be an exact origin https://host[:port], or http for localhost and 127.0.0.1; no "*", no path',
    tag: 'must be a string of up to 256 letters, digits, spaces and + - = . _ : / @, under a key of 1 to 128 of them that does not start with "aws:"',
    segment: 'must be 16 to 128 letters, digits, "-" or "_"',
    logDays:
      'must be one of 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653',
  };
  const domain = { name: 'mg.example.com', region: 'us' };

  test.each<[environment: object, line: string | RegExp]>([
    [{ regoin: 'us-east-1' }, `dev.regoin: is not a key; valid keys: ${KEYS}`],
    [{ throttle: { webhooks: {} } }, 'dev.throttle.webhooks: is not a key; valid keys: webhook, read'],
    [{ account: 222222222222 }, 'dev.account: got 222222222222; must be a string of 12 digits'],
    [{ region: undefined }, 'dev.region: is missing; must be an AWS region'],
    [{ region: 'Frankfurt' }, 'dev.region: got "Frankfurt"; must be an AWS region'],
    [
      { domains: [] },
      'dev.domains: got []; must be "account" or a list of at least one, each an object {name, region}',
    ],
    [
      { domains: 'all' },
      'dev.domains: got "all"; must be "account" or a list of at least one, each an object {name, region}',
    ],
    [{ domains: ['mg.example.com'] }, 'dev.domains[0]: got "mg.example.com"; must be an object {name, region}'],
    [
      { domains: [domain, { ...domain, name: 'MG.example.com' }] },
      'dev.domains: got "mg.example.com" twice; must be listed once',
    ],
    [
      { domains: [{ ...domain, name: 'mg_1.example.com' }] },
      'dev.domains[0].name: got "mg_1.example.com"; must be a host name',
    ],
    [{ domains: [{ ...domain, name: 'localhost' }] }, 'dev.domains[0].name: got "localhost"; must be a host name'],
    [{ domains: [{ ...domain, region: 'asia' }] }, 'dev.domains[0].region: got "asia"; must be "us" or "eu"'],
    [{ eventTypes: ['bounced'] }, `dev.eventTypes[0]: got "bounced"; ${right.type}`],
    [{ eventTypes: [] }, `dev.eventTypes: got []; must be a list of at least one, each one of ${TYPES}`],
    [{ eventTypes: ['opened', 'opened'] }, 'dev.eventTypes: got "opened" twice; must be listed once'],
    [
      { alarms: 'me@example.com' },
      'dev.alarms: got "me@example.com"; must be an object of page, ticket, runbookUrl, notify, monthlyDollars, providers, limits',
    ],
    [
      { alarms: { notify: true, ticket: ['a@example.com'] } },
      'dev.alarms.page: got []; must name an address where alarms.notify is on, so that failed notices are reported',
    ],
    [
      { alarms: { limits: { apiKeyUnusable: 0 } } },
      'dev.alarms.limits.apiKeyUnusable: got 0; must be a whole number from 1 to 1000',
    ],
    [{ alarms: { page: ['me'] } }, `dev.alarms.page[0]: got "me"; ${right.address}`],
    [
      { alarms: { page: ['http://example.com/a'] } },
      `dev.alarms.page[0]: got "http://example.com/a"; ${right.address}`,
    ],
    [
      { alarms: { ticket: ['a@example.com', 'a@example.com'] } },
      'dev.alarms.ticket: got "a@example.com" twice; must be listed once',
    ],
    [
      { origins: 'https://a.example.com' },
      `dev.origins: got "https://a.example.com"; must be a list, each ${right.origin.slice(8)}`,
    ],
    [{ origins: ['*'] }, `dev.origins[0]: got "*"; ${right.origin}`],
    [{ origins: ['https://*.example.com'] }, `dev.origins[0]: got "https://*.example.com"; ${right.origin}`],
    [{ origins: ['https://a.example.com/'] }, `dev.origins[0]: got "https://a.example.com/"; ${right.origin}`],
    [{ origins: ['http://a.example.com'] }, `dev.origins[0]: got "http://a.example.com"; ${right.origin}`],
    [{ origins: ['https://a.example.com:443'] }, `dev.origins[0]: got "https://a.example.com:443"; ${right.origin}`],
    [{ origins: ['*'], readApi: { credentials: true } }, `dev.origins[0]: got "*"; ${right.origin}`],
    [
      { readApi: { jwt: { issuer: 'login.acme.internal', audience: 'a' } } },
      `dev.readApi.jwt.issuer: got "login.acme.internal"; ${right.issuer}`,
    ],
    [
      { readApi: { jwt: { issuer: 'http://login.acme.internal', audience: 'a' } } },
      `dev.readApi.jwt.issuer: got "http://login.acme.internal"; ${right.issuer}`,
    ],
    [
      { readApi: { jwt: { issuer: 'https://login.acme.internal' } } },
      'dev.readApi.jwt.audience: is missing; must be a text of 1 to 200 characters',
    ],
    [{ origins: ['null'] }, `dev.origins[0]: got "null"; ${right.origin}`],
    [{ retentionDays: { events: 0 } }, 'dev.retentionDays.events: got 0; must be a whole number from 1 to 3650'],
    [
      { retentionDays: { statuses: 399 } },
      'dev.retentionDays.statuses: got 399; must be at least the 400 days of events',
    ],
    [
      { retentionDays: { events: 91, statuses: 90 }, seal: { enabled: true } },
      'dev.retentionDays.statuses: got 90; must be at least the 91 days of events',
    ],
    [
      { retentionDays: { events: 1 }, seal: { enabled: true } },
      'dev.retentionDays.events: got 1; must exceed 1.5 days, by when a slice is archived',
    ],
    [{ retentionDays: { logs: 31 } }, `dev.retentionDays.logs: got 31; ${right.logDays}`],
    [
      { throttle: { read: { burst: '100' } } },
      'dev.throttle.read.burst: got "100"; must be a whole number from 1 to 50000',
    ],
    [{ webhookPathSegment: 'too-short' }, `dev.webhookPathSegment: got "too-short"; ${right.segment}`],
    [
      { webhookPathSegment: 'not/url/safe/at/all' },
      `dev.webhookPathSegment: got "not/url/safe/at/all"; ${right.segment}`,
    ],
    [
      { customDomain: { read: { name: 'api.example.com' } } },
      'dev.customDomain.read.certificateArn: is missing; must be the ARN of an ACM certificate',
    ],
    [
      { customDomain: { read: { name: 'api.example.com', certificateArn: CERTIFICATE } } },
      "dev.customDomain.read.certificateArn: is of eu-west-1; must be of the stack's region us-east-1",
    ],
    [
      { customDomain: { dashboard: { name: 'page.example.com', certificateArn: CERTIFICATE } } },
      'dev.customDomain.dashboard.certificateArn: is of eu-west-1; must be of us-east-1, where CloudFront looks',
    ],
    [
      { bootstrapQualifier: 'Mail' },
      'dev.bootstrapQualifier: got "Mail"; must be 1 to 10 lower-case letters or digits',
    ],
    [{ tags: { 'aws:team': 'mail' } }, `dev.tags.aws:team: got "mail"; ${right.tag}`],
    [{ tags: { team: 7 } }, `dev.tags.team: got 7; ${right.tag}`],
    [
      { exportLogsTo: 'arn:aws:s3:::mail-logs' },
      'dev.exportLogsTo: got "arn:aws:s3:::mail-logs"; must be the ARN of a Firehose stream, or of a destination of CloudWatch Logs',
    ],
    [
      { exportLogsTo: 'arn:aws:firehose:eu-west-1:333333333333:deliverystream/mail-logs' },
      "dev.exportLogsTo: is in eu-west-1; must be in the stack's region us-east-1",
    ],
    [{ protectData: 'false' }, 'dev.protectData: got "false"; must be true or false'],
    [{ processing: { batchSize: 2.5 } }, 'dev.processing.batchSize: got 2.5; must be a whole number from 1 to 10'],
    [
      { processing: { maxConcurrency: 1 } },
      'dev.processing.maxConcurrency: got 1; must be a whole number from 2 to 1000',
    ],
    [
      { processing: { outageHours: 49 } },
      'dev.processing.outageHours: got 49; must be a number of hours above 0 and at most 48',
    ],
    [
      { processing: { outageHours: 2 } },
      'dev.processing: receive count x visibility = 2.5 h must be at least 9 h; raise outageHours',
    ],
    [
      { processing: { timeoutSeconds: 1 } },
      'dev.processing: receive count 4639 must be at most 1000; raise timeoutSeconds or lower outageHours',
    ],
    [
      { publish: { bus: 'no spaces' } },
      'dev.publish.bus: got "no spaces"; must be the name or the ARN of an event bus that exists',
    ],
    [
      { retentionDays: { deliveries: 14 } },
      'dev.retentionDays.deliveries: got 14; must be a whole number from 15 to 400',
    ],
    [
      { publish: { retrySeconds: 86_400 } },
      'dev.publish.retrySeconds: got 86400; must be a whole number from 1 to 79200',
    ],
    [
      { receivers: [receiver()] },
      'dev.receivers: need publish.enabled: true; deliveries are made of what is published',
    ],
    [
      { publish, receivers: [receiver({ url: 'http://crm.example.com/' })] },
      'dev.receivers[0].url: got "http://crm.example.com/"; must be https; only an overlay of the local stack may name a loopback address',
    ],
    [
      { publish, receivers: [receiver({ url: 'https://127.0.0.1/' })] },
      'dev.receivers[0].url: got "https://127.0.0.1/"; must not be a loopback address',
    ],
    [
      { publish, receivers: [receiver({ url: 'https://user:password@crm.example.com/' })] },
      'dev.receivers[0].url: got "https://user:password@crm.example.com/"; must be an https URL of at most 160 characters without credentials or fragment',
    ],
    [
      {
        publish: { enabled: true, bus: 'arn:aws:events:us-east-1:999999999999:event-bus/mail' },
        receivers: [receiver()],
      },
      "dev.publish.bus: is of account 999999999999; with receivers it must be of the stack's own, best by its name, for an account has rules on its own buses only",
    ],
    [
      { publish, receivers: [receiver({ recipients: true })] },
      'dev.receivers[0].recipients: got true; needs publish.recipients: true',
    ],
    [
      { publish, receivers: [receiver({ events: { detail: { recipient: [{ exists: true }] } } })] },
      'dev.receivers[0].events: filters by recipient; needs recipients: true',
    ],
    [
      { publish, receivers: [receiver({ events: ['message.sent'] })] },
      'dev.receivers[0].events: must list at least one of message.status.changed, suppression.changed',
    ],
    [
      { publish, receivers: [receiver({ events: { detail: { email: ['a'] } } })] },
      /^dev\.receivers\[0\]\.events: detail\.email is not published; published are version, id/,
    ],
    [
      { publish, receivers: [receiver(), receiver({ url: 'https://other.example.com/' })] },
      'dev.receivers: got "crm" twice; must be listed once',
    ],
    [
      { publish, receivers: [receiver({ name: 'CRM' })] },
      'dev.receivers[0].name: got "CRM"; must be 2 to 32 lower-case letters, digits or "-", beginning with a letter',
    ],
    [
      { publish, receivers: [receiver({ secret: 'mine' })] },
      'dev.receivers[0].secret: is not a key; valid keys: name, url, events, recipients, ratePerSecond',
    ],
    [
      { delivery: { retrySeconds: [] } },
      'dev.delivery.retrySeconds: got []; must be 1 to 20 whole numbers from 1 to 86400, at most 864000 together',
    ],
    [
      { table: { provisioned: { write: { from: 200, to: 100 } } } },
      'dev.table.provisioned.write.to: got 100; must be at least `from`, 200',
    ],
    [{ executions: { ingest: 0 } }, 'dev.executions.ingest: got 0; must be a whole number from 1 to 10000'],
    [
      { shards: [{ from: '2027-02-30', count: 8 }] },
      'dev.shards[0].from: got "2027-02-30"; must be a UTC day as YYYY-MM-DD',
    ],
    [
      { shards: [{ from: '2027-01-01', count: 33 }] },
      'dev.shards[0].count: got 33; must be a whole number from 1 to 32',
    ],
    [
      { shards: [day('2027-01-01', 8), day('2027-02-01', 4)] },
      'dev.shards[1].count: got 4; must be above 8, for what is stored in more shards would not be found',
    ],
    [
      { shards: [day('2027-01-01', 4), day('2027-01-01', 8)] },
      'dev.shards[1].from: got "2027-01-01"; must be later than 2027-01-01',
    ],
    [{ reconcile: { source: 'api' } }, 'dev.reconcile.source: got "api"; must be "events" or "logs"'],
    [
      { reconcile: { settleSeconds: 1799 } },
      'dev.reconcile: settle 1799 s must be at least 1800 s, since Mailgun indexes late',
    ],
    [
      { reconcile: { retentionSeconds: 5400 } },
      "dev.reconcile: second pass + slice + settle = 5400 s must be less than Mailgun's retention 5400 s",
    ],
    [
      { reconcile: { sliceSeconds: 1000 } },
      'dev.reconcile: slice 1000 s must divide the hour, so that slices add up to hours',
    ],
    [
      { reconcile: { everySeconds: 90 } },
      'dev.reconcile: every 90 s must be whole minutes; the schedule knows no shorter unit',
    ],
    [
      { reconcile: { mailgunUrl: 'http://127.0.0.1:4020' } },
      'dev.reconcile: mailgunUrl is only for the local stack; it must come from an overlay',
    ],
    [
      { reconcile: { mailgunUrl: 'http://api:key@127.0.0.1' } },
      'dev.reconcile.mailgunUrl: got "http://api:key@127.0.0.1"; must be an http or https URL without path or credentials',
    ],
  ])('%j', (environment, line) => {
    expect(mistakesIn(environment)).toEqual([typeof line === 'string' ? line : expect.stringMatching(line)]);
  });

  test('a bus of the own account may have rules for receivers', () => {
    const bus = 'arn:aws:events:us-east-1:999999999999:event-bus/mail';
    const own = { account: '999999999999', publish: { enabled: true, bus }, receivers: [receiver()] };
    expect(mistakesIn(own)).toEqual([]);
    expect(mistakesIn({ publish: { enabled: true, bus } })).toEqual([]);
  });

  test('all at once, with rules across keys', () => {
    expect(
      mistakesIn({ region: 'x', domains: [domain, { ...domain, region: 'x' }], processing: { outageHours: 1 } }),
    ).toEqual([
      'dev.region: got "x"; must be an AWS region',
      'dev.domains[1].region: got "x"; must be "us" or "eu"',
      'dev.domains: got "mg.example.com" twice; must be listed once',
      'dev.processing: receive count x visibility = 1.5 h must be at least 9 h; raise outageHours',
    ]);
  });
});

describe('the documented example', () => {
  test.each(documentedKeys().map(({ key, schema }) => ({ key, schema })))('of $key is valid', ({ schema }) => {
    const example = metadataOf(schema)?.example;

    expect(schema.safeParse(example ?? schema.parse(undefined))).toMatchObject({ success: true });
  });
});

describe('the environment that CI lints with every option on', () => {
  const { [PROD_NAME]: prod } = JSON.parse(readFileSync(join(ROOT, 'cdk.json'), 'utf8')).context.environments;
  const overlay = readFileSync(join(ROOT, '.ci/everything.json'), 'utf8');
  const parsed = parseConfig({ environments: { prod }, env: PROD_NAME, overlay });
  const valueAt = (key: string) =>
    key.split('.').reduce<unknown>((value, part) => {
      const inner = (value as Record<string, unknown> | undefined)?.[part.replace('[]', '')];
      return part.endsWith('[]') ? (inner as unknown[])[0] : inner;
    }, parsed);
  const options = documentedKeys().filter(({ key, schema }) => {
    const { success, data } = schema.safeParse(undefined);
    return success && (data === undefined || data === false || JSON.stringify(data) === '[]') && !NOT_LINTED.has(key);
  });

  test.each(options)('has $key', ({ key, schema }) => {
    expect(valueAt(key)).not.toEqual(schema.parse(undefined));
  });
});

describe('prod', () => {
  const example = 'must not be an example domain in prod';
  const host = (name: string) => ({ name, certificateArn: CERTIFICATE });

  test.each<[environment: object, line: string]>([
    [{ account: undefined }, 'prod.account: is missing; prod must name its account'],
    [{ protectData: false }, 'prod.protectData: got false; must be true in prod'],
    [
      { table: { pointInTimeRecovery: false } },
      'prod.table.pointInTimeRecovery: got false; must be true in prod, unless seal.enabled',
    ],
    [{ domains: [{ name: 'mg.example.com', region: 'us' }] }, `prod.domains[0].name: got "mg.example.com"; ${example}`],
    [{ domains: [{ name: 'mail.acme.test', region: 'us' }] }, `prod.domains[0].name: got "mail.acme.test"; ${example}`],
    [{ alarms: { page: ['me@example.org'] } }, `prod.alarms.page[0]: got "me@example.org"; ${example}`],
    [{ alarms: { ticket: ['https://a.invalid/x'] } }, `prod.alarms.ticket[0]: got "https://a.invalid/x"; ${example}`],
    [{ origins: ['https://mail.example.net'] }, `prod.origins[0]: got "https://mail.example.net"; ${example}`],
    [{ origins: ['http://localhost:5173'] }, `prod.origins[0]: got "http://localhost:5173"; ${example}`],
    [
      { readApi: { jwt: { issuer: 'https://login.example.com/', audience: 'a' } } },
      `prod.readApi.jwt.issuer: got "https://login.example.com/"; ${example}`,
    ],
    [{ customDomain: { webhook: host('h.example') } }, `prod.customDomain.webhook.name: got "h.example"; ${example}`],
    [
      { customDomain: { webhook: host('h.acme.internal'), read: host('h.acme.internal') } },
      'prod.customDomain.read.name: got "h.acme.internal"; must differ from customDomain.webhook.name',
    ],
  ])('%j is refused', (environment, line) => {
    expect(mistakesInProd(environment)).toEqual([line]);
  });

  test('domains that only resemble example domains are accepted', () => {
    expect(mistakesInProd({ domains: [{ name: 'mg.myexample.com', region: 'us' }] })).toEqual([]);
  });

  test('a Firehose stream of another account is refused, a destination of CloudWatch Logs is not', () => {
    const STREAM = 'firehose:eu-west-1:999999999999:deliverystream/mail-logs';
    expect(mistakesInProd({ exportLogsTo: `arn:aws:${STREAM}` })).toEqual([
      "prod.exportLogsTo: is of account 999999999999; a Firehose stream must be of the stack's own, and a destination of CloudWatch Logs may be of another",
    ]);
    expect(mistakesInProd({ exportLogsTo: `arn:aws:${STREAM.replaceAll('9', '3')}` })).toEqual([]);
    const destination = 'arn:aws:logs:eu-west-1:999999999999:destination:mail-logs';
    expect(mistakesInProd({ exportLogsTo: destination })).toEqual([]);
  });

  test("the current credentials must belong to the environment's account", () => {
    expect(mistakesInProd({}, { currentAccount: '111111111111' })).toEqual([
      'prod.account: got "333333333333"; must be the account of the credentials in use, 111111111111',
    ]);
    expect(mistakesInProd({}, { currentAccount: '333333333333' })).toEqual([]);
    expect(mistakes({ currentAccount: '111111111111' })).toEqual([]);
  });
});

describe('an overlay', () => {
  const withOverlay = (overlay: unknown) => parseConfig({ environments: ENVIRONMENTS, env: 'dev', overlay });

  test('is merged deeply with lists replaced, as JSON or as an object', () => {
    const overlay = { domains: [{ name: 'mg.other.test', region: 'eu' }], throttle: { read: { burst: 7 } } };

    const config = withOverlay(overlay);

    expect(withOverlay(JSON.stringify(overlay))).toEqual(config);
    expect(config.domains).toEqual(overlay.domains);
    expect(config.throttle.read).toEqual({ ratePerSecond: 50, burst: 7 });
    expect(config.region).toBe(DEV.region);
  });

  test('may compress the times', () => {
    expect(withOverlay({ processing: { timeoutSeconds: 2, outageHours: 0.05 } }).processing.outageHours).toBe(0.05);
  });

  test('may compress the times of the ledger, and name another Mailgun', () => {
    const reconcile = { everySeconds: 2, settleSeconds: 1, sliceSeconds: 4, retentionSeconds: 60 };

    expect(withOverlay({ reconcile: { ...reconcile, mailgunUrl: 'http://127.0.0.1:1' } }).reconcile).toMatchObject(
      reconcile,
    );
  });

  test('may not compress the times of prod', () => {
    expect(mistakes({ env: 'prod', overlay: { processing: { outageHours: 1 } } })).toEqual([
      'prod.processing: receive count x visibility = 1.5 h must be at least 9 h; raise outageHours',
    ]);
  });

  test.each([
    ['{oops', 'overlay: got "{oops"; must be JSON'],
    ['[]', 'dev: got []; must be an object'],
    ['{"domain":"x"}', `dev.domain: is not a key; valid keys: ${KEYS}`],
  ])('%s is refused', (overlay, line) => {
    expect(mistakes({ overlay })).toEqual([line]);
  });
});

test("a configuration in which signatures expire before Mailgun's last retry is refused", () => {
  const signature = { windowSeconds: 3600, retryHorizonSeconds: 29_100, claimMarginSeconds: 3600 };

  expect(brokenRules({}, { name: 'dev', currentAccount: undefined, compressed: true, signature })).toEqual([
    "dev.signature: signature window 3600 s must exceed Mailgun's retry horizon 29100 s, or late retries are refused",
  ]);
});

describe('what AWS would refuse in the middle of a deploy is a mistake of the configuration', () => {
  const domainsOf = (count: number) =>
    Array.from({ length: count }, (_, n) => ({ name: `mail-${n}.example.com`, region: 'us' }));
  const tagsOf = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, n) => [`team-${n}`, 'mail']));
  const elsewhere = 'arn:aws:events:eu-west-1:333333333333:event-bus/mail';

  test.each<[name: string, environment: object, says: RegExp]>([
    ['more domains than an environment takes', { domains: domainsOf(100) }, /^dev\.domains: take 2\d{3} bytes/],
    [
      'domains and shards that are too long together',
      {
        domains: domainsOf(60),
        shards: Array.from({ length: 28 }, (_, n) => day(`2027-02-${String(n + 1).padStart(2, '0')}`, n + 1)),
      },
      /^dev\.domains: take/,
    ],
    ['more tags than a resource takes', { tags: tagsOf(43) }, /^dev\.tags: are 46 with app, env, version; .* 45$/],
    ['tags that differ by case', { tags: { Env: 'x' } }, /^dev\.tags\.env: differs by case alone/],
    ['a tag with an asterisk', { tags: { team: 'mail*' } }, /^dev\.tags\.team: got "mail\*"; must be a string of/],
    [
      'a bus of another region',
      { publish: { bus: elsewhere } },
      /^dev\.publish\.bus: is in eu-west-1; must be in .* us-east-1/,
    ],
  ])('%s', (_, environment, says) => {
    expect(mistakesIn(environment)).toEqual([expect.stringMatching(says)]);
  });

  test.each<[name: string, environment: object]>([
    ['60 domains', { domains: domainsOf(60) }],
    ['all domains of the account', { domains: 'account' }],
    ['42 tags', { tags: tagsOf(42) }],
    ['a tag of the stack under its own name', { tags: { env: 'x' } }],
    ['a tag of every character', { tags: { 'Kosten Stelle': 'Ärzte + 1 - = . _ : / @' } }],
    ['a bus of the same region', { publish: { bus: elsewhere.replace('eu-west-1', 'us-east-1') } }],
    ['a page on this machine, outside prod', { origins: ['http://127.0.0.1:5173'] }],
  ])('and %s are none', (_, environment) => {
    expect(mistakesIn(environment)).toEqual([]);
  });

  test.each([
    [
      { origins: ['http://127.0.0.1:5173'] },
      'prod.origins[0]: got "http://127.0.0.1:5173"; must not be this machine in prod',
    ],
    [
      { readApi: { jwt: { issuer: 'http://127.0.0.1:9000/', audience: 'a' } } },
      'prod.readApi.jwt.issuer: got "http://127.0.0.1:9000/"; must not be this machine in prod',
    ],
  ])('%j in prod', (environment, line) => {
    expect(mistakesInProd(environment)).toEqual([line]);
  });

  test.each(['under_score', 'a.b', 'x'.repeat(33), '-dev'])('an environment named %s', (env) => {
    expect(mistakes({ environments: { [env]: DEV }, env })).toEqual([
      expect.stringMatching(/^env: got .* must be 1 to 32/),
    ]);
  });
});
