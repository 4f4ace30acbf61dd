import middy from '@middy/core';
import type { SQSBatchResponse, SQSEvent, SQSRecord } from 'aws-lambda';
import { createRetryControl, openQueues } from '../adapters/aws/messaging.ts';
import { createCachedSecret, createErasureKey, openSecrets } from '../adapters/aws/secrets.ts';
import { createUndiscoveredNotes } from '../adapters/table/domain-repository.ts';
import {
  createErasureRepository,
  createEventCorrection,
  createEventRepository,
} from '../adapters/table/event-repository.ts';
import { openTable } from '../adapters/table/ledger-table.ts';
import {
  createFirstWebhookRepository,
  createStragglerRepository,
} from '../adapters/table/reconciliation-state-repository.ts';
import { createRedactedCopyRepository } from '../adapters/table/stored-event-repository.ts';
import { METRICS } from '../contract.ts';
import { parseDayShards } from '../domain/events/day-shards.ts';
import { decodeQueueMessage } from '../domain/events/queue-message.ts';
import type { JsonObject } from '../domain/json.ts';
import { handleBatch } from '../runtime/batch.ts';
import { createLog, errorFacts } from '../runtime/log.ts';
import { once } from '../runtime/once.ts';
import { readProcessEnv } from './env.ts';
import { outcomeMetrics } from './outcome-metrics.ts';
import { UnstorableError } from './ports.ts';
import { createProcess } from './process.ts';
import { retryDelaySeconds } from './retry-delay.ts';

// Trigger: the event queue. Promise: every record is stored, known already, moved to the DLQ with its
// reason, or reported as failed, which brings it back later.

// Runs once per cold start.
const env = readProcessEnv(process.env);
const log = createLog(env.ledgerName);
const queues = createRetryControl(openQueues(), env.queueUrl, env.deadLettersUrl);
const table = openTable(env.tableName, parseDayShards(env.dayShards));
const erasureKey = createErasureKey(
  createCachedSecret(openSecrets(), env.erasureKeySecretArn, Date.now, 'ErasureKeySecretArn'),
);
const store = createProcess({
  records: createEventRepository(table),
  erasures: createErasureRepository(table, erasureKey),
  erasureKey,
  retentionDays: env.retentionDays,
  statusDays: env.statusDays,
  corrections: createEventCorrection(table),
  copies: createRedactedCopyRepository(table, Date.now),
  stragglers: {
    ...createStragglerRepository(table, Date.now),
    noteUndiscovered: env.ofAccount ? createUndiscoveredNotes(table, Date.now) : undefined,
  },
  secondPassSeconds: env.secondPassSeconds,
  now: Date.now,
  onImplausible: (domain, aheadSeconds) =>
    log.count(METRICS.implausibleTime, 'event dated implausibly', { domain, aheadSeconds }),
});
const noteFirstWebhook = once(createFirstWebhookRepository(table).note);

// Called by AWS.
export const handler = middy<SQSEvent, SQSBatchResponse>().handler(async (event) => {
  const stored: JsonObject[] = [];
  const response = await handleBatch(event, (record) => handleRecord(record, stored), retryWithBackoff);
  const outcomes = outcomeMetrics(stored);
  if (Object.keys(outcomes).length > 0) log.measure(outcomes, 'outcomes of new events');
  return response;
});

// Runs for every record; adds new events to `stored`.
async function handleRecord(record: SQSRecord, stored: JsonObject[]): Promise<void> {
  const decoded = decodeQueueMessage(record.body);
  if (!decoded.ok) return sendToDlq(record, decoded.reason, decoded.where);
  const { event, source, receivedAt, restored } = decoded.message;
  try {
    if ((await store(decoded.message)) === 'stored' && restored === undefined) stored.push(event);
  } catch (error) {
    if (!(error instanceof UnstorableError)) throw error;
    const { detail } = errorFacts(error.cause ?? error);
    return sendToDlq(record, 'unstorable', String(detail || error.message));
  }
  // The event is stored, and whether this note is written must not bring it back.
  if (source === 'webhook' && restored === undefined) await noteFirstWebhook(receivedAt).catch(() => {});
}

async function sendToDlq(record: SQSRecord, reason: string, detail: string): Promise<void> {
  await queues.sendToDlq(record.body, reason, detail);
  log.count(METRICS.deadLettered, 'message moved to the DLQ', {
    reason,
    detail,
    sqsMessageId: record.messageId,
  });
}

async function retryWithBackoff(record: SQSRecord, error: unknown): Promise<void> {
  const receiveCount = Number(record.attributes.ApproximateReceiveCount);
  const seconds = retryDelaySeconds(receiveCount, env.visibilitySeconds);
  const facts = { sqsMessageId: record.messageId, receiveCount, retryInSeconds: seconds, ...errorFacts(error) };
  log.count(METRICS.retried, 'message failed, will be retried', facts);
  await queues.changeVisibility(record.receiptHandle, seconds);
}
