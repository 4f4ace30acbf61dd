import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseAlarmDescription } from '../../../../lambdas/domain/alarm-description.ts';
import type { LocalStackOptions } from '../../../../tools/local-ledger/local-ledger.ts';
import { USUAL_RECONCILE } from '../../../../tools/local-ledger/options/reconcile-choice.ts';
import { playTimelines } from '../../../../tools/local-ledger/scenario/play.ts';
import { createClock } from '../../../../tools/mailgun-twin/clock.ts';
import { openTwin } from '../../../../tools/mailgun-twin/open-twin.ts';
import { createRandom } from '../../../../tools/mailgun-twin/random.ts';
import { scheduleMessages } from '../../../../tools/mailgun-twin/traffic/schedule-messages.ts';
import { TIMELINES } from '../../../../tools/mailgun-twin/traffic/timelines.ts';
import { AlarmHarness, eventOf } from '../../../support/alarms/alarm-harness.ts';
import {
  confusionMatrix,
  expectedBeside,
  type Fault,
  type Finding,
  firedSince,
  flawsOf,
  strike,
} from '../../../support/alarms/alarm-truth.ts';
import { DOMAIN } from '../../../support/fixtures/webhooks.ts';
import { signedNow } from '../../../support/stacks/local-stack.ts';
import { createTrialRunner, type Trial } from '../../../support/trial-runner.ts';

// Every fault sets off its alarm and no unrelated one. A minute of metric time takes a second here, and time limits are
// shorter.

const REFUSED = 'the fault makes ingest refuse webhooks as well, and Mailgun sees it';
const RETRIED = 'what fails waits for its next try';
const IS_PAUSED = 'the ledger is paused meanwhile';
const OF_THROTTLING = {
  'webhook-errors': REFUSED,
  'webhooks-slow': 'a throttled call is repeated before ingest responds',
  'events-retried': 'some calls are throttled in each of their repetitions',
  'oldest-message': RETRIED,
};
const COUNTED_LATE = 'the last of the fault before are counted in one line, ten seconds later';
const SHORT_WATERMARK = 'the ledger stood still meanwhile, and the limit is 15 s here instead of 12 h';
const SHORT_AGE = 'the limit is 5 s here instead of 5 min';

const opened = { event: 'opened' };
const happen = (harness: AlarmHarness) => harness.happen();
const read = (harness: AlarmHarness) => harness.read();
const traffic = (harness: AlarmHarness) => harness.happen(opened);

const AT_INGEST: Fault[] = [
  {
    name: 'queue down',
    alarm: 'webhook-errors',
    begin: (harness) => harness.spoil('refuse', 100, 'sqs.SendMessage'),
    during: happen,
    end: (harness) => harness.spoil(),
  },
  {
    name: 'wrong signing key',
    alarm: 'unauthorized',
    consequences: { 'webhooks-forged': 'no key verifies them' },
    during: (harness) => harness.post(eventOf(), signedNow('key-of-another-account')),
  },
  {
    name: 'signature used again, for another event',
    alarm: 'token-reused',
    relatives: { unauthorized: COUNTED_LATE, 'webhooks-forged': COUNTED_LATE },
    begin: async (harness) => {
      const signature = signedNow();
      const event = eventOf();
      await harness.accept(event, { signature });
      expect(await harness.post(eventOf(), signature)).toBe(406);
    },
  },
  {
    name: 'stale webhooks',
    alarm: 'webhooks-refused',
    during: (harness) =>
      harness.post(eventOf(), signedNow(undefined, { timestamp: String(Math.floor(Date.now() / 1000) - 90_000) })),
  },
  {
    name: "Mailgun's clock 20 minutes ahead",
    alarm: 'webhooks-refused',
    during: (harness) =>
      harness.post(eventOf(), signedNow(undefined, { timestamp: String(Math.floor(Date.now() / 1000) + 1200) })),
  },
  {
    name: 'foreign domain',
    alarm: 'webhooks-refused',
    during: (harness) => harness.post(eventOf({ domain: { name: 'mg.foreign.example' } })),
  },
  {
    name: 'a flood of forged posts',
    alarm: 'webhooks-forged',
    relatives: { 'webhooks-refused': COUNTED_LATE },
    during: (harness) => Promise.all([harness.postForged(), harness.postForged()]),
  },
  {
    name: 'endpoint throttled',
    alarm: 'webhooks-throttled',
    relatives: { 'webhooks-forged': COUNTED_LATE },
    // Repeatedly: a busy machine may post more slowly than the gateway's limit.
    during: (harness) => Promise.all(Array.from({ length: 40 }, () => harness.happen(opened))),
  },
  {
    name: 'signing key unreadable',
    alarm: 'signing-key-unusable',
    begin: async (harness) => {
      harness.spoil('refuse', 100, 'secretsmanager.GetSecretValue');
      await harness.signal('ingest', 'SIGKILL');
    },
    // Slowly enough that ingest logs each refusal: here, ten seconds without a line are two periods.
    during: (harness) => Promise.all([harness.happen(), sleep(1000)]),
    end: (harness) => harness.spoil(),
  },
  {
    name: 'slow table',
    alarm: 'webhooks-slow',
    consequences: { 'webhook-errors': 'a response that takes too long is an error' },
    relatives: { 'oldest-message': SHORT_AGE },
    begin: (harness) => harness.spoil('delay', 60, 'dynamodb.PutItem'),
    during: (harness) => Promise.race([Promise.all([1, 2, 3].map(() => harness.happen())), sleep(300)]),
    end: (harness) => harness.spoil(),
  },
];

const READING: Fault[] = [
  {
    name: 'token of the read API unreadable',
    alarm: 'read-api-errors',
    relatives: {
      'api-key-unusable': 'the fault strikes every secret, and this alarm leads to its own',
      'signing-key-unusable': 'the fault strikes every secret, and this alarm leads to its own',
      'watermark-too-old': SHORT_WATERMARK,
    },
    begin: async (harness) => {
      harness.spoil('refuse', 100, 'secretsmanager.GetSecretValue');
      await harness.signal('read-api', 'SIGKILL');
    },
    during: read,
    end: (harness) => harness.spoil(),
  },
  {
    name: 'slow reads',
    alarm: 'read-api-slow',
    consequences: { 'read-api-errors': 'a read that takes too long is an error' },
    relatives: { 'watermark-too-old': SHORT_WATERMARK },
    begin: (harness) => harness.spoil('delay', 100, 'dynamodb.Query'),
    during: (harness) => Promise.race([Promise.all([1, 2, 3].map(() => read(harness))), sleep(300)]),
    end: (harness) => harness.spoil(),
  },
];

const STORING: Fault[] = [
  {
    name: 'table throttled',
    alarm: 'table-throttled',
    consequences: OF_THROTTLING,
    begin: (harness) => harness.spoil('throttle', 40, 'dynamodb.PutItem', 'dynamodb.UpdateItem'),
    during: traffic,
    end: (harness) => harness.spoil(),
  },
  {
    name: 'index throttled',
    alarm: 'table-throttled',
    // Ingest writes no indexed attributes.
    consequences: { 'events-retried': OF_THROTTLING['events-retried'], 'oldest-message': RETRIED },
    begin: (harness) => harness.spoil('index-throttle', 40, 'dynamodb.PutItem'),
    during: traffic,
    end: (harness) => harness.spoil(),
  },
  {
    name: 'table down',
    alarm: 'table-errors',
    consequences: {
      'webhook-errors': REFUSED,
      'events-retried': 'what was in the queue cannot be stored either',
      'reconcile-stopped': 'a run without its lease comes to no end',
      'watermark-too-old': IS_PAUSED,
    },
    begin: (harness) => harness.spoil('500', 100, 'dynamodb.*'),
    during: traffic,
    end: (harness) => harness.spoil(),
  },
  {
    name: 'process crashes',
    alarm: 'process-errors',
    consequences: { 'oldest-message': RETRIED },
    begin: (harness) => harness.spoil('hang', 100, 'dynamodb.UpdateItem'),
    during: async (harness) => {
      await harness.happen(opened);
      // By then it has begun.
      await sleep(2500);
      await harness.signal('process', 'SIGKILL');
    },
    end: (harness) => harness.spoil(),
  },
  {
    name: 'process gets nothing from the queue',
    alarm: 'oldest-message',
    waitSeconds: 5,
    begin: (harness) => harness.spoil('refuse', 100, 'sqs.ReceiveMessage'),
    during: traffic,
    end: (harness) => harness.spoil(),
  },
  {
    name: 'process cannot write',
    alarm: 'events-retried',
    consequences: { 'oldest-message': RETRIED },
    begin: (harness) => harness.spoil('refuse', 100, 'dynamodb.UpdateItem'),
    during: traffic,
    end: (harness) => harness.spoil(),
  },
  {
    name: 'poison message',
    alarm: 'dead-letters',
    begin: (harness) => harness.enqueue('{"v":1}'),
    end: (harness) => harness.emptyDeadLetters(),
  },
  {
    name: 'an event dated an hour ahead',
    alarm: 'implausible-times',
    begin: async (harness) => {
      // Listed with the time of receipt; otherwise it would be unconfirmed too.
      const event = eventOf(opened);
      await harness.accept({ ...event, timestamp: Date.now() / 1000 + 3600 }, { listed: event });
    },
  },
  {
    name: 'one mail in two bounces',
    alarm: 'bounces',
    lingers: true,
    begin: async (harness) => {
      for (let nth = 0; nth < 40; nth += 1) {
        await harness.happen();
        await harness.happen({ event: 'failed', severity: 'permanent', reason: 'bounce' });
      }
    },
  },
  {
    name: 'complaints',
    alarm: 'complaints',
    lingers: true,
    begin: async (harness) => {
      for (let nth = 0; nth < 30; nth += 1) await harness.happen();
      await harness.happen({ event: 'complained' });
    },
  },
  {
    name: 'an event that no table can hold',
    alarm: 'stuck',
    waitSeconds: 10,
    lingers: true,
    consequences: { 'open-slice': 'it is missing permanently' },
    relatives: {
      'dead-letters': 'that is where it goes, five times: it explains this alarm, not the other way round',
      'lost-webhooks': 'no webhook brought it either, which a run that ignores waits judges at once',
    },
    begin: (harness) =>
      harness.list({ ...opened, 'user-variables': { large: randomBytes(450_000).toString('base64') } }),
    during: async (harness) => {
      await harness.drained();
      await harness.stack.reconcile();
    },
  },
];

let unlisted: ReturnType<typeof eventOf>;

const RECONCILIATION: Fault[] = [
  {
    name: 'a webhook that never comes',
    alarm: 'lost-webhooks',
    waitSeconds: 10,
    begin: (harness) => harness.list(),
    during: traffic,
  },
  {
    name: 'an event that Mailgun does not list',
    alarm: 'unconfirmed',
    waitSeconds: 10,
    begin: (harness) => {
      unlisted = eventOf(opened);
      return harness.post(unlisted);
    },
    lasts: 15,
    during: judgeAtOnce,
    end: async (harness) => {
      harness.stack.list([unlisted]);
      await harness.drained();
      await harness.stack.reconcile();
    },
  },
  {
    name: 'Mailgun lists nothing',
    alarm: 'unconfirmed',
    waitSeconds: 10,
    begin: (harness) => harness.stack.misbehave({ empty: true }),
    during: judgeAtOnce,
    end: async (harness) => {
      harness.stack.misbehave({});
      await harness.drained();
      await harness.stack.reconcile();
    },
  },
  {
    name: 'Mailgun refuses the API key',
    alarm: 'api-key-unusable',
    consequences: { 'watermark-too-old': IS_PAUSED },
    lasts: 15,
    begin: (harness) => harness.stack.misbehave({ fails: { mode: '401', percent: 100 } }),
    during: traffic,
    end: (harness) => harness.stack.misbehave({}),
  },
  {
    name: 'listings that lead to another host',
    alarm: 'watermark-too-old',
    waitSeconds: 15,
    begin: (harness) => harness.stack.misbehave({ next: 'foreign' }),
    during: traffic,
    end: (harness) => harness.stack.misbehave({}),
  },
  {
    name: 'API key unreadable',
    alarm: 'api-key-unusable',
    // The killed run may hold the lease, which expires two minutes later; until then no run can judge.
    lingers: true,
    consequences: { 'watermark-too-old': IS_PAUSED },
    begin: async (harness) => {
      harness.spoil('refuse', 100, 'secretsmanager.GetSecretValue');
      await harness.signal('reconcile', 'SIGKILL');
    },
    during: traffic,
    end: (harness) => harness.spoil(),
  },
  {
    name: 'reconcile does not run',
    alarm: 'reconcile-stopped',
    consequences: { 'watermark-too-old': IS_PAUSED },
    begin: (harness) => harness.signal('reconcile', 'SIGSTOP'),
    during: traffic,
    end: async (harness) => {
      await harness.signal('reconcile', 'SIGCONT');
      // The first run measures the lag.
      await harness.stack.reconcile();
    },
  },
  {
    name: 'what reconcile sends is not stored',
    alarm: 'open-slice',
    waitSeconds: 18,
    relatives: {
      'oldest-message': 'what is not received waits: it explains this alarm, not the other way round',
      'lost-webhooks': 'no webhook brought it, which the second pass finds',
    },
    begin: async (harness) => {
      harness.spoil('refuse', 100, 'sqs.ReceiveMessage');
      // A long poll that is already waiting still gets a message.
      await harness.happen(opened);
      await sleep(2000);
      harness.list(opened);
    },
    end: async (harness) => {
      harness.spoil();
      await harness.drained();
      // Otherwise its second pass would fall into the next fault.
      await harness.stack.reconcile();
    },
  },
  {
    name: 'a webhook registered elsewhere',
    alarm: 'webhook-drift',
    // Reconcile compares in every fourth of its periods.
    waitSeconds: 4,
    begin: (harness) => harness.stack.mailgun.register(DOMAIN, ['delivered'], 'https://foreign.example/collect'),
    during: traffic,
    end: (harness) => harness.stack.mailgun.register(DOMAIN, ['delivered'], harness.stack.ready.webhookUrl),
  },
  {
    name: 'a domain that only Mailgun has',
    alarm: 'domain-drift',
    // Reconcile compares in every fourth of its periods.
    waitSeconds: 4,
    begin: (harness) => {
      harness.stack.account.furtherDomains = [{ name: 'news.example.com' }];
    },
    end: (harness) => {
      harness.stack.account.furtherDomains = [];
    },
  },
  {
    name: 'webhooks that Mailgun redacts',
    alarm: 'webhooks-redacted',
    // Reconcile reads in every fourth of its periods.
    waitSeconds: 4,
    begin: (harness) => {
      harness.stack.account.redactsWebhooks = true;
    },
    end: (harness) => {
      harness.stack.account.redactsWebhooks = false;
    },
  },
  {
    name: 'an Events API whose end Mailgun has announced',
    alarm: 'listing-api-ends',
    waitSeconds: 4,
    begin: (harness) => harness.stack.mailgun.misbehave({ sunset: 'Thu, 01 Jul 2027 00:00:00 GMT' }),
    during: traffic,
    end: (harness) => harness.stack.mailgun.misbehave({}),
  },
  {
    name: 'an event forged under the name of one that Mailgun lists',
    alarm: 'unconfirmed',
    waitSeconds: 10,
    // The second pass reports it again a minute later, which must coincide only with the last fault.
    consequences: { 'lost-webhooks': 'the webhook of the listed one never came' },
    begin: async (harness) => {
      const listed = eventOf({ event: 'failed', severity: 'temporary' });
      await harness.accept({ ...listed, severity: 'permanent' }, { listed });
    },
    during: (harness) => harness.stack.reconcile(),
    end: async (harness) => {
      await harness.drained();
      await harness.stack.reconcile();
    },
  },
  {
    name: 'no webhook comes at all',
    alarm: 'silence',
    waitSeconds: 10,
    lingers: true,
    consequences: { 'lost-webhooks': 'each of them is lost as well, at the second pass' },
    during: (harness) => harness.list(opened),
  },
];

/** A past hour of which the ledger has every slice. */
const COUNTED_HOUR = Math.floor(Date.now() / 3_600_000) * 3600 - 7200;

const COUNTED: Fault[] = [
  {
    name: 'webhooks that fail before they arrive',
    alarm: 'webhooks-not-arriving',
    // Mailgun counts by hour, so only a run that ignores waits reads it again.
    lingers: true,
    waitSeconds: 30,
    begin: async (harness) => {
      harness.stack.mailgun.misbehave({ failedWebhooks: 3 });
      await harness.accept(eventOf({ ...opened, timestamp: COUNTED_HOUR + 60 }));
      await harness.drained();
    },
    during: (harness) => harness.stack.reconcile(),
  },
];

const GMAIL = { recipient: 'ada@gmail.com' };

/** Sends enough mail for a judgement, even if this fault runs alone. */
async function happenAtGmail(harness: AlarmHarness, over: object, times = 1): Promise<void> {
  for (let nth = 0; nth < 40; nth += 1) await harness.happen(GMAIL);
  for (let nth = 0; nth < times; nth += 1) await harness.happen({ ...GMAIL, ...over });
}

const failedFor = (code: string) => ({
  event: 'failed',
  severity: 'permanent',
  reason: 'bounce',
  'delivery-status': { code: 550, 'enhanced-code': code, message: 'refused' },
});

/** Reconcile judges in every fourth of its periods, once the slice is due. */
const JUDGED = { waitSeconds: 20, lingers: true };

const AT_PROVIDERS: Fault[] = [
  {
    ...JUDGED,
    name: 'spam reports at Gmail',
    alarm: 'complaints-at-gmail',
    runbook: 'complaints-at-provider',
    begin: (harness) => happenAtGmail(harness, { event: 'complained' }),
  },
  {
    ...JUDGED,
    name: 'mail that Gmail refuses by its policy',
    alarm: 'policy-at-gmail',
    runbook: 'policy-at-provider',
    begin: (harness) => happenAtGmail(harness, failedFor('5.7.26')),
  },
  {
    ...JUDGED,
    name: 'addresses that Gmail does not know',
    alarm: 'bounces-at-gmail',
    runbook: 'bounces-at-provider',
    begin: (harness) => happenAtGmail(harness, failedFor('5.1.1'), 10),
  },
];

const PUBLISHING: Fault[] = [
  {
    name: 'event bus down',
    alarm: 'publish-lag',
    waitSeconds: 3,
    begin: (harness) => harness.spoil('refuse', 100, 'events.PutEvents'),
    during: happen,
    end: (harness) => harness.spoil(),
  },
  {
    name: 'event bus down for longer than it is tried',
    alarm: 'publish-failures',
    // The last attempt begins within the 20 s, and takes its time.
    waitSeconds: 25,
    relatives: { 'publish-lag': 'it is late first: that explains this alarm, not the other way round' },
    begin: (harness) => harness.spoil('refuse', 100, 'events.PutEvents'),
    during: happen,
    async end(harness) {
      harness.spoil();
      await harness.emptyPublishFailures();
    },
  },
];

/** Runs reconcile ignoring waits, so that it judges what the second pass would judge hours later. */
async function judgeAtOnce(harness: AlarmHarness): Promise<void> {
  await harness.happen(opened);
  await harness.stack.reconcile();
}

/** Low limits for latency and rates, and none that depends on the machine's speed. */
const OVERLAY = {
  processing: { timeoutSeconds: 5 },
  alarms: {
    limits: {
      webhookLatencyMs: 1000,
      readApiLatencyMs: 1000,
      leastSent: 20,
      runPeriodSeconds: 300,
      forgedWebhooks: 20,
    },
  },
};

const QUICK_RECONCILE = {
  ...USUAL_RECONCILE,
  everySeconds: 1,
  settleSeconds: 6,
  sliceSeconds: 3,
  retentionSeconds: 120,
};
/** Where the ledger is not on trial. */
const SELDOM_RECONCILE = { ...QUICK_RECONCILE, everySeconds: 3, sliceSeconds: 15 };
const BY_THE_HOUR = {
  ...USUAL_RECONCILE,
  everySeconds: 1,
  settleSeconds: 6,
  sliceSeconds: 900,
  retentionSeconds: 12 * 3600,
  fromEpochSeconds: COUNTED_HOUR,
};
const LOW_THROTTLE = { throttle: { webhook: { ratePerSecond: 15, burst: 15 } } };
const QUICKER_LIMITS = {
  alarms: { limits: { ...OVERLAY.alarms.limits, watermarkAgeSeconds: 15, openSliceSeconds: 6 } },
};

/** Judges every mail to Gmail, whatever the hour. */
const PROVIDERS_OVERLAY = {
  alarms: { providers: ['gmail'], limits: { ...OVERLAY.alarms.limits, leastSent: 1000, leastSentToProvider: 20 } },
};

/** A change is given up after 20 s, and late after 3 s. */
const PUBLISHING_OVERLAY = { alarms: { limits: { ...OVERLAY.alarms.limits, publishLagSeconds: 3 } } };

const struckBy = (
  faults: readonly Fault[],
  over: object = {},
  publish?: LocalStackOptions['publish'],
  reconcile: LocalStackOptions['reconcile'] = SELDOM_RECONCILE,
): Trial<Finding[]> => ({
  options: { overlay: { ...OVERLAY, ...over }, publish, reconcile },
  async run(harness) {
    const findings: Finding[] = [];
    const lingering = new Set<string>();
    // Until its first webhook, the environment is unused, and there is no ledger.
    await harness.accept(eventOf(opened));
    for (const fault of faults) {
      const finding = await strike(harness, fault, lingering);
      findings.push(finding);
      if (fault.lingers)
        for (const anchor of [...finding.fired, ...Object.keys(expectedBeside(fault))]) lingering.add(anchor);
    }
    return findings;
  },
});

const LEAST_STORED = 300;

/** Seconds of Mailgun's schedule per real second: faster days bounce too much in a minute of alarms. */
const DAY_COMPRESSION = 1440;
/** Nothing is due before its webhooks, which such a day delays by ten seconds. */
const DAY_RECONCILE = { ...USUAL_RECONCILE, everySeconds: 3, settleSeconds: 22, sliceSeconds: 5 };

/** Eight hours of Mailgun in twenty seconds: duplicates, retries, late and overtaken events, and some bounces. */
const NORMAL_DAY: Trial<{ alarms: string[]; stored: number }> = {
  options: {
    metricPeriodSeconds: 2,
    reconcile: DAY_RECONCILE,
    overlay: { processing: OVERLAY.processing },
  },
  async run(harness) {
    const startedMs = Date.now();
    const calledOff = new AbortController();
    const clock = createClock(calledOff.signal);
    const random = createRandom(7);
    const twin = openTwin(harness.stack.ready, harness.stack, calledOff.signal, DAY_COMPRESSION);
    // On a normal day complaints are rarer than one in a thousand.
    const timelines = TIMELINES.filter(({ expected }) => expected.every(({ status }) => status !== 'COMPLAINED'));
    // Most mail is uneventful; sent first, so that bounces are always few among many.
    for (let nth = 0; nth < 600; nth += 1) {
      await harness.happen(nth % 100 === 0 ? { event: 'failed', severity: 'permanent', reason: 'bounce' } : {});
    }
    const day = { domains: [DOMAIN], run: 'day', epochMs: clock.now(), daySeconds: 29_100, random };
    const deliveryFaults = { reorderMs: 2500, repeatChance: 0.3, troubleChance: 0.15, dropChance: 0 };
    await playTimelines(scheduleMessages(timelines, day), { twin, clock, random, deliveryFaults });
    await twin.settled();
    await harness.drained();
    // Until the whole day is due, and then again as for the second pass.
    await sleep((DAY_RECONCILE.settleSeconds + 2 * DAY_RECONCILE.sliceSeconds) * 1000);
    await harness.stack.reconcile();
    await sleep(5000);
    calledOff.abort();
    return { alarms: firedSince(harness, 0), stored: await harness.storedSince(startedMs) };
  },
};

/** Mailgun posts to an environment that was only deployed. */
const UNCONFIGURED: Trial<{ alarms: string[]; statuses: Set<number>; states: Map<string, string> }> = {
  options: { keys: undefined, reconcile: { ...USUAL_RECONCILE, everySeconds: 1 }, publish: {} },
  async run(harness) {
    const statuses = new Set<number>();
    for (const untilMs = Date.now() + 20_000; Date.now() < untilMs; await sleep(300)) {
      statuses.add(await harness.post(eventOf()));
    }
    return { alarms: firedSince(harness, 0), statuses, states: harness.alarms() };
  },
};

const runner = createTrialRunner({ start: AlarmHarness.start, lanes: 3 });
let trials: Readonly<
  Record<'ingest' | 'storing' | 'reconciliation' | 'counts' | 'providers' | 'publishing', Promise<Finding[]>>
>;
let normalDay: Promise<{ alarms: string[]; stored: number }>;
let unconfigured: Promise<{ alarms: string[]; statuses: Set<number>; states: Map<string, string> }>;

beforeAll(() => {
  const tryAll = <Result>(name: string, trial: Trial<Result>, flawsOf: (result: Result) => string[]) =>
    // One repetition: of three days, a single quiet one would prove nothing.
    runner.untilFlawless(name, runner.run(trial), () => runner.runAlone(trial), flawsOf, 1);
  const strikeAll = (
    faults: readonly Fault[],
    ...settings: [overlay?: object, publish?: LocalStackOptions['publish'], reconcile?: LocalStackOptions['reconcile']]
  ): Promise<Finding[]> => {
    // If no stack could start, all are repeated together: one by one they would use up all repetitions.
    const together = tryAll(`all from "${faults[0]?.name}"`, struckBy(faults, ...settings), () => []);
    const findings = faults.map((fault, nth) => {
      const again = async () => (await runner.runAlone(struckBy([fault], ...settings)))[0]!;
      return runner.untilFlawless(
        fault.name,
        together.then((all) => all[nth]!),
        again,
        flawsOf,
      );
    });
    return Promise.all(findings);
  };
  trials = {
    ingest: strikeAll([...AT_INGEST, ...READING], LOW_THROTTLE),
    reconciliation: strikeAll(RECONCILIATION, QUICKER_LIMITS, undefined, QUICK_RECONCILE),
    storing: strikeAll(STORING),
    counts: strikeAll(COUNTED, {}, undefined, BY_THE_HOUR),
    providers: strikeAll(AT_PROVIDERS, PROVIDERS_OVERLAY),
    publishing: strikeAll(PUBLISHING, PUBLISHING_OVERLAY, { retrySeconds: 20 }),
  };
  normalDay = tryAll('a normal day', NORMAL_DAY, ({ alarms, stored }) => [
    ...alarms,
    ...(stored > LEAST_STORED ? [] : [`${stored} are stored`]),
  ]);
  unconfigured = tryAll('an unconfigured environment', UNCONFIGURED, ({ alarms, statuses }) => [
    ...alarms,
    ...[...statuses].filter((status) => status !== 503).map((status) => `answered ${status}`),
  ]);
  for (const result of [...Object.values(trials), normalDay, unconfigured]) result.catch(() => {});
});
afterAll(() => runner.stop());

// Repetitions run after everything else.
const PATIENCE_MS = 1_800_000;

describe.each([
  { trial: 'ingest', faults: [...AT_INGEST, ...READING] },
  { trial: 'storing', faults: STORING },
  { trial: 'reconciliation', faults: RECONCILIATION },
  { trial: 'counts', faults: COUNTED },
  { trial: 'providers', faults: AT_PROVIDERS },
  { trial: 'publishing', faults: PUBLISHING },
] as const)('$trial', ({ trial, faults }) => {
  describe.each(faults)('$name', ({ name, alarm, runbook = alarm }) => {
    const finding = async () => (await trials[trial]).find(({ fault }) => fault.name === name)!;

    test(
      `sets off ${alarm} within two of its periods, and nothing unrelated`,
      async () => {
        const found = await finding();

        expect(found.fired).toContain(alarm);
        expect(flawsOf(found)).toEqual([]);
      },
      PATIENCE_MS,
    );

    test(
      'has a text with the first steps',
      async () => {
        const { notification, topic } = await finding();

        expect(topic).toMatch(/^topics-(page|ticket)$/);
        expect(notification).toMatchObject({
          AlarmName: `mailgun-ledger-dev-${alarm}`,
          NewStateValue: 'ALARM',
          NewStateReason: expect.stringMatching(/^Threshold Crossed: .+\.$/),
        });
        expect(notification?.AlarmDescription).toMatch(
          new RegExp(
            `^\\S.+\\.\\nImpact: \\S.+\\.\\n(Explains: .+\\n)?When OK: \\S.+\\.\\nRunbook: \\S+#${runbook}\\nFirst: npm run ledger -- \\S.* --local --port \\d+$`,
          ),
        );
      },
      PATIENCE_MS,
    );

    test(
      'explains the other alarms that the fault sets off, and no unrelated ones',
      async () => {
        const { fault, notification } = await finding();
        const { explains = [] } = parseAlarmDescription(String(notification?.AlarmDescription)) ?? {};

        expect(explains).toEqual(expect.arrayContaining(Object.keys(fault.consequences ?? {})));
        expect(Object.keys(fault.relatives ?? {}).filter((anchor) => explains.includes(anchor))).toEqual([]);
      },
      PATIENCE_MS,
    );
  });
});

test(
  'on a normal day no alarm goes off',
  async () => {
    const { alarms, stored } = await normalDay;

    expect(alarms).toEqual([]);
    expect(stored).toBeGreaterThan(LEAST_STORED);
  },
  PATIENCE_MS,
);

test(
  'a deployed but unconfigured environment sets off no alarm, although webhooks arrive',
  async () => {
    const { alarms, statuses, states } = await unconfigured;

    expect([...statuses]).toEqual([503]);
    expect(alarms).toEqual([]);
    expect([...states].filter(([, state]) => state === 'ALARM')).toEqual([]);
  },
  PATIENCE_MS,
);

test(
  'every alarm of the template is set off by a fault',
  async () => {
    const findings = (await Promise.all(Object.values(trials))).flat();
    const alarms = [...(await unconfigured).states.keys()];
    console.log(`\n${confusionMatrix(findings, alarms)}\n`);

    const tried = new Set(findings.map(({ fault }) => fault.alarm));
    expect(alarms.filter((anchor) => !tried.has(anchor))).toEqual([]);
  },
  PATIENCE_MS,
);
