import { createHash, randomUUID } from 'node:crypto';
import middy from '@middy/core';
import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2 } from 'aws-lambda';
import { createEventQueue, openQueues } from '../adapters/aws/messaging.ts';
import { createCachedSecret, createKeyRing, holdsSigningKey, openSecrets } from '../adapters/aws/secrets.ts';
import { createClaimRepository } from '../adapters/table/claim-repository.ts';
import { createDomainNames } from '../adapters/table/domain-repository.ts';
import { openTable } from '../adapters/table/ledger-table.ts';
import { createFirstWebhookRepository } from '../adapters/table/reconciliation-state-repository.ts';
import { createEventLookup } from '../adapters/table/stored-event-repository.ts';
import { ACCOUNT_DOMAINS, METRICS } from '../contract.ts';
import { eventHash } from '../domain/canonical-json.ts';
import { bodyBytes, header, jsonResponse } from '../runtime/http.ts';
import { createLog, errorFacts } from '../runtime/log.ts';
import { parserFor } from './body-format.ts';
import { judgeClocks } from './clock-skew.ts';
import { readIngestEnv } from './env.ts';
import { createIngest } from './ingest.ts';
import { createRefusalLog } from './refusal-log.ts';
import { STATUS_CODES } from './status-codes.ts';
import { createVerificationLog } from './verification-log.ts';

// Trigger: POST to the webhook URL. Promise: a 200 means that the event will be in the table, whatever crashes next.
// A webhook that may still succeed gets a status that Mailgun retries; 406 stops the retries.

/** Responds this long before the function's timeout, so that Mailgun gets a response even if a service hangs. */
const TIMEOUT_EARLY_MS = 500;

// Runs once per cold start.
const env = readIngestEnv(process.env);
const log = createLog(env.ledgerName);
const refusals = createRefusalLog(log, Date.now);
const table = openTable(env.tableName);
const signingKeys = createCachedSecret(openSecrets(), env.signingKeysSecretArn, Date.now, 'SigningKeysSecretArn', {
  onHeld(error, text) {
    if (!holdsSigningKey(text)) return;
    log.count(METRICS.signingKeyUnusable, 'signing key cannot be read again', errorFacts(error));
  },
});
const ingest = createIngest({
  keys: createKeyRing(signingKeys),
  claims: createClaimRepository(table),
  events: createEventLookup(table),
  firstWebhook: createFirstWebhookRepository(table),
  queue: createEventQueue(openQueues(), env.queueUrl),
  ...(env.domains === ACCOUNT_DOMAINS
    ? { domains: [], knownDomains: createDomainNames(table, env.domains, Date.now) }
    : { domains: env.domains }),
  hashEvent: eventHash,
  now: Date.now,
  newClaimId: randomUUID,
  onVerified: createVerificationLog(log, Date.now),
});

// Called by AWS.
export const handler = middy<APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2>({
  timeoutEarlyInMillis: TIMEOUT_EARLY_MS,
})
  .use({
    onError: ({ event, error }) =>
      refuse(event, error?.name === 'TimeoutError' ? 'deadline' : 'internal-error', { cause: error }),
  })
  .handler(async (event) => {
    const result = await ingest({ bytes: bodyBytes(event), parse: parserFor(header(event, 'content-type')) });
    if (!result.ok) return refuse(event, result.reason, result);
    refusals.settle();
    return jsonResponse(200, { ok: true });
  });

function refuse(
  event: APIGatewayProxyEventV2,
  reason: keyof typeof STATUS_CODES,
  refusal: { messageId?: string | undefined; cause?: unknown; wasInUse?: boolean | undefined; signedAt?: number },
): APIGatewayProxyStructuredResultV2 {
  const { messageId, cause, signedAt } = refusal;
  const gatewayMs = event.requestContext?.timeEpoch;
  refusals.note(reason, {
    requestId: event.requestContext?.requestId,
    messageIdHash: messageId === undefined ? undefined : createHash('sha256').update(messageId).digest('hex'),
    ...(signedAt === undefined ? {} : judgeClocks({ signedAt, gatewayMs, nowMs: Date.now() })),
    ...(cause === undefined ? {} : errorFacts(cause)),
  });
  countWithoutKey(reason, refusal.wasInUse);
  return jsonResponse(STATUS_CODES[reason], { ok: false, reason });
}

/** Counts a missing key as lost or as never set; only a lost key pages. */
function countWithoutKey(reason: keyof typeof STATUS_CODES, wasInUse: boolean | undefined): void {
  if (wasInUse === true) log.count(METRICS.signingKeyUnusable, 'signing key is gone or unreadable');
  else if (wasInUse === false && reason === 'signing-key-unset') log.count(METRICS.unconfigured, 'no signing key yet');
}
