import type { Misbehaviour } from '../mailgun-twin/api-misbehaviour.ts';
import type { EventData } from '../mailgun-twin/event-parts.ts';
import type { AlarmBoard, AlarmOverview } from './alarms/alarm-board.ts';
import type { AlarmState } from './alarms/evaluate.ts';
import type { Notification, Topics } from './alarms/topics.ts';
import { accessKeyIdOf } from './caller.ts';
import type { PublishedEvent } from './engines/events.ts';
import type { Fault } from './faults.ts';
import type { Outcome } from './function-sandbox.ts';
import type { RunningFunctions } from './functions.ts';
import type { LocalAws } from './local-aws.ts';
import type { LocalMailgun } from './local-mailgun.ts';
import type { LogLine } from './logbook.ts';
import type { ReconcileResult, ReconcileRuns } from './reconcile-runs.ts';
import type { Run } from './run.ts';
import { outputsOf } from './stack.ts';
import { createStats, type Stats } from './stats.ts';

/** The keys the stack accepts, as its secret holds them. */
export interface SigningKeys {
  readonly current: string;
  readonly previous?: string;
  readonly parent?: string;
}

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
  stats(): Promise<Stats>;
  putKeys(keys: SigningKeys): Promise<void>;
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
  /** One run of reconcile that ignores the waits. */
  reconcile(): Promise<ReconcileResult>;
  /** Runs a function by its short name with an event as JSON text; undefined where there is none of that name. */
  invoke(functionName: string, event: string): Promise<Outcome> | undefined;
  /** How the twin's API misbehaves from now on. */
  misbehave(misbehaviour: Misbehaviour): void;
  /** Has the twin's API list events of which no webhook tells. */
  list(events: readonly EventData[]): void;
}

/** The parts of a running stack that are asked. */
export interface ControlledParts {
  readonly aws: LocalAws;
  readonly mailgun: LocalMailgun;
  readonly functions: RunningFunctions;
  readonly reconcileRuns: ReconcileRuns;
  readonly board: AlarmBoard;
  readonly topics: Topics;
  readonly run: Run;
}

export function createControls(parts: ControlledParts): Controls {
  const { aws, mailgun, functions, reconcileRuns, board, topics, run } = parts;
  const { name, place } = aws.stack;
  return {
    place: {
      stackName: name,
      region: place.region,
      awsEndpointUrl: place.awsEndpointUrl,
      accessKeyId: accessKeyIdOf('operator'),
      outputs: outputsOf(aws.stack),
    },
    stats: createStats({ aws, functions, board, mailgun: mailgun.api, reconcileRuns }),
    putKeys: (keys) => aws.putSecret('SigningKeysSecretArn', JSON.stringify(keys)),
    setFaults: (list) => aws.faults.replace(list),
    logs: () => run.logbook.lines(),
    notifications: () => topics.arrived(),
    alarms: () => board.overview(),
    setAlarm: (name, state, reason) => board.set(name, state, reason),
    published: () => aws.engines.events.published(),
    reconcile: () => reconcileRuns.byHand(),
    invoke: (functionName, event) => functions.byName(functionName)?.invoke(event),
    misbehave: (misbehaviour) => mailgun.api.misbehave(misbehaviour),
    list: (events) => mailgun.list(events),
  };
}
