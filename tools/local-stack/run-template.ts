import { type OwnMetrics, readAlarms } from './alarms/definition.ts';
import { type AlarmNews, startAlarms } from './alarms/start-alarms.ts';
import type { Fault } from './aws/fault-rules.ts';
import { type LocalAws, openLocalAws } from './aws/local-aws.ts';
import { type Controls, createControls } from './controls.ts';
import type { EngineChoice } from './engines/choose-engine.ts';
import { startEngines } from './engines/engines.ts';
import { startEventRules } from './event-rules.ts';
import { startEventSources } from './event-source/event-sources.ts';
import type { InvocationResult } from './functions/function-sandbox.ts';
import { type RunningFunctions, startFunctions } from './functions/functions.ts';
import { accessLogGroupsOf } from './http-api/definition.ts';
import { type ListenersByOutput, openHttpApis, reserveApiListeners } from './http-api/http-apis.ts';
import { measureEmbedded } from './metrics/embedded-metrics.ts';
import { readMetricFilters } from './metrics/metric-filters.ts';
import { MetricStore } from './metrics/metric-store.ts';
import type { StackRun } from './run/run.ts';
import { startSchedules } from './schedules.ts';
import type { Stack } from './template/stack.ts';
import type { Assembly } from './template/synthesize.ts';

export type InvokeScheduled = (functionId: string, event: string) => Promise<InvocationResult>;

export interface TemplateOptions {
  /** Produces the template while the engines start. */
  readonly assemble: () => Promise<Assembly>;
  readonly engine: EngineChoice;
  /** @default every HTTP API gets a new listener */
  readonly listeners?: ListenersByOutput;
  /** @default functions write no custom metrics, and an alarm on one is refused */
  readonly ownMetrics?: OwnMetrics;
  /** Rewrites alarm descriptions. @default as in the template */
  readonly describeAlarm?: (description: string) => string;
  /** Seconds that one minute of metrics and alarms takes. @default 60 */
  readonly metricPeriodSeconds?: number;
  /** @default none */
  readonly faults?: readonly Fault[];
  /** Selects the calls that fail. @default Math.random */
  readonly random?: () => number;
  /** Called when tables, queues and secrets exist, before any function starts. */
  readonly prepare?: (aws: LocalAws) => Promise<void>;
  /** Returns how scheduled functions are invoked. @default like all others */
  readonly invokeScheduled?: (functions: RunningFunctions, stack: Stack) => InvokeScheduled;
  /** Called on each state change of an alarm. */
  readonly onAlarm?: (news: AlarmNews) => void;
}

export interface RunningTemplate {
  readonly aws: LocalAws;
  readonly functions: RunningFunctions;
  readonly controls: Controls;
}

/**
 * Runs a template on this machine: engines for its tables, queues and secrets, a process for each function, and its
 * HTTP APIs, event sources, schedules, metrics and alarms. It ends with the run.
 */
export async function runTemplate(options: TemplateOptions, run: StackRun): Promise<RunningTemplate> {
  const minuteMs = (options.metricPeriodSeconds ?? 60) * 1000;
  const [assembly, engines] = await Promise.all([options.assemble(), startEngines(run, options.engine)]);
  const store = new MetricStore(minuteMs);
  const { measure } = store;
  const listeners = await reserveApiListeners(assembly.template, options.listeners ?? {}, run);
  const apiUrl = (logicalId: string) => listeners.get(logicalId)?.url ?? '';
  const { faults = [], random } = options;
  const aws = await openLocalAws({ assembly, engines, faults, random, apiUrl, measure }, run);
  const { stack } = aws;
  const filters = readMetricFilters(stack, accessLogGroupsOf(stack));
  const alarms = readAlarms(stack, filters, { own: options.ownMetrics, describe: options.describeAlarm });
  await options.prepare?.(aws);

  run.logBuffer.listen((line) => measureEmbedded(line, measure));
  const functions = await startFunctions(stack, assembly, run, measure);
  openHttpApis({ stack, listeners, functions, logBuffer: run.logBuffer, filters, measure });
  startEventRules(stack, engines.events, run);
  startEventSources(stack, functions, engines, run, measure);
  const invoke: InvokeScheduled = (id, event) => functions.byId(id).invoke(event);
  startSchedules(stack, options.invokeScheduled?.(functions, stack) ?? invoke, run);
  const onChange = options.onAlarm ?? (() => {});
  const { board, topics } = startAlarms({ stack, alarms, store, sqs: engines.sqs, run, minuteMs, onChange });
  engines.cloudwatch.show(() => board.overview());
  return { aws, functions, controls: createControls({ aws, functions, board, topics, run }) };
}
