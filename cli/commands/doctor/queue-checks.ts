import { createQueueDepth } from '../../../lambdas/adapters/aws/queues.ts';
import { MESSAGES } from '../../../lambdas/contract.ts';
import { TargetUnavailableError } from '../../errors.ts';
import { counted, timeAgo } from '../../output.ts';
import { readLogs } from '../../read-logs.ts';
import { type Deployment, hasOutput, type LogEntry } from '../../target/types.ts';
import { type Check, type Finding, ok, warning, wrong } from './machine-checks.ts';

const LOOKBACK_MS = 15 * 60_000;
const RESTORE =
  'restore it as deployed (CloudFormation console, "Detect drift"), or wait where AWS Health reports an outage';

type CommandText = (command: string) => string;

/** Returns the checks of queues and bus: an existing queue may still refuse messages. */
export function queueChecks(deployment: Deployment, run: CommandText, nowMs: number): Check[] {
  const logged = (source: 'ingest' | 'publish', message: string) =>
    readLogs(deployment, source, nowMs - LOOKBACK_MS, { message });
  const failed = (what: string, entries: readonly LogEntry[], fix: string) => {
    const { atMs, facts } = entries.at(-1) as LogEntry;
    const why = [facts.error ?? facts.reason, facts.detail].filter((each) => each !== undefined).join(', ');
    return wrong(`${what} ${counted(entries.length, 'time')} in 15 min, last ${timeAgo(atMs, nowMs)}: ${why}`, fix);
  };
  return [
    {
      name: 'queue',
      unknownFix: RESTORE,
      look: () =>
        depthOf(deployment, 'QueueUrl', async (messages) => {
          const onTheWay = `${counted(messages, 'event')} on the way to the table`;
          const lines = await logged('ingest', MESSAGES.refused);
          // The queue's state alone decides.
          if (typeof lines === 'string') return ok(`${onTheWay}; whether ingest can send to it is not known: ${lines}`);
          const refused = lines.filter(({ facts }) => facts.reason === 'queue-unavailable');
          if (refused.length > 0) {
            return failed('there, but ingest could not send to it', refused, `the queue or its policy: ${RESTORE}`);
          }
          return ok(onTheWay);
        }),
    },
    {
      name: 'dead-letter queue',
      unknownFix: RESTORE,
      look: () =>
        depthOf(deployment, 'DeadLettersUrl', async (messages) =>
          messages === 0 ? ok('empty') : warning(`holds ${counted(messages, 'message')}`, run('dlq list')),
        ),
    },
    ...(hasOutput(deployment, 'PublishLogGroup')
      ? [
          {
            name: 'event bus',
            look: async () => {
              const unpublished = await logged('publish', MESSAGES.notPublished);
              if (typeof unpublished === 'string') throw new TargetUnavailableError(unpublished);
              if (unpublished.length === 0) return ok('no change failed to be published in 15 min');
              return failed('publish could not put changes on it', unpublished, `the bus or its policy: ${RESTORE}`);
            },
          },
        ]
      : []),
  ];
}

async function depthOf(
  { clients, output }: Deployment,
  key: string,
  judge: (messages: number) => Promise<Finding>,
): Promise<Finding> {
  let messages: number;
  try {
    messages = await createQueueDepth(clients.queues, output(key)).messages();
  } catch (error) {
    const { name, message, code } = error as Error & { code?: unknown };
    if (/QueueDoesNotExist|NonExistentQueue/.test(name)) return wrong('does not exist', RESTORE);
    if (name === 'TimeoutError' || code !== undefined)
      return wrong(`does not respond (${message})`, `this computer must reach AWS; if it does, ${RESTORE}`);
    throw error;
  }
  return judge(messages);
}
