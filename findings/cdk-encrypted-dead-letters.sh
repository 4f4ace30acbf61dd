#!/usr/bin/env bash
# Expected: what makes a service send to a queue or topic under a key of the stack lets it use that key, as CDK does for
# the target of a rule and for a queue that subscribes to a topic.
# Seen: for the dead-letter queue of either, and for the topic of an alarm, the policy of the key stays as it was,
# without a warning.
# Matters: each of these services needs the key. Every delivery that succeeds looks right, but events that could not be
# delivered do not reach the queue that was to keep them, nor does an alarm on it reach anyone. Add the services
# (events, sns, cloudwatch) to the key's policy.
# Version: aws-cdk-lib 2.276.0.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund aws-cdk-lib@2.276.0 constructs@10.8.1
cat >find.mjs <<'JS'
import { App, Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { Alarm } from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import { Rule } from 'aws-cdk-lib/aws-events';
import { SnsTopic, SqsQueue } from 'aws-cdk-lib/aws-events-targets';
import { Key } from 'aws-cdk-lib/aws-kms';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { SqsSubscription } from 'aws-cdk-lib/aws-sns-subscriptions';
import { Queue } from 'aws-cdk-lib/aws-sqs';

/** Services that the policy of the only key names, for a stack in which `connect` makes something. */
function servicesOf(connect) {
  const stack = new Stack(new App(), 'Stack');
  const key = new Key(stack, 'Key');
  connect(stack, {
    queue: new Queue(stack, 'Plain'),
    encryptedQueue: () => new Queue(stack, 'Encrypted', { encryptionMasterKey: key }),
    encryptedTopic: () => new Topic(stack, 'Topic', { masterKey: key }),
  });
  const [{ Properties }] = Object.values(Template.fromStack(stack).findResources('AWS::KMS::Key'));
  const services = Properties.KeyPolicy.Statement.flatMap(({ Principal }) => Principal.Service ?? []);
  return services.join(' ') || 'none';
}

const ruleTo = (stack, target) => new Rule(stack, 'Rule', { eventPattern: { source: ['shop'] }, targets: [target] });
const seen = {
  'rule to a queue': servicesOf((stack, { encryptedQueue }) => ruleTo(stack, new SqsQueue(encryptedQueue()))),
  'dead letters of a rule': servicesOf((stack, { queue, encryptedQueue }) =>
    ruleTo(stack, new SqsQueue(queue, { deadLetterQueue: encryptedQueue() })),
  ),
  'topic to a queue': servicesOf((stack, { encryptedQueue }) =>
    new Topic(stack, 'News').addSubscription(new SqsSubscription(encryptedQueue())),
  ),
  'dead letters of a subscription': servicesOf((stack, { queue, encryptedQueue }) =>
    new Topic(stack, 'News').addSubscription(new SqsSubscription(queue, { deadLetterQueue: encryptedQueue() })),
  ),
  'rule to a topic': servicesOf((stack, { encryptedTopic }) => ruleTo(stack, new SnsTopic(encryptedTopic()))),
  'alarm to a topic': servicesOf((stack, { queue, encryptedTopic }) => {
    const metric = queue.metricApproximateNumberOfMessagesVisible();
    const alarm = new Alarm(stack, 'Alarm', { metric, threshold: 1, evaluationPeriods: 1 });
    alarm.addAlarmAction(new SnsAction(encryptedTopic()));
  }),
};
console.log('aws-cdk-lib 2.276.0, services in the policy of the key');
for (const [connection, services] of Object.entries(seen)) console.log(`${connection}: ${services}`);
const [events, sns] = ['events.amazonaws.com', 'sns.amazonaws.com'];
if (Object.values(seen).join() !== [events, 'none', sns, 'none', events, 'none'].join()) {
  console.log('The CDK grants the use of keys otherwise than before.');
  process.exitCode = 1;
}
JS
node find.mjs
