import { Names, Stack } from 'aws-cdk-lib';
import { CfnDatabase, CfnTable } from 'aws-cdk-lib/aws-glue';
import type { Bucket } from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';
import { COLUMNS, type ColumnType } from '../../lambdas/domain/archive/columns.ts';
import { domainsInKeys, EVENTS_PREFIX, PARTITION_TEMPLATE } from '../../lambdas/domain/archive/object-keys.ts';

interface ArchiveCatalogProps {
  readonly bucket: Bucket;
  /** Sending domains; undefined where they are not known at synth. */
  readonly domains: readonly string[] | undefined;
}

/** No archive begins before this day. */
const FIRST_DAY = '2026-01-01';

const TYPES = {
  time: 'timestamp',
  text: 'string',
  integer: 'int',
  boolean: 'boolean',
  texts: 'array<string>',
} as const satisfies Record<ColumnType, string>;

/** Describes the archive's events as a table for Athena, which finds its partitions by their names: no crawler runs. */
export class ArchiveCatalog extends Construct {
  readonly databaseName: string;

  constructor(scope: Construct, id: string, { bucket, domains }: ArchiveCatalogProps) {
    super(scope, id);
    const { account: catalogId } = Stack.of(this);
    // Athena takes lower-case letters, digits and underscores without quotes.
    this.databaseName = Names.uniqueResourceName(this, {
      maxLength: 100,
      separator: '_',
      allowedSpecialCharacters: '_',
    }).toLowerCase();
    const database = new CfnDatabase(this, 'Database', {
      catalogId,
      databaseInput: { name: this.databaseName, description: 'Archive of the ledger' },
    });
    const root = `s3://${bucket.bucketName}/`;
    const table = new CfnTable(this, 'Events', {
      catalogId,
      databaseName: this.databaseName,
      tableInput: {
        name: 'events',
        description: 'Events of sealed slices',
        tableType: 'EXTERNAL_TABLE',
        parameters: {
          classification: 'parquet',
          'projection.enabled': 'true',
          // Each query must name an injected partition: `WHERE domain = …`.
          ...(domains === undefined
            ? { 'projection.domain.type': 'injected' }
            : { 'projection.domain.type': 'enum', 'projection.domain.values': domainsInKeys(domains).join(',') }),
          'projection.day.type': 'date',
          'projection.day.format': 'yyyy-MM-dd',
          'projection.day.range': `${FIRST_DAY},NOW`,
          'storage.location.template': `${root}${PARTITION_TEMPLATE}`,
        },
        partitionKeys: [
          { name: 'domain', type: 'string' },
          { name: 'day', type: 'string' },
        ],
        storageDescriptor: {
          columns: COLUMNS.map(({ name, type }) => ({ name, type: TYPES[type] })),
          location: `${root}${EVENTS_PREFIX}`,
          inputFormat: 'org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat',
          outputFormat: 'org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat',
          serdeInfo: { serializationLibrary: 'org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe' },
        },
      },
    });
    table.addResourceDependency(database);
  }
}
