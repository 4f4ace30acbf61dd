import middy from '@middy/core';
import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2 } from 'aws-lambda';
import { createQueueDepth, openQueues } from '../adapters/aws/messaging.ts';
import { createCachedSecret, createErasureKey, isWithdrawn, openSecrets } from '../adapters/aws/secrets.ts';
import type { JwtRules } from '../adapters/http/jwt-issuer.ts';
import { createCampaignReader, createDayEvents } from '../adapters/table/day-index-repository.ts';
import { createDeliveryHistory, createReceiverStateRepository } from '../adapters/table/delivery-repository.ts';
import {
  createBounceClassRepository,
  createStackDomains,
  type StackDomains,
} from '../adapters/table/domain-repository.ts';
import { createErasureRepository } from '../adapters/table/event-repository.ts';
import { openTable } from '../adapters/table/ledger-table.ts';
import {
  createMailReader,
  createMessageHistory,
  createRecipientHistory,
  createSuppressionList,
  createSuppressionRepository,
  recipientKeys,
} from '../adapters/table/recipient-repository.ts';
import {
  createListingNoteRepository,
  createReconciliationStateRepository,
} from '../adapters/table/reconciliation-state-repository.ts';
import { createSliceFactsReader, createSliceReader, createWitnessReader } from '../adapters/table/slice-repository.ts';
import { parseDayShards } from '../domain/events/day-shards.ts';
import { memoizeLast } from '../domain/memoize-last.ts';
import { cors } from '../runtime/cors.ts';
import { bodyBytes, header } from '../runtime/http.ts';
import { createLog, errorFacts } from '../runtime/log.ts';
import { readReadApiEnv } from './env.ts';
import { bodyParameters, findRoute, queryParameters, unlessCut } from './http/request.ts';
import { httpResponse, refusal } from './http/response.ts';
import { createTokenCheck } from './http/token.ts';
import { createConfirmedCheck } from './messages/confirmed.ts';
import { createEvents } from './messages/events.ts';
import { createMails } from './messages/mails.ts';
import { createMessages } from './messages/messages.ts';
import type { AlarmFacts, AlarmStates, BearerCheck } from './ports.ts';
import { createDeliveries } from './receivers/deliveries.ts';
import { createReceivers } from './receivers/receivers.ts';
import { createEngagement } from './recipients/engagement.ts';
import { createRecipientSearch } from './recipients/recipient-search.ts';
import { createRecipients } from './recipients/recipients.ts';
import { createSuppressionPages } from './recipients/suppression-list.ts';
import { createCauseEntries, createSuppressions } from './recipients/suppressions.ts';
import { createArchivedCampaigns, type ReadArchivedCampaign } from './reports/archived-campaign.ts';
import { createCampaigns } from './reports/campaigns.ts';
import { createHealth } from './reports/health.ts';
import { createLedger } from './reports/ledger.ts';
import { createStats } from './reports/stats.ts';
import { createRoutes } from './routes.ts';
import { createTail } from './tail/tail.ts';

// Trigger: any request below /mailgun on the read API. Promise: only a bearer of the token reads anything.
// A failure becomes a 503 and a log line; nothing is written.

/** Time kept back from the function's timeout: the gateway's own response would carry no CORS header. */
const TIMEOUT_EARLY_MS = 500;
/** Time in which a report may read the archive; the rest of the function's time is for the table. */
const ARCHIVE_MS = 8000;
/** When to ask again after a 503. */
const RETRY_AFTER_SECONDS = '2';

// Runs once per cold start.
const env = readReadApiEnv(process.env);
const log = createLog(env.ledgerName);
const isAuthorized = 'jwt' in env.auth ? jwtCheck(env.auth.jwt) : tokenCheck(env.auth.tokenSecretArn);
const table = openTable(env.tableName, parseDayShards(env.dayShards));
const recipients = createRecipientHistory(table);
const deliveries = createDeliveryHistory(table);
const receiverNames = env.receivers.map(({ name }) => name);
const ledgerDeps = {
  slices: createSliceReader(table),
  ledger: createReconciliationStateRepository(table),
  sliceSeconds: env.sliceSeconds,
  settleSeconds: env.settleSeconds,
  now: Date.now,
};
const confirmed = createConfirmedCheck(createSliceFactsReader(table), ledgerDeps.ledger, {
  ...ledgerDeps,
  retentionDays: env.retentionDays,
});
const queues = openQueues();
let alarmStates: AlarmStates | undefined;
const days = createDayEvents(table);
const stackDomains = createStackDomains(table, env.domains, Date.now);
const UNREAD_DOMAINS: StackDomains = { names: [], withLedger: [], only: undefined, ends: new Map() };
// The parameters of routes name the domains.
const routesFor = memoizeLast((known: StackDomains) => {
  const { names: domains, withLedger, only, ends } = known;
  return createRoutes({
    confirmed,
    messages: createMessages(createMessageHistory(table), {
      days: env.retentionDays,
      archiveBucket: env.archiveBucket,
      now: Date.now,
    }),
    recipients: createRecipients(recipients, confirmed),
    mails: createMails(days, createMailReader(table), createEngagement(recipients), confirmed),
    events: createEvents(days),
    tail: createTail(days),
    recipientSearch: createRecipientSearch(recipients),
    recipientKeys,
    suppressions: createSuppressions(createSuppressionRepository(table), createCauseEntries(recipients, confirmed)),
    suppressionList: createSuppressionPages(createSuppressionList(table)),
    ledger: createLedger({
      ...ledgerDeps,
      ends,
      witness: createWitnessReader(table),
      listing: createListingNoteRepository(table),
    }),
    stats: createStats({ ...ledgerDeps, ends, classes: createBounceClassRepository(table) }),
    receivers: createReceivers({
      receivers: env.receivers,
      states: createReceiverStateRepository(table),
      deliveries,
      queueAt: (url) => createQueueDepth(queues, url),
      now: Date.now,
    }),
    deliveries: createDeliveries(deliveries),
    campaigns: createCampaigns({
      ...ledgerDeps,
      ends,
      campaigns: createCampaignReader(table),
      retentionDays: env.retentionDays,
      archive: env.archiveBucket === undefined ? undefined : archivedCampaigns(env.archiveBucket),
    }),
    health: createHealth({
      ledgerName: env.ledgerName,
      domains: known === UNREAD_DOMAINS ? null : domains,
      receivers: receiverNames,
      queue: createQueueDepth(queues, env.queueUrl),
      deadLetters: createQueueDepth(queues, env.deadLettersUrl),
      alarms: { read: readAlarms },
      now: Date.now,
    }),
    domains,
    withLedger,
    only,
    receiverNames,
    now: Date.now,
  });
});

// Called by AWS.
export const handler = middy<APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2>({
  timeoutEarlyInMillis: TIMEOUT_EARLY_MS,
})
  .use(cors(env))
  .use({
    // Sets the response instead of returning it, which would keep the CORS headers from being added.
    onError: (request) => {
      log.write('read failed', { requestId: request.event.requestContext.requestId, ...errorFacts(request.error) });
      request.response = refusal(503, 'unavailable', {}, { 'retry-after': RETRY_AFTER_SECONDS });
    },
  })
  .handler(async (event) => {
    const bearer = bearerOf(header(event, 'authorization'));
    if (bearer === undefined || !(await isAuthorized(bearer))) {
      return refusal(401, 'unauthorized', {}, { 'www-authenticate': 'Bearer' });
    }
    const domains = stackDomains();
    const routes = routesFor(await domains.catch(() => UNREAD_DOMAINS));
    const query = new URLSearchParams(event.rawQueryString);
    const found = findRoute(routes.routes, event.rawPath, query);
    if (found === undefined) return refusal(404, 'unknown-route');
    const { operation, method, path, inPath } = found;
    // Health shows what else responds.
    if (operation !== 'getHealth') await domains;
    if (event.requestContext.http.method !== method) {
      return refusal(405, 'method-not-allowed', {}, { allow: `${method}, OPTIONS` });
    }
    if (method === 'POST') {
      const body = bodyParameters(bodyBytes(event));
      return httpResponse(body.ok ? await routes.read(operation, body.raw) : body);
    }
    const raw = queryParameters(query, inPath);
    const result = unlessCut(await routes.read(operation, raw), inPath);
    return httpResponse(result, { page: { path, raw }, ifNoneMatch: header(event, 'if-none-match') });
  });

/**
 * Holds the token while it cannot be read again: an outage of Secrets Manager is none of the read API. Nobody may read
 * with a token that was taken away.
 */
function tokenCheck(secretArn: string): BearerCheck {
  const onHeld = (error: unknown) => log.write('token cannot be read again', errorFacts(error));
  const hold = { onHeld, endsWith: isWithdrawn };
  return createTokenCheck(createCachedSecret(openSecrets(), secretArn, Date.now, 'ApiTokenSecretArn', hold));
}

/** Reads the alarms; imports the CloudWatch client on the first request that needs it. */
async function readAlarms(): Promise<AlarmFacts[]> {
  const { createAlarmStates, openCloudWatch } = await import('../adapters/aws/alarm-states.ts');
  alarmStates ??= createAlarmStates(openCloudWatch(), env.alarms);
  return alarmStates.read();
}

/** Reads archived campaigns; imports the S3 and Parquet readers on the first report that needs them. */
function archivedCampaigns(bucketName: string) {
  let loaded: Promise<ReadArchivedCampaign> | undefined;
  const load = async () => {
    const { openRangedObjects } = await import('../adapters/archive/archive-bucket.ts');
    const secret = createCachedSecret(openSecrets(), env.erasureKeySecretArn ?? '', Date.now, 'ErasureKeySecretArn');
    const erasureKey = createErasureKey(secret);
    return createArchivedCampaigns({
      objects: openRangedObjects(bucketName),
      erasures: createErasureRepository(table, erasureKey),
      erasureKey,
      onFailure: (error) => log.write('archive not read', errorFacts(error)),
    });
  };
  const read: ReadArchivedCampaign = async (...query) => {
    loaded ??= load();
    return (await loaded)(...query);
  };
  return { read, startDeadline: () => AbortSignal.timeout(ARCHIVE_MS) };
}

/** Checks JWTs; imports the library on the first request that needs it. */
function jwtCheck(rules: JwtRules): BearerCheck {
  let loaded: Promise<BearerCheck> | undefined;
  return async (bearer) => {
    loaded ??= import('../adapters/http/jwt-issuer.ts').then(({ createJwtCheck }) => createJwtCheck(rules));
    return (await loaded)(bearer);
  };
}

function bearerOf(authorization: string | undefined): string | undefined {
  return /^Bearer +(\S+)$/i.exec(authorization ?? '')?.[1];
}
