import { Duration, Names, RemovalPolicy } from 'aws-cdk-lib';
import { BackupPlan, BackupPlanRule, BackupResource, BackupVault } from 'aws-cdk-lib/aws-backup';
import type { Table } from 'aws-cdk-lib/aws-dynamodb';
import { Schedule } from 'aws-cdk-lib/aws-events';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { Construct } from 'constructs';
import { firstGroup, stackPart } from './removal.ts';

interface TableBackupProps {
  readonly table: Table;
  /** 0 makes no copies, and keeps the vault. */
  readonly keptDays: number;
  /** Encrypts the copies, where AWS's own key does not. */
  readonly customerKey: IKey | undefined;
}

/** AWS Backup allows 50 characters in all. */
const NAME_LENGTH = 30;

/** Backs up the table every week with AWS Backup, into its own vault. */
export class TableBackup extends Construct {
  constructor(scope: Construct, id: string, { table, keptDays, customerKey }: TableBackupProps) {
    super(scope, id);
    const backupVault = new BackupVault(this, 'Vault', {
      // Under another key it is another vault, which CloudFormation creates beside the old one.
      backupVaultName: [
        Names.uniqueResourceName(this, { maxLength: NAME_LENGTH, separator: '-', allowedSpecialCharacters: '-' }),
        stackPart(this),
        ...(customerKey ? [firstGroup(customerKey.keyId)] : []),
      ].join('-'),
      // AWS Backup deletes only empty vaults. Copies end when they are as old as configured.
      removalPolicy: RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
      ...(customerKey && { encryptionKey: customerKey }),
    });
    if (keptDays === 0) return;
    const plan = new BackupPlan(this, 'Plan', { backupVault });
    plan.addRule(
      new BackupPlanRule({
        ruleName: 'weekly',
        scheduleExpression: Schedule.cron({ weekDay: 'SUN', hour: '4', minute: '0' }),
        deleteAfter: Duration.days(keptDays),
      }),
    );
    plan.addSelection('Table', { resources: [BackupResource.fromDynamoDbTable(table)] });
  }
}
