import middy from '@middy/core';
import type { SQSBatchResponse, SQSEvent, SQSRecord } from 'aws-lambda';
import { createRetryControl, openQueues } from '../adapters/event-queue.ts';
import { createRecordsTable } from '../adapters/records-table.ts';
import { openTable } from '../adapters/table-client.ts';
import { METRICS } from '../contract.ts';
import { UnstorableError } from '../domain/ports.ts';
import { decodeQueueMessage } from '../domain/queue-message.ts';
import { handleBatch, retryDelaySeconds } from '../runtime/batch.ts';
import { createLog, errorFacts } from '../runtime/log.ts';
import { readProcessEnv } from './env.ts';
import { createProcess } from './process.ts';

// Trigger: the event queue. Promise: every record is stored, known already, put among the dead letters with its
// reason, or reported as failed, which brings it back later.

// Runs once per cold start.
const env = readProcessEnv(process.env);
const log = createLog(env.ledgerName);
const queues = createRetryControl(openQueues(), env.queueUrl, env.deadLettersUrl);
const store = createProcess({
  records: createRecordsTable(openTable(env.tableName)),
  retentionDays: env.retentionDays,
});

// Called by AWS.
export const handler = middy<SQSEvent, SQSBatchResponse>().handler((event) =>
  handleBatch(event, handleRecord, retryLater),
);

// Runs for every record.
async function handleRecord(record: SQSRecord): Promise<void> {
  const decoded = decodeQueueMessage(record.body);
  if (!decoded.ok) return bury(record, decoded.reason);
  try {
    await store(decoded.message);
  } catch (error) {
    if (!(error instanceof UnstorableError)) throw error;
    await bury(record, 'unstorable');
  }
}

async function bury(record: SQSRecord, reason: string): Promise<void> {
  await queues.bury(record.body, reason);
  log.count(METRICS.deadLettered, 'message put among the dead letters', { reason, sqsMessageId: record.messageId });
}

async function retryLater(record: SQSRecord, error: unknown): Promise<void> {
  const receiveCount = Number(record.attributes.ApproximateReceiveCount);
  const seconds = retryDelaySeconds(receiveCount, env.visibilitySeconds);
  const facts = { sqsMessageId: record.messageId, receiveCount, retryInSeconds: seconds, ...errorFacts(error) };
  log.count(METRICS.retried, 'message failed, will be tried again', facts);
  await queues.retryIn(record.receiptHandle, seconds);
}
