import { setTimeout as sleep } from 'node:timers/promises';
import middy from '@middy/core';
import type { SNSEvent, SNSEventRecord } from 'aws-lambda';
import { createCachedSecret, openSecrets } from '../adapters/aws/secrets.ts';
import { createReceiverClient } from '../adapters/http/receiver-client.ts';
import { createReceiverStateRepository } from '../adapters/table/delivery-repository.ts';
import { openTable } from '../adapters/table/ledger-table.ts';
import { alarmNotice } from '../domain/notify/alarm-notice.ts';
import { parseTargets } from '../domain/notify/targets.ts';
import { createLog, errorFacts } from '../runtime/log.ts';
import { readNotifyEnv } from './env.ts';
import { createNotify } from './notify.ts';

// Trigger: the alarm topics. Promise: every service in the secret gets every alarm of its severities at least once; if
// one does not respond, Lambda retries the notice twice.

const TIMEOUT_MS = 5000;

// Runs once per cold start.
const env = readNotifyEnv(process.env);
const log = createLog(env.ledgerName);
const secret = createCachedSecret(openSecrets(), env.targetsSecretArn, Date.now, 'NotifyTargetsSecretArn');
const notify = createNotify({
  client: createReceiverClient({ timeoutMs: TIMEOUT_MS, allowsLoopback: false }),
  targets: async () => parseTargets(await secret.read()),
  states: createReceiverStateRepository(openTable(env.tableName)),
  receivers: env.receivers,
  sleep,
  onFailed: (kind, why) => log.write('a service did not take a notice', { kind, why }),
  onOwnFailed: (error) => log.write('a notice of failing notices did not arrive', errorFacts(error)),
});

// Called by AWS.
export const handler = middy<SNSEvent, void>().handler(async ({ Records }) => {
  for (const record of Records) await handleRecord(record);
});

// Runs for every record.
function handleRecord({ Sns: { Message, Subject, TopicArn, Timestamp } }: SNSEventRecord): Promise<void> {
  const severity = TopicArn === env.pageTopicArn ? 'page' : 'ticket';
  const about = { subject: Subject ?? 'Notification', severity, at: Timestamp } as const;
  return notify(alarmNotice(Message, about, [{ title: 'Dashboard', url: env.dashboardUrl }]));
}
