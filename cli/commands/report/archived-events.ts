import type { SizedObject } from '../../../lambdas/adapters/archive/bucket.ts';
import type { createErasureRepository } from '../../../lambdas/adapters/table/event-repository.ts';
import { MAX_SLICE_SECONDS } from '../../../lambdas/contract.ts';
import { dayPrefix, parseObjectKey } from '../../../lambdas/domain/archive/layout.ts';
import { type ArchiveRow, erasedAs } from '../../../lambdas/domain/archive/row.ts';
import { SENDING_TYPES, type Stretch, type TaggedSlice } from '../../../lambdas/domain/campaign/stretches.ts';
import type { JsonObject } from '../../../lambdas/domain/canonical.ts';
import { identify } from '../../../lambdas/domain/events/identity.ts';
import { messageIdOfPartition, messagePartition, parseMessageSort } from '../../../lambdas/domain/keys.ts';
import { daysOf } from '../../archive/history.ts';
import { type ArchiveSource, rowGroups } from '../../certificates/archive-source.ts';

/** The sources of a campaign besides the table. */
export interface CampaignArchive {
  readonly source: Pick<ArchiveSource, 'open'>;
  /** Keys of the objects that may hold a trace of it. */
  readonly keys: readonly string[];
  readonly erasureKey: string;
  /** Looks for people whose erasure has not reached the archive yet. */
  readonly erasures: Pick<ReturnType<typeof createErasureRepository>, 'among'>;
}

/** An event of a message; what the table has no longer, mostly. */
export interface ArchivedEvent {
  readonly partition: string;
  readonly recipientKey: string;
  readonly eventKey: string;
  readonly atMs: number;
  /** True if it says that its mail was sent under the tag, in the time that is asked for. */
  readonly isSending: boolean;
  readonly event: JsonObject;
}

/** An object of the archive, by the start of its slice in epoch seconds. */
export interface ArchivedObject extends SizedObject {
  readonly start: number;
}

/** Lists the objects of slices that hold a time from one second on and before another. */
export async function archivedObjects(
  archive: Pick<ArchiveSource, 'listSized'>,
  domain: string,
  from: number,
  to: number,
): Promise<ArchivedObject[]> {
  const found: ArchivedObject[] = [];
  const first = from - MAX_SLICE_SECONDS;
  for (const { fromMs } of daysOf(first * 1000, to * 1000)) {
    for await (const object of archive.listSized(dayPrefix(domain, fromMs))) {
      const place = parseObjectKey(object.key);
      if (place !== undefined && place.start >= first && place.start < to)
        found.push({ ...object, start: place.start });
    }
  }
  return found;
}

/** Returns the objects that may hold a trace of the campaign; of a slice without a record that is not known. */
export function tracedObjects(objects: readonly ArchivedObject[], slices: readonly TaggedSlice[]): ArchivedObject[] {
  const byStart = new Map(slices.map((slice) => [slice.start, slice]));
  return objects.filter(({ start }) => byStart.get(start)?.mayHoldTrace ?? true);
}

/** Yields the events of messages in the objects, a row group at a time, in no order. */
export async function* archivedEvents(
  { source, keys }: Pick<CampaignArchive, 'source' | 'keys'>,
  { domain, tag, time }: { domain: string; tag: string; time: Stretch },
): AsyncGenerator<ArchivedEvent[]> {
  for (const key of keys) {
    for await (const group of rowGroups(source, key)) yield group.flatMap((row) => eventOf(row) ?? []);
  }

  function eventOf(row: ArchiveRow): ArchivedEvent | undefined {
    if (row.event === null) return undefined;
    const event = JSON.parse(row.event) as JsonObject;
    const place = placeOf(row, event, domain);
    if (place === undefined || messageIdOfPartition(place.partition) === null) return undefined;
    const { key: eventKey, atMs, type, tags } = row;
    const isInTime = atMs >= time.fromMs && atMs < time.toMs;
    return {
      ...{ ...place, eventKey, atMs, isSending: isInTime && SENDING_TYPES.includes(type) && tags.includes(tag) },
      event: FAILURES.includes(type) ? event : outlineOf(row, event),
    };
  }
}

const FAILURES: readonly string[] = ['failed', 'rejected'];

/** The counted facts of an event besides its type and time; a failure is counted with its texts. */
function outlineOf({ type, isByMachine }: ArchiveRow, { recipient, flags, envelope, routes }: JsonObject): JsonObject {
  return {
    ...{ event: type },
    ...(isByMachine && { 'client-info': { bot: true } }),
    ...Object.fromEntries(
      Object.entries({ recipient, flags, envelope, routes }).flatMap(([name, value]) =>
        value === undefined ? [] : [[name, value]],
      ),
    ),
  };
}

/** Where the table has the event, or had it. Undefined for a tombstone of which the message is not known. */
function placeOf(row: ArchiveRow, event: JsonObject, domain: string) {
  const erased = erasedAs(row);
  if (erased === undefined) {
    const { partition, eventSort } = identify(event, domain);
    return { partition, recipientKey: parseMessageSort(eventSort).recipientKey ?? '' };
  }
  return row.messageId === null ? undefined : { partition: messagePartition(row.messageId), recipientKey: erased };
}
