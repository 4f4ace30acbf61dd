import type { ArchiveRow } from '../archive/archive-row.ts';
import { erasedAs } from '../archive/erased-row.ts';
import type { TimeRange } from '../events/day-index.ts';
import { identify } from '../events/identity.ts';
import { outlineOf } from '../events/mailgun-event.ts';
import type { JsonObject } from '../json.ts';
import { messageIdOfPartition, messagePartition, parseMessageSort } from '../keys.ts';
import type { RecipientEvent } from './recipient-mail.ts';
import { SENDING_TYPES, type TaggedSlice } from './tagged-slices.ts';

/** An event of a message as archived; usually one that the table no longer holds. */
export interface ArchivedEvent extends RecipientEvent {
  readonly partition: string;
  /** True if it shows that its mail was sent under the tag in the requested time. */
  readonly isSending: boolean;
}

/** The campaign whose events are looked for; the tag is in lower case. */
export interface ArchivedCampaign {
  readonly domain: string;
  readonly tag: string;
  /** When mail counts as sent. */
  readonly time: TimeRange;
}

/** Fields of a row that show if a mail was sent, and under which tags. */
export const SENDING_FIELDS = ['messageId', 'atMs', 'type', 'tags'] as const satisfies readonly (keyof ArchiveRow)[];

/** Fields of a row that a campaign report counts. */
export const COUNTED_FIELDS = [
  ...SENDING_FIELDS,
  ...(['key', 'isByMachine', 'salt', 'event'] as const),
] as const satisfies readonly (keyof ArchiveRow)[];

/**
 * Returns the objects that may hold a trace of the campaign; of a slice without a record that is not known. Mailgun may
 * list an event in the slice beside that of its stored time, which is the object's, so the neighbours count too.
 */
export function tracedObjects<Listed extends { readonly start: number }>(
  objects: readonly Listed[],
  slices: readonly TaggedSlice[],
): Listed[] {
  const starts = new Set(slices.map(({ start }) => start));
  const traced = slices.filter(({ mayHoldTrace }) => mayHoldTrace);
  const ends = new Set(traced.flatMap(({ start, end }) => [start, end]));
  const near = new Set(
    [...traced, ...slices.filter((each) => ends.has(each.start) || ends.has(each.end))].map(({ start }) => start),
  );
  return objects.filter(({ start }) => near.has(start) || !starts.has(start));
}

/** Returns true if a row shows that its mail was sent under the tag in the requested time. */
export function isSendingRow(
  { atMs, type, tags }: Pick<ArchiveRow, 'atMs' | 'type' | 'tags'>,
  { tag, time }: Pick<ArchivedCampaign, 'tag' | 'time'>,
): boolean {
  return atMs >= time.fromMs && atMs < time.toMs && SENDING_TYPES.includes(type) && tags.includes(tag);
}

/** Returns the event of a row; undefined if it has no message, or its message is no longer known. */
export function archivedEventOf(
  row: Pick<ArchiveRow, (typeof COUNTED_FIELDS)[number]>,
  campaign: ArchivedCampaign,
): ArchivedEvent | undefined {
  if (row.event === null) return undefined;
  const event = JSON.parse(row.event) as JsonObject;
  const place = placeOf(row, event, campaign.domain);
  if (place === undefined || messageIdOfPartition(place.partition) === null) return undefined;
  const { key: eventKey, atMs, type } = row;
  return {
    ...place,
    eventKey,
    atMs,
    isSending: isSendingRow(row, campaign),
    event: FAILURES.includes(type) ? event : outlineOf(event, row),
  };
}

/** Types whose texts are counted too, by their failure class. */
const FAILURES: readonly string[] = ['failed', 'rejected'];

/**
 * Returns the event's position in the table, now or before it expired. Undefined for a tombstone whose message is
 * unknown.
 */
function placeOf(row: Pick<ArchiveRow, 'salt' | 'event' | 'messageId'>, event: JsonObject, domain: string) {
  const erased = erasedAs(row);
  if (erased === undefined) {
    const { partition, eventSort } = identify(event, domain);
    return { partition, recipientKey: parseMessageSort(eventSort).recipientKey ?? '' };
  }
  return row.messageId === null ? undefined : { partition: messagePartition(row.messageId), recipientKey: erased };
}
