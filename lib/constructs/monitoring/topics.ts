import { Stack } from 'aws-cdk-lib';
import { PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { EmailSubscription, UrlSubscription } from 'aws-cdk-lib/aws-sns-subscriptions';
import { Construct } from 'constructs';

interface TopicsProps {
  readonly page: readonly string[];
  readonly ticket: readonly string[];
}

/** One topic for pages, one for tickets. */
export class Topics extends Construct {
  readonly page: Topic;
  readonly ticket: Topic;

  constructor(scope: Construct, id: string, props: TopicsProps) {
    super(scope, id);
    this.page = this.topic('Page', props.page);
    this.ticket = this.topic('Ticket', props.ticket);
  }

  /** Not encrypted with the key aws/sns, whose policy denies CloudWatch; messages contain no personal data. */
  private topic(id: string, addresses: readonly string[]): Topic {
    const topic = new Topic(this, id, { enforceSSL: true });
    topic.addToResourcePolicy(
      new PolicyStatement({
        sid: 'AlarmsOfThisAccount',
        principals: [new ServicePrincipal('cloudwatch.amazonaws.com')],
        actions: ['sns:Publish'],
        resources: [topic.topicArn],
        conditions: { StringEquals: { 'aws:SourceAccount': Stack.of(this).account } },
      }),
    );
    for (const address of addresses) {
      const isUrl = address.startsWith('https:');
      topic.addSubscription(isUrl ? new UrlSubscription(address) : new EmailSubscription(address));
    }
    return topic;
  }
}
