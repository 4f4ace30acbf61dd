import { equal, notEqual } from 'node:assert/strict';
import {
  CloudFormationClient,
  DescribeStackDriftDetectionStatusCommand,
  DescribeStackResourceDriftsCommand,
  DetectStackDriftCommand,
} from '@aws-sdk/client-cloudformation';
import {
  CreateBackupCommand,
  DeleteTableCommand,
  DescribeContinuousBackupsCommand,
  DescribeTableCommand,
  DescribeTimeToLiveCommand,
  DynamoDBClient,
  ListTagsOfResourceCommand,
  RestoreTableFromBackupCommand,
  TagResourceCommand,
  UpdateContinuousBackupsCommand,
  UpdateTableCommand,
  UpdateTimeToLiveCommand,
} from '@aws-sdk/client-dynamodb';
import { TABLE } from '../../lambdas/contract.ts';
import { PATIENCE_MS, within } from './retry-within.ts';

/** Settings that a restore does not bring, and that docs/operate.md sets by hand; tags by key. */
interface TableSettings {
  readonly stream: string | undefined;
  readonly expiry: string | undefined;
  readonly isBackedUp: boolean;
  readonly isProtected: boolean;
  readonly tags: Record<string, string>;
}

/** Settings to apply by hand after a restore. */
export const SET_BY_HAND = {
  stream: 'NEW_AND_OLD_IMAGES',
  expiry: TABLE.expiry,
  isBackedUp: true,
  isProtected: true,
} as const;

/** A stack's table that is deleted, and its recovery as docs/operate.md describes it. */
export class RestoredTable {
  readonly #client = new DynamoDBClient({});
  readonly #name: string;

  constructor(name: string) {
    this.#name = name;
  }

  async settings(): Promise<TableSettings> {
    const TableName = this.#name;
    const [{ Table }, { TimeToLiveDescription: ttl }, { ContinuousBackupsDescription: backups }] = await Promise.all([
      this.#client.send(new DescribeTableCommand({ TableName })),
      this.#client.send(new DescribeTimeToLiveCommand({ TableName })),
      this.#client.send(new DescribeContinuousBackupsCommand({ TableName })),
    ]);
    const { Tags = [] } = await this.#client.send(new ListTagsOfResourceCommand({ ResourceArn: Table?.TableArn }));
    return {
      stream: Table?.StreamSpecification?.StreamViewType,
      expiry: ttl?.TimeToLiveStatus === 'ENABLED' ? ttl.AttributeName : undefined,
      isBackedUp: backups?.PointInTimeRecoveryDescription?.PointInTimeRecoveryStatus === 'ENABLED',
      isProtected: Table?.DeletionProtectionEnabled === true,
      tags: Object.fromEntries(Tags.map(({ Key = '', Value = '' }) => [Key, Value]).filter(isOurs)),
    };
  }

  /** Deletes the table, and restores a backup taken just before under the same name. */
  async loseAndRestore(): Promise<void> {
    const TableName = this.#name;
    const { BackupDetails } = await this.#client.send(new CreateBackupCommand({ TableName, BackupName: 'before' }));
    await this.#client.send(new UpdateTableCommand({ TableName, DeletionProtectionEnabled: false }));
    await this.#client.send(new DeleteTableCommand({ TableName }));
    await within(PATIENCE_MS, async () => equal(await this.#status(), undefined));
    const BackupArn = BackupDetails?.BackupArn;
    await this.#client.send(new RestoreTableFromBackupCommand({ TargetTableName: TableName, BackupArn }));
    await within(PATIENCE_MS, async () => equal(await this.#status(), 'ACTIVE'));
  }

  /** Applies the second step of docs/operate.md. */
  async setByHand(tags: Record<string, string>): Promise<void> {
    const TableName = this.#name;
    const { Table } = await this.#client.send(new DescribeTableCommand({ TableName }));
    await this.#client.send(
      new UpdateTableCommand({
        TableName,
        DeletionProtectionEnabled: true,
        StreamSpecification: { StreamEnabled: true, StreamViewType: SET_BY_HAND.stream },
      }),
    );
    const TimeToLiveSpecification = { AttributeName: SET_BY_HAND.expiry, Enabled: true };
    await this.#client.send(new UpdateTimeToLiveCommand({ TableName, TimeToLiveSpecification }));
    const PointInTimeRecoverySpecification = { PointInTimeRecoveryEnabled: true };
    await this.#client.send(new UpdateContinuousBackupsCommand({ TableName, PointInTimeRecoverySpecification }));
    const Tags = Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));
    await this.#client.send(new TagResourceCommand({ ResourceArn: Table?.TableArn, Tags }));
  }

  /** Returns the drift from the template, as `cdk drift` finds it: `<property> <kind>`. */
  async drift(StackName: string): Promise<string[]> {
    const client = new CloudFormationClient({});
    const { StackDriftDetectionId } = await client.send(new DetectStackDriftCommand({ StackName }));
    const status = new DescribeStackDriftDetectionStatusCommand({ StackDriftDetectionId });
    await within(PATIENCE_MS, async () =>
      notEqual((await client.send(status)).DetectionStatus, 'DETECTION_IN_PROGRESS'),
    );
    const { StackResourceDrifts = [] } = await client.send(new DescribeStackResourceDriftsCommand({ StackName }));
    const own = StackResourceDrifts.filter(({ PhysicalResourceId }) => PhysicalResourceId === this.#name);
    // A failed drift detection would report no drift either.
    equal(own.filter(({ StackResourceDriftStatus: found }) => found !== 'UNKNOWN').length, 1);
    return own.flatMap(({ PropertyDifferences = [] }) =>
      PropertyDifferences.map(({ PropertyPath, DifferenceType }) => `${PropertyPath} ${DifferenceType}`),
    );
  }

  async #status(): Promise<string | undefined> {
    try {
      return (await this.#client.send(new DescribeTableCommand({ TableName: this.#name }))).Table?.TableStatus;
    } catch (error) {
      if ((error as Error).name === 'ResourceNotFoundException') return undefined;
      throw error;
    }
  }
}

/** CloudFormation's own tags cannot be set. */
const isOurs = ([key]: string[]) => !key?.startsWith('aws:');
