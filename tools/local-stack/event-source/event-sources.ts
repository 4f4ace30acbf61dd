import { connectSqs } from '../aws/sqs-client.ts';
import type { Engines } from '../engines/engines.ts';
import type { RunningFunctions } from '../functions/functions.ts';
import { measureIteratorAge } from '../metrics/implied-metrics.ts';
import type { Measure } from '../metrics/metric.ts';
import type { StackRun } from '../run/run.ts';
import type { Stack } from '../template/stack.ts';
import { readQueueSources } from './queue-definition.ts';
import { QueuePoller } from './queue-poller.ts';
import { readStreamSources } from './stream-definition.ts';
import { StreamPoller } from './stream-poller.ts';

/** Starts the template's event sources: pollers for queues and for streams. */
export function startEventSources(
  stack: Stack,
  functions: RunningFunctions,
  { dynamodb }: Pick<Engines, 'dynamodb'>,
  { disposables, logBuffer }: StackRun,
  measure: Measure,
): void {
  const { region } = stack.account;
  const sqs = connectSqs(stack, 'event-source', disposables);
  for (const source of readQueueSources(stack)) {
    const poller = new QueuePoller({
      source,
      region,
      sqs,
      target: functions.byId(source.functionId),
      log: (line) => logBuffer.add('event-source', line),
    });
    disposables.add(() => poller.stop());
  }
  for (const source of readStreamSources(stack)) {
    const poller = new StreamPoller({
      source,
      region,
      streams: dynamodb.streams,
      dynamodb,
      sqs,
      target: functions.byId(source.functionId),
      measureAge: (ageMs) => measureIteratorAge(source.functionId, ageMs, measure),
      log: (line) => logBuffer.add('event-source', line),
    });
    disposables.add(() => poller.stop());
  }
}
