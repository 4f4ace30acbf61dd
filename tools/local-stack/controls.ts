import type { AlarmBoard, AlarmOverview } from './alarms/alarm-board.ts';
import type { AlarmState } from './alarms/evaluate.ts';
import type { PublishedMessage, TemplateTopics } from './alarms/topics.ts';
import { accessKeyIdOf } from './aws/caller.ts';
import type { Fault } from './aws/fault-rules.ts';
import type { LocalAws } from './aws/local-aws.ts';
import type { BusEvent } from './engines/events.ts';
import type { InvocationResult } from './functions/function-sandbox.ts';
import type { RunningFunctions } from './functions/functions.ts';
import type { LogLine } from './run/log-buffer.ts';
import type { StackRun } from './run/run.ts';
import { createStats, type Stats } from './stats.ts';
import { outputsOf } from './template/stack.ts';

/** What commands need to find a stack; on AWS its outputs hold it. */
interface StackInfo {
  readonly stackName: string;
  readonly region: string;
  readonly awsEndpointUrl: string;
  /** Identifies the operator among the engines' callers. */
  readonly accessKeyId: string;
  readonly outputs: Readonly<Record<string, string>>;
}

/** Operations on a running stack, available over HTTP and to tests in the same process. */
export interface Controls {
  readonly place: StackInfo;
  stats(): Stats;
  setFaults(faults: readonly Fault[]): void;
  logs(): readonly LogLine[];
  /** Returns the messages published to topics, oldest first. */
  notifications(): readonly PublishedMessage[];
  /** Returns every alarm with its text, its state, and when it entered that state. */
  alarms(): readonly AlarmOverview[];
  /** Sets an alarm's state until the next evaluation; returns false if there is no such alarm. */
  setAlarm(name: string, state: AlarmState, reason: string): boolean;
  /** Returns the last events on the buses. */
  published(): readonly BusEvent[];
  /** Invokes a function by its short name with an event (JSON); undefined if there is no such function. */
  invoke(functionName: string, event: string): Promise<InvocationResult> | undefined;
}

/** Parts of a running stack behind the controls. */
interface ControlledParts {
  readonly aws: LocalAws;
  readonly functions: RunningFunctions;
  readonly board: AlarmBoard;
  readonly topics: TemplateTopics;
  readonly run: StackRun;
}

export function createControls(parts: ControlledParts): Controls {
  const { aws, functions, board, topics, run } = parts;
  const { name, account } = aws.stack;
  return {
    place: {
      stackName: name,
      region: account.region,
      awsEndpointUrl: account.awsEndpointUrl,
      accessKeyId: accessKeyIdOf('operator'),
      outputs: outputsOf(aws.stack),
    },
    stats: createStats({ aws, functions, board, log: run.logBuffer }),
    setFaults: (list) => aws.faults.replace(list),
    logs: () => run.logBuffer.lines(),
    notifications: () => topics.arrived(),
    alarms: () => board.overview(),
    setAlarm: (name, state, reason) => board.set(name, state, reason),
    published: () => aws.engines.events.published(),
    invoke: (functionName, event) => functions.byName(functionName)?.invoke(event),
  };
}
