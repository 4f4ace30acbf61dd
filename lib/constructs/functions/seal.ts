import { Duration, Stack } from 'aws-cdk-lib';
import type { Table } from 'aws-cdk-lib/aws-dynamodb';
import { Key, KeySpec, KeyUsage } from 'aws-cdk-lib/aws-kms';
import {
  BlockPublicAccess,
  Bucket,
  BucketEncryption,
  ObjectLockRetention,
  ObjectOwnership,
  StorageClass,
} from 'aws-cdk-lib/aws-s3';
import type { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { Construct } from 'constructs';
import { DAY_SECONDS, INDEXES } from '../../../lambdas/contract.ts';
import type { SealEnv } from '../../../lambdas/seal/env.ts';
import type { Config } from '../../config/config.ts';
import { dayShards } from '../../config/day-shards.ts';
import { eventDays } from '../../config/derived-defaults.ts';
import { configuredNames, domainList } from '../../config/environment-size.ts';
import { runLimitSeconds } from '../../config/ledger-times.ts';
import { ArchiveCatalog } from '../archive-catalog.ts';
import { removalOf } from '../removal.ts';
import { LedgerFunction } from './ledger-function.ts';
import { runEvery } from './schedule.ts';

interface SealProps {
  readonly config: Config;
  readonly table: Table;
  readonly erasureKey: Secret;
}

/** A row group is compressed in memory, column by column. */
const MEMORY_MIB = 1024;

/** Archives slices past their second pass in a bucket, on a schedule, and has the key that signs certificates. */
export class Seal extends Construct {
  readonly function: LedgerFunction;
  readonly bucket: Bucket;
  readonly catalog: ArchiveCatalog;
  /** Undefined where certificates are not signed. */
  readonly key: Key | undefined;

  constructor(scope: Construct, id: string, { config, table, erasureKey }: SealProps) {
    super(scope, id);
    const { seal, reconcile } = config;
    const removalPolicy = removalOf(config);
    this.bucket = new Bucket(this, 'Bucket', {
      blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
      objectOwnership: ObjectOwnership.BUCKET_OWNER_ENFORCED,
      encryption: BucketEncryption.S3_MANAGED,
      enforceSSL: true,
      versioned: seal.versioned || seal.lockDays !== undefined,
      ...(seal.lockDays && {
        objectLockDefaultRetention: ObjectLockRetention.governance(Duration.days(seal.lockDays)),
      }),
      lifecycleRules: [
        { abortIncompleteMultipartUploadAfter: Duration.days(1) },
        ...(seal.coldAfterDays === undefined ? [] : [coldAfter(seal.coldAfterDays)]),
      ],
      removalPolicy,
    });
    this.catalog = new ArchiveCatalog(this, 'Catalog', {
      bucket: this.bucket,
      domains: configuredNames(config.domains),
    });
    if (seal.sign) {
      this.key = new Key(this, 'Key', {
        description: 'Signs certificates of the ledger',
        keySpec: KeySpec.ECC_NIST_P256,
        keyUsage: KeyUsage.SIGN_VERIFY,
        removalPolicy,
      });
    }
    this.function = new LedgerFunction(this, 'Function', {
      handler: 'seal',
      timeoutSeconds: runLimitSeconds(reconcile),
      memoryMib: MEMORY_MIB,
      logRetentionDays: config.retentionDays.logs,
      environment: {
        LEDGER_NAME: Stack.of(this).stackName,
        TABLE_NAME: table.tableName,
        ...dayShards(config),
        BUCKET_NAME: this.bucket.bucketName,
        ERASURE_KEY_SECRET_ARN: erasureKey.secretArn,
        DOMAINS: domainList(config.domains, false),
        EVERY_SECONDS: String(reconcile.everySeconds),
        // Events stored before sealing was enabled are kept longer than new ones.
        REACH_SECONDS: String(Math.max(eventDays(config), config.retentionDays.statuses) * DAY_SECONDS),
      } satisfies SealEnv,
    });
    this.function.allow(['dynamodb:GetItem', 'dynamodb:BatchGetItem'], table.tableArn);
    this.function.allowItems(['dynamodb:PutItem'], ['seals', 'ledger'], table.tableArn);
    this.function.allowItems(['dynamodb:DeleteItem'], ['ledger'], table.tableArn);
    this.function.allow(['dynamodb:Query'], table.tableArn, `${table.tableArn}/index/${INDEXES.byDay.name}`);
    this.function.allow(['secretsmanager:GetSecretValue'], erasureKey.secretArn);
    this.function.allow(['s3:GetObject', 's3:PutObject'], this.bucket.arnForObjects('*'));
    // Without it S3 responds "forbidden" for a key that does not exist.
    this.function.allow(['s3:ListBucket'], this.bucket.bucketArn);
    runEvery(this, this.function, reconcile.everySeconds, 'Runs seal');
  }
}

/** Manifests stay where they are: certificates read them often, and they are small. */
const coldAfter = (days: number) => ({
  prefix: 'events/',
  transitions: [{ storageClass: StorageClass.GLACIER_INSTANT_RETRIEVAL, transitionAfter: Duration.days(days) }],
});
