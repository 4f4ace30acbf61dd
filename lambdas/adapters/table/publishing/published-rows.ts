import { RESTORED_ATTRIBUTE } from '../../../contract.ts';
import { SUPPRESSION_PREFIX, suppressionPartition } from '../../../domain/keys.ts';
import type { Row, StatusRow, SuppressionRow } from '../../../domain/publishing/published.ts';
import type { PublishableRows } from '../../../publish/ports.ts';
import { statusFacts } from '../events/status-codec.ts';
import { batchGet, type Item, type LedgerTable, readPartition } from '../ledger-table.ts';
import { storedSuppression } from '../recipients/suppression-repository.ts';

/** Reads statuses and suppressions as they stand, to publish them once more. */
export function createPublishableRows(table: LedgerTable): PublishableRows {
  return {
    async statuses(keys) {
      const Keys = keys.map(({ partition, sort }) => ({ pk: partition, sk: sort }));
      const items = await batchGet(table, { Keys, ConsistentRead: true });
      return items.map(rowOf).filter(isStatus);
    },

    async suppressions(recipientKey) {
      const rows: SuppressionRow[] = [];
      for await (const item of readPartition(table, suppressionPartition(recipientKey))) {
        const row = rowOf(item);
        if (row?.type === 'suppression') rows.push(row);
      }
      return rows;
    },
  };
}

const isStatus = (row: Row | undefined): row is StatusRow => row?.type === 'status';

/** An item as a row; undefined where it is neither a status nor a suppression. */
export function rowOf(item: Readonly<Item>): Row | undefined {
  const { pk, sk, order, recipient = '' } = item;
  const place = { partition: pk as string, sort: sk as string };
  if (typeof order === 'string') {
    const { domain = null, ...facts } = statusFacts(item);
    return { type: 'status', ...place, order, ...facts, domain };
  }
  if (!place.partition?.startsWith(SUPPRESSION_PREFIX) || typeof item.since !== 'number') return undefined;
  return { type: 'suppression', ...place, recipient: recipient as string, ...storedSuppression(item) };
}

type Image = Readonly<Record<string, { S?: string; N?: string; NULL?: boolean; BOOL?: boolean } | undefined>>;

/** A record of the table's stream, as Lambda hands it over. */
export interface StreamRecord {
  dynamodb?:
    | {
        ApproximateCreationDateTime?: number | undefined;
        SequenceNumber?: string | undefined;
        OldImage?: object | undefined;
        NewImage?: object | undefined;
      }
    | undefined;
}

/** A change of a row; `before` is absent where the row is new. */
export interface RowChange {
  /** Place in the stream. */
  position: string;
  changedAtMs: number;
  before: Row | undefined;
  after: Row;
}

/** Returns the change in a stream record; undefined where it is about anything but a status or a suppression, or was restored. */
export function readChange({ dynamodb = {} }: StreamRecord): RowChange | undefined {
  const { ApproximateCreationDateTime = 0, SequenceNumber = '', OldImage, NewImage } = dynamodb;
  const after = NewImage && rowOf(plain(NewImage as Image));
  if (after === undefined || (NewImage as Image)[RESTORED_ATTRIBUTE]?.BOOL === true) return undefined;
  const before = OldImage && rowOf(plain(OldImage as Image));
  return { position: SequenceNumber, changedAtMs: ApproximateCreationDateTime * 1000, before, after };
}

/** Rows hold texts, numbers and nulls; what else an item may hold does not concern them. */
function plain(image: Image): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(image).map(([name, value]) => [name, value?.S ?? (value?.N === undefined ? null : Number(value.N))]),
  );
}
