import type { AlarmBoard } from './alarms/alarm-board.ts';
import type { AlarmState } from './alarms/evaluate.ts';
import type { LocalAws } from './aws/local-aws.ts';
import type { Usage } from './aws/usage.ts';
import { type Engine, request } from './engines/engine.ts';
import type { RunningFunctions } from './functions/functions.ts';
import { measureEmbedded } from './metrics/embedded-metrics.ts';
import type { LogBuffer } from './run/log-buffer.ts';

/** Work done by a stack since its start. */
export interface Stats extends Usage {
  readonly seconds: number;
  readonly logBytes: number;
  /** Sums of the metrics in log lines, by name, over all dimensions. */
  readonly logged: Readonly<Record<string, number>>;
  readonly processes: Readonly<Record<string, number>>;
  readonly alarms: Readonly<Record<string, AlarmState>>;
  /** Calls and capacity by function; `event-source` is Lambda's poller. */
  readonly byCaller: Readonly<Record<string, Usage>>;
  /** What each function may do on items of tables and has not done yet. */
  readonly unusedPermissions: Readonly<Record<string, readonly string[]>>;
}

interface StatsSources {
  readonly aws: Pick<LocalAws, 'usage' | 'permissions'>;
  readonly functions: Pick<RunningFunctions, 'processes'>;
  readonly board: Pick<AlarmBoard, 'states'>;
  readonly log: Pick<LogBuffer, 'bytes' | 'listen'>;
}

export function createStats({ aws, functions, board, log }: StatsSources): () => Stats {
  const startedMs = performance.now();
  const logged: Record<string, number> = {};
  log.listen((line) => {
    // A line lists a metric under several dimensions; it counts once.
    const carried = new Map<string, number>();
    measureEmbedded(line, ({ name }, value) => carried.set(name, value));
    for (const [name, value] of carried) logged[name] = (logged[name] ?? 0) + value;
  });
  return () => ({
    ...aws.usage.total(),
    seconds: (performance.now() - startedMs) / 1000,
    logBytes: log.bytes,
    logged,
    processes: functions.processes(),
    alarms: board.states(),
    byCaller: aws.usage.byCaller(),
    unusedPermissions: aws.permissions.unused(),
  });
}

/** Returns the messages in a queue; delayed ones count as visible. */
export async function countMessages(sqs: Engine, QueueUrl: string): Promise<{ visible: number; inFlight: number }> {
  const { Attributes } = await request<{ Attributes: Record<string, string> }>(sqs, 'GetQueueAttributes', {
    QueueUrl,
    AttributeNames: ['All'],
  });
  const count = (name: string) => Number(Attributes[`ApproximateNumberOfMessages${name}`]);
  return { visible: count('') + count('Delayed'), inFlight: count('NotVisible') };
}
