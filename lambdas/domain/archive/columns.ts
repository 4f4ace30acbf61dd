import type { ArchiveRow } from './archive-row.ts';

/** Types that every Parquet reader supports. `time`: microseconds in UTC. */
export type ColumnType = 'time' | 'text' | 'integer' | 'boolean' | 'texts';

/** A column of a table of rows, by the field that it holds. */
export interface Column<Row = ArchiveRow> {
  name: string;
  field: keyof Row & string;
  type: ColumnType;
  /** True if it may be null. */
  isOptional?: boolean;
  /** True if the value differs in every row, so that minimum and maximum do not help a reader. */
  isDistinct?: boolean;
}

/** The columns of an object of events, in their order; domain and day are in its key. */
export const COLUMNS: readonly Column[] = [
  { name: 'time', field: 'atMs', type: 'time' },
  { name: 'name', field: 'name', type: 'text', isDistinct: true },
  { name: 'key', field: 'key', type: 'text', isDistinct: true },
  { name: 'type', field: 'type', type: 'text' },
  { name: 'message_id', field: 'messageId', type: 'text', isOptional: true },
  { name: 'recipient', field: 'recipient', type: 'text', isOptional: true },
  { name: 'recipient_domain', field: 'recipientDomain', type: 'text', isOptional: true },
  { name: 'provider', field: 'provider', type: 'text', isOptional: true },
  { name: 'mx_host', field: 'mxHost', type: 'text', isOptional: true },
  { name: 'severity', field: 'severity', type: 'text', isOptional: true },
  { name: 'reason', field: 'reason', type: 'text', isOptional: true },
  { name: 'bounce_type', field: 'bounceType', type: 'text', isOptional: true },
  { name: 'code', field: 'code', type: 'integer', isOptional: true },
  { name: 'url', field: 'url', type: 'text', isOptional: true, isDistinct: true },
  { name: 'by_machine', field: 'isByMachine', type: 'boolean' },
  { name: 'tags', field: 'tags', type: 'texts' },
  { name: 'received_at', field: 'receivedAtMs', type: 'time' },
  { name: 'by_webhook', field: 'byWebhook', type: 'boolean' },
  { name: 'source', field: 'source', type: 'text' },
  { name: 'salt', field: 'salt', type: 'text', isOptional: true, isDistinct: true },
  { name: 'commitment', field: 'commitment', type: 'text', isDistinct: true },
  { name: 'event', field: 'event', type: 'text', isOptional: true, isDistinct: true },
];
