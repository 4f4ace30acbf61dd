import { CloudWatchClient, DescribeAlarmsCommand } from '@aws-sdk/client-cloudwatch';
import type { AwsAccount } from './aws-account.ts';
import type { TopicAudience } from './target.ts';

/** The topics that an alarm tells. */
export async function audienceOf(alarmName: string, account: AwsAccount): Promise<TopicAudience[]> {
  const { MetricAlarms = [] } = await new CloudWatchClient({ region: account.region }).send(
    new DescribeAlarmsCommand({ AlarmNames: [alarmName] }),
  );
  const topics = (MetricAlarms[0]?.AlarmActions ?? []).filter((arn) => arn.includes(':sns:'));
  return Promise.all(
    topics.map(async (arn) => {
      const subscriptions = await account.subscriptions(arn);
      const confirmed = subscriptions.filter((each) => each.confirmed).length;
      return { topic: arn.split(':').at(-1) ?? '', confirmed, pending: subscriptions.length - confirmed };
    }),
  );
}
