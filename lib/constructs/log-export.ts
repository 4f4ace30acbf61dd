import { Stack } from 'aws-cdk-lib';
import { PolicyDocument, PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { CfnLogGroup, CfnSubscriptionFilter } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';

/**
 * Sends every line of every log group that a scope has so far to a Firehose stream, or to a destination of CloudWatch.
 * Firehose bills each record, a batch of lines, as 5 KB at least.
 */
export class LogExport extends Construct {
  constructor(scope: Construct, id: string, destinationArn: string) {
    super(scope, id);
    // A destination in another account has its own policy for senders.
    const role = destinationArn.split(':')[2] === 'firehose' ? this.#roleFor(destinationArn) : undefined;
    const logGroups = scope.node.findAll().filter((node) => node instanceof CfnLogGroup);
    for (const logGroup of logGroups) {
      new CfnSubscriptionFilter(logGroup, 'Export', {
        logGroupName: logGroup.ref,
        filterPattern: '',
        destinationArn,
        ...(role && { roleArn: role.roleArn }),
      });
    }
  }

  /** Its policy is part of it, since CloudWatch tries the stream as soon as a filter is made. */
  #roleFor(streamArn: string): Role {
    const { partition, region, account } = Stack.of(this);
    const statement = new PolicyStatement({
      actions: ['firehose:PutRecord', 'firehose:PutRecordBatch'],
      resources: [streamArn],
    });
    return new Role(this, 'Role', {
      assumedBy: new ServicePrincipal('logs.amazonaws.com', {
        conditions: { StringLike: { 'aws:SourceArn': `arn:${partition}:logs:${region}:${account}:*` } },
      }),
      inlinePolicies: { Put: new PolicyDocument({ statements: [statement] }) },
    });
  }
}
