import { METRICS } from '../../../lambdas/contract.ts';
import type { AlarmRow } from '../ledger-alarm.ts';
import { type AlarmSources, NO_NEWS, QUIET_QUEUE, quiet } from './sources.ts';

const FIVE_MINUTES = 300;
/** What the functions ask of the table. */
const OPERATIONS = ['PutItem', 'UpdateItem', 'DeleteItem', 'GetItem', 'BatchGetItem', 'Query'];
const HEALTHY_TABLE = quiet('DynamoDB reports nothing where nothing of the kind happens');

/** From the queue into the table. */
export function storingRows({ table, queue, process, metrics, limits }: AlarmSources): AlarmRow[] {
  return [
    {
      id: 'DeadLetters',
      metric: metrics.queue('ApproximateNumberOfMessagesVisible', queue.deadLetters, 60),
      limit: limits.deadLetters,
      datapoints: [1, 1],
      severity: 'ticket',
      happened: 'Events lie in the dead letters.',
      impact: 'Readers of the API miss these events. They are kept until 14 days after their receipt.',
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
      impact: 'Readers of the API see old statuses. Nothing is lost: the queue holds the events for days.',
      missing: QUIET_QUEUE,
      runbook: 'oldest-message',
      firstCommand: 'status',
    },
    {
      // Besides OldestMessage, because SQS leaves out of that age what was received three times.
      id: 'EventsRetried',
      metric: metrics.own(METRICS.retried, 'Sum', FIVE_MINUTES),
      limit: limits.eventsRetried,
      // A single odd event is tried ever more seldom, so it does not fill three periods in a row.
      datapoints: [3, 3],
      severity: 'page',
      happened: 'Storing events has kept failing for 15 minutes.',
      impact: 'Readers of the API see old statuses. Nothing is lost: failing events stay in the queue for hours.',
      missing: NO_NEWS,
      runbook: 'events-retried',
      firstCommand: 'logs process --since 30m --message "message failed, will be tried again"',
    },
    {
      id: 'ProcessErrors',
      metric: metrics.function('Errors', process.function, 'Sum', FIVE_MINUTES),
      limit: limits.processErrors,
      // A failing event does not count here, so one is always a fault of the code or its settings.
      datapoints: [1, 1],
      severity: 'ticket',
      happened: 'Process crashed or ran out of time.',
      impact:
        'Nobody yet: its events are back in the queue. Should it last, statuses grow old and OldestMessage pages.',
      missing: quiet('Lambda reports nothing when nothing is to be done'),
      runbook: 'process-errors',
      firstCommand: 'logs process --since 1h',
    },
    {
      id: 'TableThrottled',
      metric: metrics.math(
        'throttled reads and writes',
        'FILL(reads, 0) + FILL(writes, 0)',
        {
          reads: metrics.table('ReadThrottleEvents', table, FIVE_MINUTES),
          writes: metrics.table('WriteThrottleEvents', table, FIVE_MINUTES),
        },
        FIVE_MINUTES,
      ),
      limit: limits.tableThrottled,
      // A table on demand throttles for a moment while it grows, and the calls are repeated.
      datapoints: [2, 3],
      severity: 'ticket',
      happened: 'The table throttles reads or writes.',
      impact: 'Nobody yet: calls are repeated. Should it last, webhooks are refused and events wait, which pages.',
      missing: HEALTHY_TABLE,
      runbook: 'table-throttled',
      firstCommand: 'status',
    },
    {
      id: 'TableErrors',
      metric: metrics.math(
        'errors of DynamoDB',
        OPERATIONS.map((operation) => `FILL(${idOf(operation)}, 0)`).join(' + '),
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
      happened: 'DynamoDB itself answers with errors.',
      impact: 'Nobody yet: calls are repeated. Should it last, webhooks are refused and events wait, which pages.',
      missing: HEALTHY_TABLE,
      runbook: 'table-errors',
      firstCommand: 'status',
    },
  ];
}

/** Ids of metrics begin in lower case. */
const idOf = (operation: string) => operation.charAt(0).toLowerCase() + operation.slice(1);
