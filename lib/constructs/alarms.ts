import { Stack } from 'aws-cdk-lib';
import { Metric, type MetricOptions, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import { Construct } from 'constructs';
import { METRICS } from '../../lambdas/contract.ts';
import { cursorLimitSeconds, type LedgerChoice, openLimitSeconds } from '../ledger-times.ts';
import type { EventQueue } from './event-queue.ts';
import { type AlarmRow, LedgerAlarm } from './ledger-alarm.ts';
import type { Process } from './process.ts';
import type { Reconcile } from './reconcile.ts';
import type { Topics } from './topics.ts';
import type { WebhookApi } from './webhook-api.ts';

interface AlarmSources {
  readonly queue: EventQueue;
  readonly process: Process;
  readonly reconcile: Reconcile;
  readonly webhookApi: WebhookApi;
  readonly times: LedgerChoice;
  readonly ledgerName: string;
}

export interface AlarmsProps extends Omit<AlarmSources, 'ledgerName'> {
  readonly runbookUrl: string;
  readonly topics: Topics;
}

/** One alarm per row, in every environment; only whom it tells differs. */
export class Alarms extends Construct {
  constructor(scope: Construct, id: string, props: AlarmsProps) {
    super(scope, id);
    const rows = alarmRows({ ...props, ledgerName: Stack.of(this).stackName });
    for (const row of [...rows, ...ledgerRows({ ...props, ledgerName: Stack.of(this).stackName })]) {
      new LedgerAlarm(this, { row, runbookUrl: props.runbookUrl, topics: props.topics });
    }
  }
}

const QUIET_QUEUE = {
  treat: TreatMissingData.NOT_BREACHING,
  because: 'SQS stops reporting on a queue that stays empty, which is good',
};

function alarmRows({ queue: { queue, deadLetters }, process, webhookApi, ledgerName }: AlarmSources): AlarmRow[] {
  const { stage, logGroup: accessLog } = webhookApi.endpoint;
  const processLog = process.function.logGroup.logGroupName;
  return [
    {
      id: 'DeadLetters',
      metric: (options) => deadLetters.metricApproximateNumberOfMessagesVisible(options),
      statistic: 'Maximum',
      periodSeconds: 60,
      limit: 0,
      datapoints: [1, 1],
      severity: 'ticket',
      happened: 'Events lie in the dead letters.',
      impact: 'Readers of the API miss these events. They are kept until 14 days after their receipt.',
      missing: QUIET_QUEUE,
      runbook: 'dead-letters',
      firstCommand: `aws sqs receive-message --queue-url ${deadLetters.queueUrl} --message-attribute-names All --visibility-timeout 5`,
    },
    {
      id: 'OldestMessage',
      metric: (options) => queue.metricApproximateAgeOfOldestMessage(options),
      statistic: 'Maximum',
      periodSeconds: 60,
      limit: 300,
      datapoints: [3, 5],
      severity: 'page',
      happened: 'Events wait for more than 5 minutes to be stored.',
      impact: 'Readers of the API see old statuses. Nothing is lost: the queue holds the events for days.',
      missing: QUIET_QUEUE,
      runbook: 'oldest-message',
      firstCommand: `aws logs tail ${processLog} --since 15m`,
    },
    {
      // Besides OldestMessage, because SQS leaves out of that age what was received three times.
      id: 'EventsRetried',
      metric: (options) => ownMetric(METRICS.retried, ledgerName, options),
      statistic: 'Sum',
      periodSeconds: 300,
      limit: 0,
      // A single odd event is tried ever more seldom, so it does not fill three periods in a row.
      datapoints: [3, 3],
      severity: 'page',
      happened: 'Storing events has kept failing for 15 minutes.',
      impact: 'Readers of the API see old statuses. Nothing is lost: failing events stay in the queue for hours.',
      missing: { treat: TreatMissingData.NOT_BREACHING, because: 'process writes this metric only when it retries' },
      runbook: 'events-retried',
      firstCommand: `aws logs tail ${processLog} --since 15m`,
    },
    {
      id: 'WebhookErrors',
      metric: (options) => stage.metricServerError(options),
      statistic: 'Sum',
      periodSeconds: 300,
      limit: 0,
      // One blip is healed by Mailgun's retry; a quiet domain in trouble is retried after 10 min and so counts twice.
      datapoints: [2, 3],
      severity: 'page',
      happened: 'Mailgun gets errors (5xx) from the webhook URL.',
      impact:
        'Mailgun never repeats `delivered` events, so these are missed now; all others are after 8 hours of this.',
      missing: { treat: TreatMissingData.NOT_BREACHING, because: 'where there are no requests there are no errors' },
      runbook: 'webhook-errors',
      firstCommand: `aws logs tail ${accessLog.logGroupName} --since 15m`,
    },
    {
      id: 'ProcessErrors',
      metric: (options) => process.function.metricErrors(options),
      statistic: 'Sum',
      periodSeconds: 300,
      limit: 0,
      // A failing event does not count here, so one is always a fault of the code or its settings.
      datapoints: [1, 1],
      severity: 'ticket',
      happened: 'Process crashed or ran out of time.',
      impact:
        'Nobody yet: its events are back in the queue. Should it last, statuses grow old and OldestMessage pages.',
      missing: { treat: TreatMissingData.NOT_BREACHING, because: 'Lambda reports nothing when nothing is to be done' },
      runbook: 'process-errors',
      firstCommand: `aws logs tail ${processLog} --since 1h`,
    },
  ];
}

const ownMetric = (metricName: string, ledgerName: string, options: MetricOptions) =>
  new Metric({
    namespace: METRICS.namespace,
    metricName,
    dimensionsMap: { [METRICS.dimension]: ledgerName },
    ...options,
  });

const NO_NEWS = {
  treat: TreatMissingData.NOT_BREACHING,
  because: 'reconcile writes this metric only when it has news',
};
const NO_RUN = { treat: TreatMissingData.NOT_BREACHING, because: 'without an API key reconcile measures nothing' };

/** What reconcile finds. */
function ledgerRows({ reconcile, times, ledgerName }: AlarmSources): AlarmRow[] {
  const firstCommand = `aws logs tail ${reconcile.function.logGroup.logGroupName} --since 2h`;
  const runSeconds = Math.ceil(times.everySeconds / 60) * 60;
  const own = (name: string) => (options: MetricOptions) => ownMetric(name, ledgerName, options);
  return [
    {
      id: 'ReconcileStopped',
      metric: own(METRICS.reconcileRun),
      statistic: 'Sum',
      periodSeconds: 2 * runSeconds,
      limit: 1,
      breaches: 'below',
      datapoints: [2, 2],
      severity: 'page',
      happened: 'Reconcile has not run for four periods.',
      impact: 'Lost webhooks are no longer found; what Mailgun forgets meanwhile cannot be found any more.',
      missing: {
        treat: TreatMissingData.BREACHING,
        because: 'every run writes this metric, even one without an API key, so its absence is the fault itself',
      },
      runbook: 'reconcile-stopped',
      firstCommand,
    },
    {
      id: 'CursorTooOld',
      metric: own(METRICS.cursorAge),
      statistic: 'Maximum',
      periodSeconds: 2 * runSeconds,
      limit: cursorLimitSeconds(times),
      datapoints: [1, 1],
      severity: 'page',
      happened: 'The ledger is behind by more than half of the time that Mailgun keeps events.',
      impact: 'When Mailgun forgets them, lost events of that time cannot be recovered any more.',
      missing: NO_RUN,
      runbook: 'cursor-too-old',
      firstCommand,
    },
    {
      id: 'LostWebhooks',
      metric: own(METRICS.lostWebhooks),
      statistic: 'Sum',
      periodSeconds: 300,
      limit: 0,
      datapoints: [1, 1],
      severity: 'page',
      happened: 'Webhooks never came that should have.',
      impact:
        'Readers of the API learned of these events late, by reconciliation. It goes on until the cause is found.',
      missing: NO_NEWS,
      runbook: 'lost-webhooks',
      firstCommand,
    },
    {
      id: 'OpenSlice',
      metric: own(METRICS.openSliceAge),
      statistic: 'Maximum',
      periodSeconds: 2 * runSeconds,
      limit: openLimitSeconds(times),
      datapoints: [1, 1],
      severity: 'ticket',
      happened: 'Events that Mailgun lists have been missing for hours, although they were sent to the queue.',
      impact: 'Readers of the API miss these events.',
      missing: NO_RUN,
      runbook: 'open-slice',
      firstCommand,
    },
    {
      id: 'Stuck',
      metric: own(METRICS.stuck),
      statistic: 'Maximum',
      periodSeconds: 2 * runSeconds,
      limit: 0,
      datapoints: [1, 1],
      severity: 'page',
      happened: 'Events are still not stored after they were sent five times; they are not sent again.',
      impact: 'Readers of the API miss these events until somebody finds out why.',
      missing: NO_RUN,
      runbook: 'stuck',
      firstCommand,
    },
    {
      id: 'Unconfirmed',
      metric: own(METRICS.unconfirmed),
      statistic: 'Sum',
      periodSeconds: 300,
      limit: 0,
      datapoints: [1, 1],
      severity: 'page',
      happened: 'Events are stored that Mailgun does not list.',
      impact: 'Somebody may have forged events under a stolen signature; records that they touch cannot be trusted.',
      missing: NO_NEWS,
      runbook: 'unconfirmed',
      firstCommand,
    },
  ];
}
