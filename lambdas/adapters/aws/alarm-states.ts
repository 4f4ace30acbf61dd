import { CloudWatchClient, DescribeAlarmsCommand } from '@aws-sdk/client-cloudwatch';
import type { AlarmStates } from '../../read-api/ports.ts';
import { AWS_CLIENT_CONFIG, namesCalls } from '../../runtime/aws-client.ts';

/** Most names that CloudWatch takes in one call. */
const MAX_NAMES = 100;

export function openCloudWatch(): CloudWatchClient {
  return namesCalls(new CloudWatchClient(AWS_CLIENT_CONFIG));
}

/** Reads these alarms by name, since the right to list others is not needed. */
export function createAlarmStates(client: CloudWatchClient, names: readonly string[]): AlarmStates {
  return {
    async read() {
      // Without names CloudWatch lists every alarm of the account, or refuses.
      if (names.length === 0) return [];
      const { MetricAlarms = [] } = await client.send(
        new DescribeAlarmsCommand({ AlarmNames: names.slice(0, MAX_NAMES), MaxRecords: MAX_NAMES }),
      );
      return MetricAlarms.map(({ AlarmName = '', StateValue, StateTransitionedTimestamp, AlarmDescription = '' }) => ({
        name: AlarmName,
        state: StateValue ?? 'INSUFFICIENT_DATA',
        sinceMs: StateTransitionedTimestamp?.getTime(),
        description: AlarmDescription,
      }));
    },
  };
}
