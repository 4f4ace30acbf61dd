import type { RunningFunctions } from '../functions.ts';
import type { Logbook } from '../logbook.ts';
import type { Door } from '../loopback.ts';
import { measureRequest } from '../metrics/implied-metrics.ts';
import type { Measure } from '../metrics/metric.ts';
import { type MetricFilter, measureLine } from '../metrics/metric-filters.ts';
import { resourcesOfType } from '../resources.ts';
import type { Run } from '../run.ts';
import { apiOfOutput, type Stack } from '../stack.ts';
import type { Template } from '../template.ts';
import { readHttpApis } from './definition.ts';
import { createGateway } from './gateway.ts';

/** A door for every HTTP API by its logical id: the one that Mailgun posts to has the webhook port. */
export async function reserveApiDoors(template: Template, run: Run): Promise<Map<string, Door>> {
  const webhookApi = apiOfOutput(template, 'WebhookUrl');
  const doors = new Map<string, Door>();
  for (const [id] of resourcesOfType(template, 'AWS::ApiGatewayV2::Api')) {
    doors.set(id, id === webhookApi ? run.webhookDoor : await run.reserveDoor());
  }
  return doors;
}

export interface HttpApiParts {
  readonly stack: Stack;
  readonly doors: ReadonlyMap<string, Door>;
  readonly functions: RunningFunctions;
  readonly logbook: Logbook;
  readonly filters: readonly MetricFilter[];
  readonly measure: Measure;
}

/** Lets every HTTP API of the template answer at its door. */
export function openHttpApis({ stack, doors, functions, logbook, filters, measure }: HttpApiParts): void {
  for (const api of readHttpApis(stack)) {
    const log = (line: string) => {
      logbook.add(api.name, line);
      if (api.accessLogGroupId !== undefined) measureLine(filters, api.accessLogGroupId, line, measure);
    };
    const answered = (status: number, latencyMs: number) => measureRequest(api.id, status, latencyMs, measure);
    const accountId = stack.place.accountId;
    doors.get(api.id)?.open(createGateway({ api, accountId, functionById: functions.byId, log, answered }));
  }
}
