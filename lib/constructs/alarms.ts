import type { Alarm } from 'aws-cdk-lib/aws-cloudwatch';
import { Construct } from 'constructs';
import { mailRows } from './alarms/mail.ts';
import { noticeRows } from './alarms/notices.ts';
import { providerRows } from './alarms/providers.ts';
import { publishingRows } from './alarms/publishing.ts';
import { readingRows } from './alarms/reading.ts';
import { receiverRows } from './alarms/receivers.ts';
import { reconciliationRows } from './alarms/reconciliation.ts';
import { sealingRows } from './alarms/sealing.ts';
import type { Watched } from './alarms/sources.ts';
import { storingRows } from './alarms/storing.ts';
import { webhookRows } from './alarms/webhooks.ts';
import { type CommandLine, LedgerAlarm } from './monitoring/ledger-alarm.ts';
import { LedgerMetrics } from './monitoring/ledger-metrics.ts';
import type { Topics } from './monitoring/topics.ts';

interface AlarmsProps extends Watched {
  readonly runbookUrl: string;
  readonly commandLine: CommandLine;
  readonly topics: Topics;
}

/** Creates one alarm per row in every environment; only the topics differ. */
export class Alarms extends Construct {
  readonly alarms: readonly Alarm[];
  readonly names: readonly string[];

  constructor(scope: Construct, id: string, props: AlarmsProps) {
    super(scope, id);
    const { runbookUrl, commandLine, topics } = props;
    const sources = { ...props, metrics: new LedgerMetrics(this) };
    const rows = [
      webhookRows,
      storingRows,
      reconciliationRows,
      readingRows,
      mailRows,
      providerRows,
      publishingRows,
      receiverRows,
      sealingRows,
      noticeRows,
    ];
    const alarms = rows
      .flatMap((rowsOf) => rowsOf(sources))
      .map((row) => new LedgerAlarm(this, { row, runbookUrl, commandLine, topics }));
    this.alarms = alarms;
    this.names = alarms.map(({ givenName }) => givenName);
  }
}
