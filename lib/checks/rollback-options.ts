import { RegionInfo } from 'aws-cdk-lib/region-info';

/** The part of a CloudFormation template that is needed here. */
interface TemplateOfAlarms {
  readonly Resources?: Readonly<
    Record<string, { readonly Type: string; readonly Properties?: { readonly AlarmName?: string } }>
  >;
}

/**
 * Those that a faulty version sets off within minutes, by the end of their names. CloudFormation monitors at most five.
 */
export const ROLLBACK_ALARMS = [
  'webhook-errors',
  'signing-key-unusable',
  'process-errors',
  'events-retried',
  'dead-letters',
];

const MONITORING_MINUTES = 10;

/**
 * Returns the options of `cdk deploy` that name the deployed alarms. Where the stack has none yet they name none: without
 * an option CloudFormation would keep those of an earlier deploy.
 */
export function rollbackOptions({ Resources = {} }: TemplateOfAlarms, region: string, account: string): string[] {
  const names = Object.values(Resources).flatMap(({ Type, Properties: { AlarmName = '' } = {} }) =>
    Type === 'AWS::CloudWatch::Alarm' ? [AlarmName] : [],
  );
  const watched = names.filter((name) => ROLLBACK_ALARMS.some((ending) => name.endsWith(`-${ending}`)));
  if (watched.length === 0) return ['--rollback-trigger-alarm-arns=none'];
  const { partition = 'aws' } = RegionInfo.get(region);
  const arnPrefix = `arn:${partition}:cloudwatch:${region}:${account}:alarm:`;
  return [
    ...watched.toSorted().map((name) => `--rollback-trigger-alarm-arns=${arnPrefix}${name}`),
    `--monitoring-time-minutes=${MONITORING_MINUTES}`,
  ];
}
