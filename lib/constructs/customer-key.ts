import { Aspects, type IAspect, Stack } from 'aws-cdk-lib';
import { CfnTable } from 'aws-cdk-lib/aws-dynamodb';
import { PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Key } from 'aws-cdk-lib/aws-kms';
import { CfnFunction } from 'aws-cdk-lib/aws-lambda';
import { CfnLogGroup } from 'aws-cdk-lib/aws-logs';
import { CfnBucket } from 'aws-cdk-lib/aws-s3';
import { CfnSecret } from 'aws-cdk-lib/aws-secretsmanager';
import { CfnTopic } from 'aws-cdk-lib/aws-sns';
import { CfnQueue } from 'aws-cdk-lib/aws-sqs';
import { Construct, type IConstruct } from 'constructs';
import type { Config } from '../config/config.ts';
import { LedgerFunction } from './functions/ledger-function.ts';
import { removalOf } from './removal.ts';

/** Actions of DynamoDB, SQS, Secrets Manager, S3 and Lambda on the key on behalf of a function. */
export const KEY_ACTIONS = [
  'kms:Decrypt',
  'kms:DescribeKey',
  'kms:Encrypt',
  'kms:GenerateDataKey',
  'kms:ReEncryptFrom',
  'kms:ReEncryptTo',
];

/** A KMS key of this account that encrypts everything in a scope, in place of AWS owned keys. */
export class CustomerKey extends Construct {
  readonly key: Key;

  constructor(scope: Construct, id: string, config: Config) {
    super(scope, id);
    this.key = new Key(this, 'Key', {
      description: `Encrypts what ${Stack.of(this).stackName} stores`,
      enableKeyRotation: true,
      // Needed to read whatever outlives the stack.
      removalPolicy: removalOf(config),
    });
    this.#allowLogs();
    this.#allow('AlarmsNotifyTopics', 'cloudwatch.amazonaws.com');
    // A budget notifies a topic.
    if (config.alarms.monthlyDollars !== undefined) this.#allow('BudgetsNotifyTopics', 'budgets.amazonaws.com');
    // Rules on a bus fill queues.
    if (config.receivers.length > 0) this.#allow('RulesFillQueues', 'events.amazonaws.com');
    // CloudFront reads a bucket.
    if (config.dashboard.enabled) this.#allowCloudFront();
    Aspects.of(scope).add(new EncryptUnder(this.key));
  }

  /** Allows a service to send encrypted data on behalf of this account. */
  #allow(sid: string, service: string): void {
    this.key.addToResourcePolicy(
      new PolicyStatement({
        sid,
        principals: [new ServicePrincipal(service)],
        actions: ['kms:Decrypt', 'kms:GenerateDataKey*'],
        resources: ['*'],
        conditions: { StringEquals: { 'aws:SourceAccount': Stack.of(this).account } },
      }),
    );
  }

  #allowLogs(): void {
    const { region, partition, account } = Stack.of(this);
    this.key.addToResourcePolicy(
      new PolicyStatement({
        sid: 'LogGroupsOfThisAccount',
        principals: [new ServicePrincipal(`logs.${region}.amazonaws.com`)],
        actions: ['kms:Encrypt*', 'kms:Decrypt*', 'kms:ReEncrypt*', 'kms:GenerateDataKey*', 'kms:Describe*'],
        resources: ['*'],
        conditions: {
          ArnLike: { 'kms:EncryptionContext:aws:logs:arn': `arn:${partition}:logs:${region}:${account}:*` },
        },
      }),
    );
  }

  /** Any distribution of the account: the one of the dashboard depends on its bucket, and that on this key. */
  #allowCloudFront(): void {
    const { partition, account } = Stack.of(this);
    this.key.addToResourcePolicy(
      new PolicyStatement({
        sid: 'DistributionsReadBuckets',
        principals: [new ServicePrincipal('cloudfront.amazonaws.com')],
        actions: ['kms:Decrypt'],
        resources: ['*'],
        conditions: { ArnLike: { 'aws:SourceArn': `arn:${partition}:cloudfront::${account}:distribution/*` } },
      }),
    );
  }
}

/** Sets the key wherever a resource takes one, so that a new resource is not forgotten. */
class EncryptUnder implements IAspect {
  readonly #key: Key;

  constructor(key: Key) {
    this.#key = key;
  }

  visit(node: IConstruct): void {
    const { keyArn } = this.#key;
    if (node instanceof CfnTable) {
      node.sseSpecification = { sseEnabled: true, sseType: 'KMS', kmsMasterKeyId: keyArn };
    } else if (node instanceof CfnQueue) {
      node.sqsManagedSseEnabled = undefined;
      node.kmsMasterKeyId = keyArn;
    } else if (node instanceof CfnBucket) {
      const encryption = { sseAlgorithm: 'aws:kms', kmsMasterKeyId: keyArn };
      node.bucketEncryption = {
        serverSideEncryptionConfiguration: [{ bucketKeyEnabled: true, serverSideEncryptionByDefault: encryption }],
      };
    } else if (node instanceof CfnFunction) {
      // CDK's own function, which copies the page, has neither secrets nor the right to use the key.
      if (node.node.scope instanceof LedgerFunction) node.kmsKeyArn = keyArn;
    } else if (node instanceof CfnSecret || node instanceof CfnLogGroup) node.kmsKeyId = keyArn;
    else if (node instanceof CfnTopic) node.kmsMasterKeyId = keyArn;
  }
}
