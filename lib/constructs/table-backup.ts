import { Duration } from 'aws-cdk-lib';
import { BackupPlan, BackupPlanRule, BackupResource, BackupVault } from 'aws-cdk-lib/aws-backup';
import type { Table } from 'aws-cdk-lib/aws-dynamodb';
import { Schedule } from 'aws-cdk-lib/aws-events';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { Construct } from 'constructs';
import { removalOf } from './removal.ts';

interface TableBackupProps {
  readonly table: Table;
  readonly keptDays: number;
  readonly protectData: boolean;
  /** Encrypts the copies, where AWS's own key does not. */
  readonly customerKey: IKey | undefined;
}

/** Backs up the table every week with AWS Backup, into its own vault. */
export class TableBackup extends Construct {
  constructor(scope: Construct, id: string, { table, keptDays, protectData, customerKey }: TableBackupProps) {
    super(scope, id);
    const backupVault = new BackupVault(this, 'Vault', {
      removalPolicy: removalOf({ protectData }),
      ...(customerKey && { encryptionKey: customerKey }),
    });
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
