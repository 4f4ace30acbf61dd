import { CloudWatchClient, DescribeAlarmsCommand } from '@aws-sdk/client-cloudwatch';
import { paginateListSubscriptionsByTopic, SNSClient } from '@aws-sdk/client-sns';
import type { TopicAudience } from './target.ts';

/** The topics that an alarm tells, with the credentials and region of the shell. */
export async function audienceOf(alarmName: string): Promise<TopicAudience[]> {
  const { MetricAlarms = [] } = await new CloudWatchClient({}).send(
    new DescribeAlarmsCommand({ AlarmNames: [alarmName] }),
  );
  const topics = (MetricAlarms[0]?.AlarmActions ?? []).filter((arn) => arn.includes(':sns:'));
  return Promise.all(topics.map(subscribersOf));
}

async function subscribersOf(TopicArn: string): Promise<TopicAudience> {
  let confirmed = 0;
  let pending = 0;
  for await (const { Subscriptions = [] } of paginateListSubscriptionsByTopic(
    { client: new SNSClient({}) },
    { TopicArn },
  )) {
    for (const { SubscriptionArn = '' } of Subscriptions) {
      // Until somebody confirms it, it has no ARN.
      if (SubscriptionArn.startsWith('arn:')) confirmed += 1;
      else pending += 1;
    }
  }
  return { topic: TopicArn.split(':').at(-1) ?? '', confirmed, pending };
}
