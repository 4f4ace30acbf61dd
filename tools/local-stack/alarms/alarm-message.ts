import type { LocalAccount } from '../template/resources.ts';
import type { AlarmDefinition } from './definition.ts';
import type { AlarmState, Evaluation } from './evaluate.ts';

/** A change of an alarm's state. */
export interface AlarmChange {
  readonly from: AlarmState;
  readonly to: AlarmState;
  readonly reason: string;
  readonly atMs: number;
  /** When it entered the state that it leaves; undefined for the first. */
  readonly fromSinceMs: number | undefined;
}

/** Returns subject and message of a notification, as CloudWatch publishes them to a topic. */
export function alarmMessage(alarm: AlarmDefinition, change: AlarmChange, { accountId, region }: LocalAccount) {
  const { from, to, reason, atMs } = change;
  return {
    subject: `${to}: "${alarm.name}" in ${region}`,
    message: {
      AlarmName: alarm.name,
      AlarmDescription: alarm.description,
      AWSAccountId: accountId,
      NewStateValue: to,
      NewStateReason: reason,
      StateChangeTime: new Date(atMs).toISOString().replace('Z', '+0000'),
      Region: region,
      AlarmArn: `arn:aws:cloudwatch:${region}:${accountId}:alarm:${alarm.name}`,
      OldStateValue: from,
      OKActions: alarm.okActions,
      AlarmActions: alarm.alarmActions,
      InsufficientDataActions: [],
      Trigger: alarm.trigger,
    },
  };
}

const WORDS = {
  GreaterThanThreshold: 'greater than',
  GreaterThanOrEqualToThreshold: 'greater than or equal to',
  LessThanThreshold: 'less than',
} as const;
const FILLS = { notBreaching: 'NonBreaching', breaching: 'Breaching', ignore: 'Ignored' } as const;

/** Returns the reason for a state, in CloudWatch's words. */
export function reasonOf(alarm: AlarmDefinition, { state, breaching, considered, filled }: Evaluation): string {
  const missing =
    filled > 0 ? `${filled} missing ${plural(filled, 'datapoint')} treated as [${FILLS[alarm.missing]}]` : '';
  if (considered.length === 0) {
    const periods = plural(alarm.evaluationPeriods, 'period');
    return `Threshold Crossed: no datapoints were received for ${alarm.evaluationPeriods} ${periods} and ${missing}.`;
  }
  const isAlarm = state === 'ALARM';
  const values = (isAlarm && breaching.length > 0 ? breaching : considered).map((value) => value.toString());
  const verb = `${values.length === 1 ? 'was' : 'were'}${isAlarm ? '' : ' not'}`;
  return (
    `Threshold Crossed: ${values.length} out of the last ${alarm.evaluationPeriods} datapoints [${values.join(', ')}] ` +
    `${verb} ${WORDS[alarm.operator]} the threshold (${alarm.threshold})${missing && ` and ${missing}`}.`
  );
}

function plural(count: number, noun: string): string {
  if (noun === 'datapoint') return count === 1 ? 'datapoint was' : 'datapoints were';
  return count === 1 ? noun : `${noun}s`;
}
