import { Agent } from 'node:http';
import { accessKeyIdOf } from '../caller.ts';
import { connectEngine } from '../engines/remote-engine.ts';
import type { RunningFunctions } from '../functions.ts';
import type { Run } from '../run.ts';
import type { Stack } from '../stack.ts';
import { readEventSources } from './definition.ts';
import { QueuePoller } from './queue-poller.ts';

/** Begins to take messages to every function that the template gives a queue. */
export function startEventSources(stack: Stack, functions: RunningFunctions, { closers, logbook }: Run): void {
  const { awsEndpointUrl, region } = stack.place;
  const agent = new Agent({ keepAlive: true });
  closers.add(() => agent.destroy());
  // By the door that functions use: what a poller asks of SQS is on the bill too, and fails as theirs does.
  const sqs = connectEngine({
    agent,
    port: Number(new URL(awsEndpointUrl).port),
    target: 'AmazonSQS',
    accessKeyId: accessKeyIdOf('event-source'),
  });
  for (const source of readEventSources(stack)) {
    const poller = new QueuePoller({
      source,
      region,
      sqs,
      target: functions.byId(source.functionId),
      log: (line) => logbook.add('event-source', line),
    });
    closers.add(() => poller.stop());
  }
}
