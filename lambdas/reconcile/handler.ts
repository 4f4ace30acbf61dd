import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import middy from '@middy/core';
import { createEventQueue, createQueueDepth, openQueues } from '../adapters/aws/messaging.ts';
import { createApiKey, createCachedSecret, createErasureKey, openSecrets } from '../adapters/aws/secrets.ts';
import {
  createMailgunClasses,
  createMailgunDomains,
  createMailgunListing,
  createMailgunLogs,
  createMailgunMetrics,
  createMailgunWebhooks,
  createRedactionSwitch,
  LOGS_PATH,
} from '../adapters/mailgun/mailgun-apis.ts';
import type { MailgunAccess } from '../adapters/mailgun/mailgun-client.ts';
import { createDayIndexRepository } from '../adapters/table/day-index-repository.ts';
import {
  createBounceClassRepository,
  createDomainRepository,
  createLastCountsRepository,
} from '../adapters/table/domain-repository.ts';
import { createLeaseRepository } from '../adapters/table/lease-repository.ts';
import { openTable } from '../adapters/table/ledger-table.ts';
import {
  createListingNoteRepository,
  createPartRepository,
  createReconciliationStateRepository,
  createRequeueRepository,
} from '../adapters/table/reconciliation-state-repository.ts';
import { createSliceRepository, createWitnessRepository } from '../adapters/table/slice-repository.ts';
import { createStoredEventRepository } from '../adapters/table/stored-event-repository.ts';
import { ACCOUNT_DOMAINS, MESSAGES, METRICS, PROVIDER_METRICS } from '../contract.ts';
import { parseDayShards } from '../domain/events/day-shards.ts';
import { DRIFT_KEY, type ItemKey, REDACTION_KEY } from '../domain/keys.ts';
import { domainNews, type LedgerDomains } from '../domain/ledger/ledger-domains.ts';
import type { Announcement } from '../domain/ledger/listing-note.ts';
import { secondPassAt } from '../domain/ledger/slice.ts';
import { ALL_PROVIDERS, JUDGED_SHARES, type JudgedShare } from '../domain/recipients/provider-limits.ts';
import { parseHeldElsewhere } from '../domain/webhooks/domains-held-elsewhere.ts';
import type { DriftKind } from '../domain/webhooks/webhook-drift.ts';
import { createLog, errorFacts } from '../runtime/log.ts';
import { every } from '../shared/lease.ts';
import { createAccept } from './accept.ts';
import { readReconcileEnv } from './env.ts';
import { createWatchListing } from './listing/watch-listing.ts';
import type { AlteredEvent } from './passes/part-context.ts';
import type { SliceNews } from './passes/pass-slice.ts';
import { ListingError } from './ports.ts';
import { createReconcile, type RunReport } from './reconcile.ts';
import { createReplay } from './replays/replay.ts';
import { type AcceptReport, acceptIn, type ReplayReport, replayIn } from './replays/replay-contract.ts';
import { newsMetrics } from './slice-metrics.ts';
import { createWatchProviders } from './watch-providers.ts';
import { createCompareWebhooks } from './webhooks/compare-webhooks.ts';
import {
  accountDomains,
  createDiscoverDomains,
  createNoteConfigured,
  type RunDomains,
  runDomains,
} from './webhooks/discover-domains.ts';
import { createFindDomainDrift } from './webhooks/find-domain-drift.ts';
import { createFindRedaction } from './webhooks/find-redaction.ts';
import { createLastCounts } from './webhooks/last-counts.ts';
import { createReadClasses } from './witness/read-classes.ts';
import { createReadWitness } from './witness/read-witness.ts';

// Trigger: the schedule, or an operator's invocation with {"ignoreWaits":true}, {"replay":{…}} or {"accept":{…}}.
// Promise: what Mailgun lists and the table lacks is sent to the queue, and the ledger records what is missing. What
// fails is left to the next run.

/** Reserved at the end of the function's timeout, to save progress and for the comparisons after the run. */
const RESERVE_MS = 25_000;
/** Kept back from the comparisons, for what is in flight when their time is over. */
const FINISH_MS = 3000;
/** Maximum duration of one replay call: a slice that takes longer keeps its compared parts. */
const REPLAY_CALL_MS = 30_000;

// Runs once per cold start.
const env = readReconcileEnv(process.env);
const log = createLog(env.ledgerName);
const table = openTable(env.tableName, parseDayShards(env.dayShards));
const queues = openQueues();
const secrets = openSecrets();
const apiKey = createApiKey(createCachedSecret(secrets, env.apiKeySecretArn, Date.now, 'ApiKeySecretArn'));
const mailgun = { baseUrl: env.mailgunUrl, apiKey, now: Date.now, sleep, onDeprecated };
const listing = createWatchListing({
  notes: createListingNoteRepository(table),
  configured: env.api,
  now: Date.now,
  onFallen: (atMs) => log.write(MESSAGES.listingFell, { reason: 'discontinued', since: new Date(atMs).toISOString() }),
  onAnnounced: (announced) => log.write(MESSAGES.listingEnds, { ...announced, reason: reasonOf(announced) }),
  onFailure: (error) => log.write('the end of an API not noted', errorFacts(error)),
});
const deps = {
  source: env.api === 'logs' ? createMailgunLogs(mailgun) : createMailgunListing(mailgun, listing),
  index: createDayIndexRepository(table),
  events: createStoredEventRepository(table),
  erasureKey: createErasureKey(createCachedSecret(secrets, env.erasureKeySecretArn, Date.now, 'ErasureKeySecretArn')),
  queue: createEventQueue(queues, env.queueUrl),
  depth: createQueueDepth(queues, env.queueUrl),
  ledger: createReconciliationStateRepository(table),
  requeues: createRequeueRepository(table),
  parts: createPartRepository(table, Date.now),
  slices: createSliceRepository(table),
  lease: createLeaseRepository(table),
  registered: env.eventTypes,
  times: env,
  backlogMessages: env.backlogMessages,
  isConfigured: async () => (await apiKey()) !== undefined,
  now: Date.now,
  newRunId: randomUUID,
  every,
  parallel: env.parallel,
  onNews,
  // The message id is in clear: `unconfirmed` finds the event by it, and after the correction only this line names it.
  // Ingest hashes the ids of what it refuses, since an unsigned body may hold any text; Mailgun has listed this one.
  onAltered: ({ stored, listed, ...place }: AlteredEvent) =>
    log.write(MESSAGES.altered, { ...place, stored: JSON.stringify(stored), listed: JSON.stringify(listed) }),
  onFailure,
};
const account = createMailgunDomains(mailgun);
const holderOf = parseHeldElsewhere(env.heldElsewhere);
const lastCountsOf = (key: ItemKey, what: string) =>
  createLastCounts({
    store: createLastCountsRepository(table, key),
    now: Date.now,
    onFailure: (error) => log.write(`counts of ${what} not read or stored`, errorFacts(error)),
  });
const lastDrift = lastCountsOf(DRIFT_KEY, 'drift');
const lastRedacted = lastCountsOf(REDACTION_KEY, 'redaction');
const store = createDomainRepository(table);
const discoverDomains = createDiscoverDomains({
  store,
  account,
  holderOf,
  isConfigured: deps.isConfigured,
  everySeconds: env.everySeconds,
  retentionSeconds: env.retentionSeconds,
  ledger: deps.ledger,
  now: Date.now,
  onFailure: onUnlisted,
});
const noteConfigured =
  env.domains === ACCOUNT_DOMAINS
    ? undefined
    : createNoteConfigured({
        store,
        configured: env.domains,
        everySeconds: env.everySeconds,
        retentionSeconds: env.retentionSeconds,
        ledger: deps.ledger,
        now: Date.now,
        onFailure: (error) => log.write('former domains not read or noted', errorFacts(error)),
      });

async function readDomains(ignoreWaits: boolean): Promise<RunDomains & { isKnown: boolean; known?: LedgerDomains }> {
  if (noteConfigured !== undefined && env.domains !== ACCOUNT_DOMAINS) {
    const { known, isKnown } = await noteConfigured();
    return { ...runDomains(known, env.domains), isKnown };
  }
  const known = await discoverDomains({ ignoreWaits });
  return { ...accountDomains(known, env), isKnown: true, known };
}

function createUseCases({ all, compared, domains, isKnown, known }: Awaited<ReturnType<typeof readDomains>>) {
  const reconcile = createReconcile({
    ...deps,
    domains: compared,
    hasFurtherDomains: known !== undefined,
    areDomainsKnown: isKnown,
  });
  const compareWebhooks = createCompareWebhooks({
    webhooks: createMailgunWebhooks(mailgun),
    domains,
    webhookUrl: env.webhookUrl,
    wanted: env.eventTypes,
    isConfigured: deps.isConfigured,
    everySeconds: env.everySeconds,
    lastCounts: lastDrift,
    now: Date.now,
    onCompared,
    onFailure: (domain, error) => onFailure(domain, error, 'webhooks not compared'),
  });
  const findDomainDrift =
    known === undefined
      ? createFindDomainDrift({
          account,
          holderOf,
          domains,
          isConfigured: deps.isConfigured,
          everySeconds: env.everySeconds,
          now: Date.now,
          onDrift: (text) => log.write(text),
          onFailure: onUnlisted,
        })
      : async () => reportDomainNews(known);
  const findRedaction = createFindRedaction({
    redaction: createRedactionSwitch(mailgun),
    domains,
    isConfigured: deps.isConfigured,
    everySeconds: env.everySeconds,
    lastCounts: lastRedacted,
    now: Date.now,
    onRedacted: (domain) => log.write('Mailgun redacts the webhooks of a domain', { domain }),
    onFailure: (domain, error) => onFailure(domain, error, 'redaction not read'),
  });
  const watchProviders = createWatchProviders({
    slices: deps.slices,
    domains,
    providers: ALL_PROVIDERS.filter((provider) => env.watchedProviders.includes(provider)),
    minMails: env.minJudgedMails,
    everySeconds: env.everySeconds,
    now: Date.now,
    onJudged,
    onHigh: (facts) => log.write('many failures at a provider', facts),
    onFailure: (error) => log.write('providers not judged', errorFacts(error)),
  });
  const readWitness = createReadWitness({
    ...deps,
    domains,
    metrics: createMailgunMetrics(mailgun),
    witness: createWitnessRepository(table),
    onFailure: (domain, error) => onFailure(domain, error, "Mailgun's counts not read"),
  });
  const readClasses = env.readsClasses
    ? createReadClasses({
        ...deps,
        domains,
        classes: createMailgunClasses(mailgun),
        store: createBounceClassRepository(table),
        onFailure: (domain, error) => onFailure(domain, error, "Mailgun's classes not read"),
      })
    : undefined;
  const replay = createReplay({ ...deps, domains: all, queue: createEventQueue(queues, env.queueUrl, true) });
  const accept = createAccept({ ...deps, domains: all });
  const comparisons = { compareWebhooks, findDomainDrift, findRedaction, watchProviders, readWitness, readClasses };
  return { reconcile, ...comparisons, replay, accept };
}

type UseCases = ReturnType<typeof createUseCases>;

// Called by AWS.
export const handler = middy<unknown, RunReport | ReplayReport | AcceptReport>().handler(async (event, context) => {
  const endMs = Date.now() + context.getRemainingTimeInMillis();
  const lastMs = Math.max(Date.now() + 1000, endMs - RESERVE_MS);
  await listing.begin();
  const ignoreWaits = (event as { ignoreWaits?: unknown } | null)?.ignoreWaits === true;
  const useCases = createUseCases(await readDomains(ignoreWaits));
  const acceptance = acceptIn(event);
  if (acceptance !== undefined) {
    const report = await useCases.accept({ ...acceptance, deadlineMs: lastMs });
    const { slice: _slice, ...facts } = report;
    log.write('slice accepted', {
      domain: acceptance.domain,
      at: new Date(acceptance.atEpochSeconds * 1000).toISOString(),
      ...facts,
    });
    return report;
  }
  const request = replayIn(event);
  if (request === undefined) {
    const report = await run(useCases, ignoreWaits, lastMs);
    await compare(useCases, ignoreWaits, endMs - FINISH_MS);
    return report;
  }
  const soonMs = () => Math.min(lastMs, Date.now() + REPLAY_CALL_MS);
  // A long replay holds the lease most of the time, and the ledger must not fall behind for it.
  if (!request.plan) await run(useCases, false, soonMs());
  const report = await useCases.replay({ ...request, deadlineMs: soonMs() });
  const { progress: _progress, ...facts } = report;
  log.write('replayed', { domain: request.domain, plan: request.plan, ...facts });
  return report;
});

// Runs for every run, by schedule or before a replay.
async function run({ reconcile }: UseCases, ignoreWaits: boolean, deadlineMs: number): Promise<RunReport> {
  const result = await reconcile({ ignoreWaits, deadlineMs });
  if (result.kind !== 'ran') {
    const isKeyGone = result.kind !== 'busy' && result.wasOn;
    const metrics = { [METRICS.reconcileRun]: 1, ...(isKeyGone && { [METRICS.apiKeyUsable]: 0 }) };
    const facts = result.kind === 'unreadable' ? errorFacts(result.cause) : {};
    log.measure(
      metrics,
      isKeyGone ? `reconcile lost its API key: ${result.kind}` : `reconcile is ${result.kind}`,
      facts,
    );
    return { slices: 0, expected: 0, missing: 0, sent: 0, open: 0, done: false };
  }
  const { watermarkAge, openSliceAge, stuck, inDoubt, silentEvents } = result.gauges;
  const { isGauged, isWhole, isKeyRefused } = result.judgement;
  // A run that could not list everything writes neither zeros nor ages, so that the alarms keep their state.
  const listingEnd = await listing.end(isWhole);
  log.measure(
    {
      [METRICS.reconcileRun]: 1,
      [METRICS.openSlices]: result.report.open,
      ...(isGauged && { [METRICS.watermarkAge]: watermarkAge, [METRICS.openSliceAge]: openSliceAge }),
      ...((isGauged || stuck > 0) && { [METRICS.stuck]: stuck }),
      ...((isGauged || inDoubt > 0) && { [METRICS.unconfirmed]: inDoubt }),
      ...((isWhole || silentEvents > 0) && { [METRICS.silentEvents]: silentEvents }),
      // One compared slice proves that Mailgun accepted the key, whatever else failed.
      ...((isKeyRefused || result.report.slices > 0) && { [METRICS.apiKeyUsable]: isKeyRefused ? 0 : 1 }),
      ...(listingEnd !== undefined && { [METRICS.listingEnd]: listingEnd }),
      ...(isWhole && { [METRICS.lostWebhooks]: 0 }),
    },
    isKeyRefused ? 'reconcile lost its API key: refused' : 'reconciled',
    { ...result.report },
  );
  return result.report;
}

// Runs after every scheduled run; a listing that fails does not keep it from reporting what it compared.
async function compare(useCases: UseCases, ignoreWaits: boolean, deadlineMs: number): Promise<void> {
  const { watchProviders, compareWebhooks, findRedaction, findDomainDrift, readWitness, readClasses } = useCases;
  const request = { ignoreWaits, deadlineMs };
  const measured = async (reading: Promise<number | undefined>, metric: string, message: string) => {
    const value = await reading;
    if (value !== undefined) log.measure({ [metric]: value }, message);
  };
  // In parallel, because all must fit into the rest of the run.
  await Promise.all([
    watchProviders(request),
    measured(compareWebhooks(request), METRICS.webhookDrift, 'webhooks compared'),
    measured(findRedaction(request), METRICS.redactedDomains, 'redaction read'),
    measured(findDomainDrift(request), METRICS.domainDrift, 'domains compared'),
    measured(readWitness(request), METRICS.failedWebhooks, "Mailgun's counts read"),
    readClasses?.(),
  ]);
}

// Runs after every run where all domains of the account have a ledger.
async function reportDomainNews(known: LedgerDomains): Promise<number | undefined> {
  if (!(await deps.isConfigured().catch(() => false))) return undefined;
  const { count, text } = domainNews(known, Date.now() / 1000);
  if (text !== undefined) log.write(text);
  return count;
}

// Runs where Mailgun does not list its domains whole.
function onUnlisted(error: unknown): void {
  onFailure('-', error, "Mailgun's domains not read");
}

// Runs for every provider that is watched.
function onJudged(provider: string, percents: Readonly<Record<JudgedShare, number>>): void {
  const { dimension, ...names } = PROVIDER_METRICS;
  const metrics = Object.fromEntries(JUDGED_SHARES.map((share) => [names[share], percents[share]]));
  log.measure(metrics, 'provider judged', { [dimension]: provider }, dimension);
}

// Runs for every domain whose webhooks differ from those wanted.
function onCompared(domain: string, counts: Partial<Record<DriftKind, number>>): void {
  if (Object.keys(counts).length > 0) log.write('webhooks differ', { domain, ...counts });
}

// Runs for every slice with such news.
function onNews(news: SliceNews): void {
  const { domain, start, end, altered } = news;
  const secondPass = secondPassAt({ end }, env.retentionSeconds);
  log.measure(newsMetrics(news), 'slice has lost or unconfirmed events', {
    domain,
    start: isoTime(start),
    end: isoTime(end),
    // Webhooks that Mailgun retries count as lost only then, and page again.
    secondPassFrom: secondPass * 1000 > Date.now() ? isoTime(secondPass) : undefined,
    altered,
  });
}

const isoTime = (seconds: number) => new Date(seconds * 1000).toISOString();

// Runs for every domain that fails; the others continue.
function onFailure(domain: string, error: unknown, message = 'domain not reconciled'): void {
  const reason = error instanceof ListingError ? error.reason : undefined;
  const cause = error instanceof Error && error.cause !== undefined ? errorFacts(error.cause) : {};
  log.write(message, { domain, reason, ...errorFacts(error), cause: cause.detail });
}

// Runs for every reply that announces an end; what ends is the API, and its paths hold domains and opaque pages.
function onDeprecated({ path, ...headers }: Parameters<NonNullable<MailgunAccess['onDeprecated']>>[0]): void {
  const api = /^\/v3\/[^/]+\/events/.test(path) ? 'events' : path === LOGS_PATH ? 'logs' : undefined;
  if (api !== undefined) listing.announce({ api, ...headers });
}

const reasonOf = ({ sunset }: Announcement) => (sunset === undefined ? 'deprecation' : 'sunset');
