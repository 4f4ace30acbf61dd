import type { RunningFunctions } from '../functions/functions.ts';
import { measureRequest } from '../metrics/implied-metrics.ts';
import type { Measure } from '../metrics/metric.ts';
import { type MetricFilter, measureLine } from '../metrics/metric-filters.ts';
import type { Listener } from '../run/listener.ts';
import type { LogBuffer } from '../run/log-buffer.ts';
import type { StackRun } from '../run/run.ts';
import { resourcesOfType } from '../template/resources.ts';
import { apiOfOutput, type Stack } from '../template/stack.ts';
import type { Template } from '../template/template.ts';
import { readHttpApis } from './definition.ts';
import { createGateway } from './gateway.ts';

/** Already open listeners, by the output with their HTTP API's URL. */
export type ListenersByOutput = Readonly<Record<string, Listener>>;

/** Returns a listener for every HTTP API by logical id: an already open one, else a new one. */
export async function reserveApiListeners(
  template: Template,
  open: ListenersByOutput,
  run: StackRun,
): Promise<Map<string, Listener>> {
  const known = new Map(Object.entries(open).map(([output, listener]) => [apiOfOutput(template, output), listener]));
  const listeners = new Map<string, Listener>();
  for (const [id] of resourcesOfType(template, 'AWS::ApiGatewayV2::Api')) {
    listeners.set(id, known.get(id) ?? (await run.reserveListener()));
  }
  return listeners;
}

interface HttpApiParts {
  readonly stack: Stack;
  readonly listeners: ReadonlyMap<string, Listener>;
  readonly functions: RunningFunctions;
  readonly logBuffer: LogBuffer;
  readonly filters: readonly MetricFilter[];
  readonly measure: Measure;
}

/** Serves every HTTP API of the template on its listener. */
export function openHttpApis({ stack, listeners, functions, logBuffer, filters, measure }: HttpApiParts): void {
  for (const api of readHttpApis(stack)) {
    const log = (line: string) => {
      logBuffer.add(api.name, line);
      if (api.accessLogGroupId !== undefined) measureLine(filters, api.accessLogGroupId, line, measure);
    };
    const onResponse = (status: number, latencyMs: number) => measureRequest(api.id, status, latencyMs, measure);
    const accountId = stack.account.accountId;
    listeners.get(api.id)?.open(createGateway({ api, accountId, functionById: functions.byId, log, onResponse }));
  }
}
