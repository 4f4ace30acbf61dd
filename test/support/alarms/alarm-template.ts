import { openStack, type Stack } from '../../../tools/local-stack/template/stack.ts';
import type { Template } from '../../../tools/local-stack/template/template.ts';

/** Returns an alarm that the local stack supports, on the age of a queue's oldest message, with properties replaced. */
export const alarmOf = (over: Readonly<Record<string, unknown>> = {}) => ({
  AlarmName: 'stack-oldest-message',
  AlarmDescription: 'Events wait.\nImpact: readers.\nRunbook: docs/runbook.md#oldest-message\nFirst: look',
  Namespace: 'AWS/SQS',
  MetricName: 'ApproximateAgeOfOldestMessage',
  Dimensions: [{ Name: 'QueueName', Value: { 'Fn::GetAtt': ['Queue', 'QueueName'] } }],
  Statistic: 'Maximum',
  Period: 60,
  ComparisonOperator: 'GreaterThanThreshold',
  Threshold: 300,
  DatapointsToAlarm: 2,
  EvaluationPeriods: 3,
  TreatMissingData: 'notBreaching',
  AlarmActions: [{ Ref: 'Page' }],
  OKActions: [{ Ref: 'Page' }],
  ...over,
});

/** Returns the alarm with metric math in place of its metric. */
export const mathAlarmOf = (Metrics: readonly unknown[], over: Readonly<Record<string, unknown>> = {}) => {
  const { Namespace: _, MetricName: __, Dimensions: ___, Statistic: ____, Period: _____, ...rest } = alarmOf();
  return { ...rest, Metrics, ...over };
};

/** Returns a metric of an expression. */
export const metricOf = (Id: string, MetricName: string, stat: Readonly<Record<string, unknown>> = {}) => ({
  Id,
  ReturnData: false,
  MetricStat: {
    Metric: { Namespace: 'MailgunLedger', MetricName, Dimensions: [{ Name: 'Ledger', Value: 'stack' }] },
    Stat: 'Sum',
    Period: 60,
    ...stat,
  },
});

/** Returns a stack with a queue, a topic, a filtered access log, and these alarms. */
export function stackWith(alarms: readonly object[], filter: Readonly<Record<string, unknown>> = {}): Stack {
  const template: Template = {
    Resources: {
      Queue: { Type: 'AWS::SQS::Queue' },
      Page: { Type: 'AWS::SNS::Topic', Metadata: { 'aws:cdk:path': 'stack/Topics/Page/Resource' } },
      AccessLog: { Type: 'AWS::Logs::LogGroup' },
      FunctionLog: { Type: 'AWS::Logs::LogGroup' },
      Filter: {
        Type: 'AWS::Logs::MetricFilter',
        Properties: {
          LogGroupName: { Ref: 'AccessLog' },
          FilterPattern: '{ $.status = 429 }',
          MetricTransformations: [
            { MetricNamespace: 'MailgunLedger/stack', MetricName: 'Throttled', MetricValue: '1' },
          ],
          ...filter,
        },
      },
      ...Object.fromEntries(
        alarms.map((Properties, nth) => [
          `Alarm${nth}`,
          { Type: 'AWS::CloudWatch::Alarm', Properties: { ...Properties } },
        ]),
      ),
    },
  };
  const assembly = { template, stackName: 'stack', region: 'eu-west-1', assetFolder: () => '' };
  const place = { region: 'eu-west-1', accountId: '000000000000', awsEndpointUrl: 'http://127.0.0.1:1' };
  return openStack(assembly, { ...place, apiUrl: () => '' });
}
