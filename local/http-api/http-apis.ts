import type { RunningFunctions } from '../functions.ts';
import type { Logbook } from '../logbook.ts';
import type { Door } from '../loopback.ts';
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

/** Lets every HTTP API of the template answer at its door. */
export function openHttpApis(
  stack: Stack,
  doors: ReadonlyMap<string, Door>,
  functions: RunningFunctions,
  logbook: Logbook,
): void {
  for (const api of readHttpApis(stack)) {
    const log = (line: string) => logbook.add(api.name, line);
    doors
      .get(api.id)
      ?.open(createGateway({ api, accountId: stack.place.accountId, functionById: functions.byId, log }));
  }
}
