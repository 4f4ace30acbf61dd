import { RemovalPolicy } from 'aws-cdk-lib';
import {
  AttributeType,
  BillingMode,
  type EnableScalingProps,
  type IScalableTableAttribute,
  ProjectionType,
  StreamViewType,
  Table,
  TableClass,
} from 'aws-cdk-lib/aws-dynamodb';
import { Construct } from 'constructs';
import { INDEXES, TABLE } from '../../lambdas/contract.ts';
import type { Config } from '../config/config.ts';

const CLASSES = { standard: TableClass.STANDARD, 'infrequent-access': TableClass.STANDARD_INFREQUENT_ACCESS };
/** The share of the table's units for each index: an event has one entry, and two or three items. */
const INDEX_SHARE = 0.5;

/** The one table: events, statuses, claims and suppressions. */
export class EventTable extends Construct {
  readonly table: Table;

  constructor(scope: Construct, id: string, { protectData, table: choice }: Pick<Config, 'protectData' | 'table'>) {
    super(scope, id);
    const { provisioned } = choice;
    this.table = new Table(this, 'Table', {
      partitionKey: { name: TABLE.partitionKey, type: AttributeType.STRING },
      sortKey: { name: TABLE.sortKey, type: AttributeType.STRING },
      ...(provisioned ? capacityOf(provisioned) : { billingMode: BillingMode.PAY_PER_REQUEST }),
      ...(choice.class !== 'standard' && { tableClass: CLASSES[choice.class] }),
      timeToLiveAttribute: TABLE.expiry,
      pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: choice.pointInTimeRecovery },
      stream: StreamViewType.NEW_AND_OLD_IMAGES,
      // A protected table is not deleted even after a failed deploy, which could not delete it anyway.
      removalPolicy: protectData ? RemovalPolicy.RETAIN : RemovalPolicy.DESTROY,
      deletionProtection: protectData,
    });
    for (const index of Object.values(INDEXES)) {
      this.table.addGlobalSecondaryIndex({
        indexName: index.name,
        partitionKey: { name: index.partitionKey, type: AttributeType.STRING },
        sortKey: { name: index.sortKey, type: AttributeType.NUMBER },
        projectionType: ProjectionType.KEYS_ONLY,
        ...(provisioned && capacityOf(provisioned, INDEX_SHARE)),
      });
    }
    if (provisioned) this.#scale(provisioned);
  }

  #scale({ write, read, utilizationPercent }: Provisioned): void {
    const scale = (
      { from, to }: Provisioned['write'],
      share: number,
      enable: (between: EnableScalingProps) => IScalableTableAttribute,
    ) => {
      if (from === to) return;
      const scaled = enable({ minCapacity: partOf(from, share), maxCapacity: partOf(to, share) });
      scaled.scaleOnUtilization({ targetUtilizationPercent: utilizationPercent });
    };
    scale(write, 1, (between) => this.table.autoScaleWriteCapacity(between));
    scale(read, 1, (between) => this.table.autoScaleReadCapacity(between));
    for (const { name } of Object.values(INDEXES)) {
      scale(write, INDEX_SHARE, (between) => this.table.autoScaleGlobalSecondaryIndexWriteCapacity(name, between));
      scale(read, INDEX_SHARE, (between) => this.table.autoScaleGlobalSecondaryIndexReadCapacity(name, between));
    }
  }
}

type Provisioned = NonNullable<Config['table']['provisioned']>;

const partOf = (units: number, share: number) => Math.ceil(units * share);

const capacityOf = ({ write, read }: Provisioned, share = 1) => ({
  writeCapacity: partOf(write.from, share),
  readCapacity: partOf(read.from, share),
});
