import type { AlarmBoard, AlarmOverview } from './alarms/alarm-board.ts';
import type { AlarmState } from './alarms/evaluate.ts';
import type { Notification, Topics } from './alarms/topics.ts';
import { accessKeyIdOf } from './aws/caller.ts';
import type { Fault } from './aws/faults.ts';
import type { LocalAws } from './aws/local-aws.ts';
import type { PublishedEvent } from './engines/events.ts';
import type { Outcome } from './functions/function-sandbox.ts';
import type { RunningFunctions } from './functions/functions.ts';
import type { LogLine } from './run/log-buffer.ts';
import type { Run } from './run/run.ts';
import { createStats, type Stats } from './stats.ts';
import { outputsOf } from './template/stack.ts';

/** What the operator's commands need to find of a stack: on AWS its outputs tell. */
export interface StackPlace {
  readonly stackName: string;
  readonly region: string;
  readonly awsEndpointUrl: string;
  /** Names the operator among the callers of the engines. */
  readonly accessKeyId: string;
  readonly outputs: Readonly<Record<string, string>>;
}

/** What can be asked of a running stack, by HTTP or by a test that holds it. */
export interface Controls {
  readonly place: StackPlace;
  stats(): Stats;
  setFaults(faults: readonly Fault[]): void;
  logs(): readonly LogLine[];
  /** What has arrived at the topics, oldest first. */
  notifications(): readonly Notification[];
  /** Every alarm with its text, its state, and since when it is in it. */
  alarms(): readonly AlarmOverview[];
  /** Sets an alarm's state until it is evaluated again; false where there is none of that name. */
  setAlarm(name: string, state: AlarmState, reason: string): boolean;
  /** The last events on the buses. */
  published(): readonly PublishedEvent[];
  /** Runs a function by its short name with an event as JSON text; undefined where there is none of that name. */
  invoke(functionName: string, event: string): Promise<Outcome> | undefined;
}

/** The parts of a running stack that are asked. */
export interface ControlledParts {
  readonly aws: LocalAws;
  readonly functions: RunningFunctions;
  readonly board: AlarmBoard;
  readonly topics: Topics;
  readonly run: Run;
}

export function createControls(parts: ControlledParts): Controls {
  const { aws, functions, board, topics, run } = parts;
  const { name, place } = aws.stack;
  return {
    place: {
      stackName: name,
      region: place.region,
      awsEndpointUrl: place.awsEndpointUrl,
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
