import type { Row } from '../domain/published.ts';
import { rowOf } from './row-of.ts';

type Image = Readonly<Record<string, { S?: string; N?: string; NULL?: boolean } | undefined>>;

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

/** What happened to a row: `before` is absent where it is new. */
export interface RowChange {
  /** Place in the stream. */
  position: string;
  changedAtMs: number;
  before: Row | undefined;
  after: Row;
}

/** The change that a stream record tells of; undefined where it is about anything but a status or a suppression. */
export function readChange({ dynamodb = {} }: StreamRecord): RowChange | undefined {
  const { ApproximateCreationDateTime = 0, SequenceNumber = '', OldImage, NewImage } = dynamodb;
  const after = NewImage && rowOf(plain(NewImage as Image));
  if (after === undefined) return undefined;
  const before = OldImage && rowOf(plain(OldImage as Image));
  return { position: SequenceNumber, changedAtMs: ApproximateCreationDateTime * 1000, before, after };
}

/** Rows hold texts, numbers and nulls; what else an item may hold does not concern them. */
function plain(image: Image): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(image).map(([name, value]) => [name, value?.S ?? (value?.N === undefined ? null : Number(value.N))]),
  );
}
