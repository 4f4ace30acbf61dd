import { EventBus, type IEventBus } from 'aws-cdk-lib/aws-events';
import type { Construct } from 'constructs';

/** Returns the bus that `publish.bus` names, by its name in this account and region or by its ARN. */
export function importEventBus(scope: Construct, bus: string): IEventBus {
  return bus.startsWith('arn:')
    ? EventBus.fromEventBusArn(scope, 'Bus', bus)
    : EventBus.fromEventBusName(scope, 'Bus', bus);
}
