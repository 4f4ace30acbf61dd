import { METRICS } from '../../../lambdas/contract.ts';
import type { AlarmRow } from '../monitoring/ledger-alarm.ts';
import { NO_NEWS, QUIET_QUEUE, quiet } from './missing-data.ts';
import type { AlarmSources } from './sources.ts';

const MINUTE = 60;
const FIVE_MINUTES = 300;
/** The table operations that functions call. */
const OPERATIONS = ['PutItem', 'UpdateItem', 'DeleteItem', 'GetItem', 'BatchGetItem', 'Query'];
const HEALTHY_TABLE = quiet('DynamoDB reports nothing while nothing of the kind happens');

/** Watches the way from the queue into the table. */
export function storingRows({ table, queue, process, metrics, limits }: AlarmSources): AlarmRow[] {
  const throttled = metrics.throttled(table, FIVE_MINUTES);
  return [
    {
      id: 'DeadLetters',
      metric: metrics.held(queue.deadLetters, 60),
      limit: limits.deadLetters,
      datapoints: [1, 1],
      severity: 'ticket',
      happened: 'Messages are in the dead-letter queue.',
      impact: 'Clients of the API miss the events among them. What is in the queue is kept for 14 days after receipt.',
      recovered: 'The dead-letter queue is empty again.',
      explains: ['stuck', 'open-slice', 'lost-webhooks'],
      missing: QUIET_QUEUE,
      runbook: 'dead-letters',
      firstCommand: 'dlq list',
    },
    {
      id: 'OldestMessage',
      metric: metrics.queue('ApproximateAgeOfOldestMessage', queue.queue, 60),
      limit: limits.oldestMessageSeconds,
      datapoints: [3, 5],
      severity: 'page',
      happened: 'Events wait for minutes to be stored.',
      impact: 'Clients of the API see old statuses. Nothing is lost: the queue holds the events for days.',
      recovered:
        'No event waits for its first attempts any more; those that keep failing are what events-retried reports.',
      explains: ['open-slice', 'lost-webhooks'],
      missing: QUIET_QUEUE,
      runbook: 'oldest-message',
      firstCommand: 'logs process --since 15m',
    },
    {
      // Besides OldestMessage, because SQS excludes messages received three times from that age.
      id: 'EventsRetried',
      // Filled, because CloudWatch passes over minutes without a value, and would count failures that are long over.
      metric: metrics.math(
        'failed attempts',
        'FILL(retried, 0)',
        { retried: metrics.own(METRICS.retried, 'Sum', MINUTE) },
        MINUTE,
      ),
      limit: limits.eventsRetried,
      // A single failing event is retried ever more rarely, so its attempts fall into fewer minutes than these. The
      // longer the window, the less the alarm flaps during an outage with little mail; a test simulates both.
      datapoints: [8, 30],
      severity: 'page',
      happened: 'In 8 of the last 30 minutes, events could not be stored.',
      impact: 'Clients of the API see old statuses. Nothing is lost: failing events stay in the queue for hours.',
      recovered: 'For about 20 minutes no attempt failed; what the queue still holds is tried again by itself.',
      explains: ['oldest-message', 'open-slice', 'lost-webhooks'],
      missing: NO_NEWS,
      runbook: 'events-retried',
      firstCommand: 'logs process --since 30m --message "message failed, will be retried"',
    },
    {
      id: 'ImplausibleTimes',
      metric: metrics.own(METRICS.implausibleTime, 'Sum', FIVE_MINUTES),
      limit: limits.implausibleTimes,
      datapoints: [1, 1],
      severity: 'ticket',
      happened: 'Events are dated more than 10 minutes after they were received.',
      impact: 'Clients of the API see the time of receipt in place of the time of the event.',
      recovered: 'No such event was stored for 5 minutes.',
      missing: NO_NEWS,
      runbook: 'implausible-times',
      firstCommand: 'logs process --since 1h --message "event dated implausibly"',
    },
    {
      id: 'ProcessErrors',
      metric: metrics.function('Errors', process.function, 'Sum', FIVE_MINUTES),
      limit: limits.processErrors,
      // A failing event does not count here, so this is always a fault of the code or its settings.
      datapoints: [1, 1],
      severity: 'ticket',
      happened: 'Process crashed or timed out.',
      impact:
        'No one yet: its events are back in the queue. If it lasts, statuses become outdated and oldest-message pages.',
      recovered: 'Process ran for 5 minutes without a crash.',
      explains: ['oldest-message', 'lost-webhooks'],
      missing: quiet('Lambda reports nothing when it is not invoked'),
      runbook: 'process-errors',
      firstCommand: 'logs process --since 1h',
    },
    {
      id: 'TableThrottled',
      metric: metrics.sum('throttled reads and writes', throttled, FIVE_MINUTES),
      limit: limits.tableThrottled,
      // An on-demand table throttles briefly while it scales, and the calls are retried.
      datapoints: [2, 3],
      severity: 'ticket',
      happened: 'The table or one of its indexes throttles reads or writes.',
      impact: 'No one yet: calls are retried. If it lasts, webhooks are refused and events wait, which pages.',
      recovered: 'The table takes all reads and writes again.',
      explains: [
        'webhook-errors',
        'webhooks-slow',
        'events-retried',
        'oldest-message',
        'process-errors',
        'read-api-errors',
        'read-api-slow',
      ],
      missing: HEALTHY_TABLE,
      runbook: 'table-throttled',
      firstCommand: 'status',
    },
    {
      id: 'TableErrors',
      metric: metrics.sum(
        'errors of DynamoDB',
        Object.fromEntries(
          OPERATIONS.map((operation) => [
            idOf(operation),
            metrics.table('SystemErrors', table, FIVE_MINUTES, operation),
          ]),
        ),
        FIVE_MINUTES,
      ),
      limit: limits.tableErrors,
      datapoints: [2, 3],
      severity: 'ticket',
      happened: 'DynamoDB returns internal errors.',
      impact: 'No one yet: calls are retried. If it lasts, webhooks are refused and events wait, which pages.',
      recovered: 'DynamoDB responds without internal errors again.',
      explains: [
        'webhook-errors',
        'webhooks-slow',
        'events-retried',
        'oldest-message',
        'process-errors',
        'reconcile-stopped',
        'watermark-too-old',
        'read-api-errors',
        'read-api-slow',
      ],
      missing: HEALTHY_TABLE,
      runbook: 'table-errors',
      firstCommand: 'status',
    },
  ];
}

/** Ids of metrics begin in lower case. */
const idOf = (operation: string) => operation.charAt(0).toLowerCase() + operation.slice(1);
