import { setTimeout as sleep } from 'node:timers/promises';
import middy from '@middy/core';
import type { DynamoDBBatchResponse, DynamoDBStreamEvent } from 'aws-lambda';
import { createEventBus, createPublishFailures, openEventBridge, openQueues } from '../adapters/aws/messaging.ts';
import { createCachedSecret, createErasureKey, openSecrets } from '../adapters/aws/secrets.ts';
import { createDayIndexRepository } from '../adapters/table/day-index-repository.ts';
import {
  createPublishableRows,
  createPublishedDeliveryRepository,
  createRestoreNotes,
  type RowChange,
  readChange,
} from '../adapters/table/delivery-repository.ts';
import { createDomainNames } from '../adapters/table/domain-repository.ts';
import { createErasureRepository } from '../adapters/table/event-repository.ts';
import { openTable } from '../adapters/table/ledger-table.ts';
import { MESSAGES } from '../contract.ts';
import { parseDayShards } from '../domain/events/day-shards.ts';
import { hasChanged } from '../domain/publishing/published.ts';
import { createLog } from '../runtime/log.ts';
import { readPublishEnv } from './env.ts';
import { createNotedBus, parseNotedReceivers } from './note-deliveries.ts';
import { createPublish } from './publish.ts';
import { createPublishedEvents } from './published-events.ts';
import { createRepublish } from './republish.ts';
import { type RepublishReport, republishIn } from './republish-contract.ts';

// Trigger: the table's stream, or an operator's invocation with {"republish":{…}}. Promise: every change of a status or
// suppression is on the bus at least once, in its order, or whole in the queue of failures. What is not published
// now comes again from the stream.

/** Time kept back from the function's timeout for the call that is under way. */
const RESERVE_MS = 15_000;
/** Maximum duration of one republishing call, so that the operator sees progress. */
const REPUBLISH_CALL_MS = 20_000;

// Runs once per cold start.
const env = readPublishEnv(process.env);
const log = createLog(env.ledgerName);
const table = openTable(env.tableName, parseDayShards(env.dayShards));
const secrets = openSecrets();
const subjectKey = createCachedSecret(secrets, env.subjectKeySecretArn, Date.now, 'SubjectKey');
const erasureKey = createErasureKey(
  createCachedSecret(secrets, env.erasureKeySecretArn, Date.now, 'ErasureKeySecretArn'),
);
const erasures = createErasureRepository(table, erasureKey);
const restores = createRestoreNotes(table);
const receivers = parseNotedReceivers(env.receivers);
const notes = createPublishedDeliveryRepository(table, { retentionDays: env.deliveryDays });
const bus = createNotedBus(createEventBus(openEventBridge(), env.busName), notes, receivers);
const deps = { bus, sleep: (ms: number) => sleep(ms), now: Date.now };
const publish = createPublish({
  ...deps,
  failures: createPublishFailures(openQueues(), env.failuresUrl),
  retryMs: env.retrySeconds * 1000,
  onUnpublished: (reason) => log.write('event sent to the failure queue', { reason }),
});

// Called by AWS.
export const handler = middy<unknown, DynamoDBBatchResponse | RepublishReport>().handler(async (event, context) => {
  const lastMs = Date.now() + Math.max(1000, context.getRemainingTimeInMillis() - RESERVE_MS);
  const key = await subjectKey.read();
  const restoredAtMs = await restores.readBegin();
  const choice = { ledger: env.ledgerName, subjectKey: key, recipients: env.recipients, restoredAtMs };
  const eventsOf = createPublishedEvents(erasures, choice);
  const request = republishIn(event);
  if (request === undefined) return publishRecords(event as DynamoDBStreamEvent, eventsOf, lastMs);
  const domains = await createDomainNames(table, env.domains, Date.now)();
  const index = createDayIndexRepository(table);
  const republish = createRepublish({ ...deps, index, rows: createPublishableRows(table), domains, eventsOf });
  const report = await republish({ ...request, deadlineMs: Math.min(lastMs, Date.now() + REPUBLISH_CALL_MS) });
  log.write('republished', { domain: request.domain, plan: request.plan, ...report });
  return report;
});

// Runs for every batch of the stream.
async function publishRecords(
  { Records }: DynamoDBStreamEvent,
  eventsOf: ReturnType<typeof createPublishedEvents>,
  deadlineMs: number,
): Promise<DynamoDBBatchResponse> {
  const changed = Records.map(readChange).filter(
    (change) => change !== undefined && hasChanged(change.before, change.after),
  ) as RowChange[];
  const events = await eventsOf(changed.map(({ after }) => after));
  const changes = changed.flatMap(({ position, changedAtMs }, nth) => {
    const event = events[nth];
    return event === undefined ? [] : [{ position, event: { ...event, changedAtMs } }];
  });
  const back = await publish(changes, deadlineMs);
  if (back === undefined) return { batchItemFailures: [] };
  log.write(MESSAGES.notPublished, { reason: back.reason, changes: changes.length });
  return { batchItemFailures: [{ itemIdentifier: back.position }] };
}
