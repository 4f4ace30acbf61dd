import type { AlarmOverview } from '../alarms/alarm-board.ts';
import { type Engine, jsonReply } from './engine.ts';

export interface CloudWatchEngine extends Engine {
  /** Sets the source of alarms. */
  show(overview: () => readonly AlarmOverview[]): void;
}

/** CloudWatch's DescribeAlarms, the part that functions read. */
export function createCloudWatch(): CloudWatchEngine {
  let overview: () => readonly AlarmOverview[] = () => [];
  return {
    show(alarms) {
      overview = alarms;
    },
    async call(operation, body) {
      if (operation !== 'DescribeAlarms') {
        return jsonReply(400, { __type: 'UnknownOperationException', message: `there is no ${operation} here` });
      }
      const { AlarmNames } = JSON.parse(body.toString('utf8')) as { AlarmNames?: readonly string[] };
      const MetricAlarms = overview()
        .filter(({ name }) => AlarmNames?.includes(name) ?? true)
        .map(({ name, description, state, sinceMs }) => ({
          AlarmName: name,
          AlarmDescription: description,
          StateValue: state,
          ...(sinceMs !== undefined && { StateTransitionedTimestamp: sinceMs / 1000 }),
        }));
      return jsonReply(200, { MetricAlarms, CompositeAlarms: [] });
    },
  };
}
