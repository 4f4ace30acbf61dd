import { setTimeout as sleep } from 'node:timers/promises';
import middy from '@middy/core';
import type { SQSBatchResponse, SQSEvent, SQSRecord } from 'aws-lambda';
import { createReceiverQueue, openQueues } from '../adapters/aws/messaging.ts';
import { createCachedSecret, createErasureKey, openSecrets } from '../adapters/aws/secrets.ts';
import { createReceiverClient } from '../adapters/http/receiver-client.ts';
import { createDeliveryLog, createReceiverStateRepository } from '../adapters/table/delivery-repository.ts';
import { createErasureRepository } from '../adapters/table/event-repository.ts';
import { openTable } from '../adapters/table/ledger-table.ts';
import { HOUR_MS, METRICS } from '../contract.ts';
import { parseReceiverSecrets, signingSecrets } from '../domain/publishing/receiver-secret.ts';
import { createLog, errorFacts } from '../runtime/log.ts';
import { createDeliver, type DeliverResult } from './deliver.ts';
import { type ReceiverSetting, readDeliverEnv } from './env.ts';

// Trigger: the queues of the receivers, each with its own event source. Promise: every message is acknowledged by its
// receiver, waits in its queue, or goes to its DLQ, and the delivery log says which before the message is deleted.

// Runs once per cold start.
const env = readDeliverEnv(process.env);
const log = createLog(env.ledgerName);
const table = openTable(env.tableName);
const queues = openQueues();
const secretsManager = openSecrets();
const erasureKey = createErasureKey(
  createCachedSecret(secretsManager, env.erasureKeySecretArn, Date.now, 'ErasureKeySecretArn'),
);
const shared = {
  client: createReceiverClient({ timeoutMs: env.timeoutSeconds * 1000, allowsLoopback: env.allowsLoopback }),
  log: createDeliveryLog(table, { retentionDays: env.deliveryDays }),
  states: createReceiverStateRepository(table),
  erasures: createErasureRepository(table, erasureKey),
  now: Date.now,
  schedule: { waits: env.retrySeconds, random: Math.random },
  disableAfterMs: env.disableAfterHours * HOUR_MS,
};
const receivers = new Map(env.receivers.map((setting) => [setting.queueUrl.split('/').at(-1), open(setting)]));

// Called by AWS.
export const handler = middy<SQSEvent, SQSBatchResponse>().handler(async ({ Records }) => {
  const results = await Promise.all(Records.map(handleRecord));
  const kept = Records.filter((_, nth) => results[nth] === 'kept');
  return { batchItemFailures: kept.map(({ messageId }) => ({ itemIdentifier: messageId })) };
});

// Runs for every record; the requests of a batch begin one after the other, so that the receiver's rate holds.
async function handleRecord(record: SQSRecord, nth: number): Promise<DeliverResult> {
  const receiver = receivers.get(record.eventSourceARN.split(':').at(-1));
  if (receiver === undefined) throw new Error('a message of a queue that belongs to no receiver');
  const begins = sleep(nth * receiver.paceMs);
  try {
    await begins;
    const message = { ...record, sentAt: Number(record.attributes.SentTimestamp) };
    const [result] = await Promise.all([receiver.deliver(message), sleep(receiver.paceMs)]);
    return result;
  } catch (error) {
    const facts = { reason: receiver.name, sqsMessageId: record.messageId, ...errorFacts(error) };
    log.count(METRICS.deliverFailed, 'delivery could not be made or noted, and comes back', facts);
    return 'kept';
  }
}

function open({ name, url, recipients, paceMs, secretArn, queueUrl, deadLettersUrl }: ReceiverSetting) {
  const secret = createCachedSecret(secretsManager, secretArn, Date.now);
  const deliver = createDeliver(
    { name, url, recipients },
    {
      ...shared,
      queue: createReceiverQueue(queues, queueUrl, deadLettersUrl),
      secrets: async () => signingSecrets(parseReceiverSecrets(await secret.read()), Date.now()),
      onDead: (reason, lastStatus) =>
        log.write('delivery sent to the DLQ', { receiver: name, why: reason, lastStatus }),
      onDisabled: ({ disabledReason, lastStatus }) =>
        log.count(METRICS.receiverDisabled, 'receiver is disabled', { reason: name, why: disabledReason, lastStatus }),
    },
  );
  return { name, paceMs, deliver };
}
