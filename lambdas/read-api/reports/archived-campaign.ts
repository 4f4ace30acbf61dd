import { createHash } from 'node:crypto';
import { MAX_SLICE_SECONDS } from '../../contract.ts';
import type { ArchiveRow } from '../../domain/archive/archive-row.ts';
import {
  type ArchivedCampaign,
  type ArchivedEvent,
  archivedEventOf,
  COUNTED_FIELDS,
  isSendingRow,
  SENDING_FIELDS,
  tracedObjects,
} from '../../domain/campaign/archived-event.ts';
import type { TaggedSlice } from '../../domain/campaign/tagged-slices.ts';
import { eachOf } from '../../domain/concurrency.ts';
import { messagePartition } from '../../domain/keys.ts';
import { objectsBetween } from '../../shared/listed-objects.ts';
import type { ErasureMarkers } from '../../shared/ports.ts';
import type { ArchivedObjects, ListedObject, ObjectReading } from '../ports.ts';

export interface ArchivedCampaignDeps {
  objects: ArchivedObjects;
  /** Looks for people whose erasure has not come to the archive yet. */
  erasures: ErasureMarkers;
  erasureKey: { read(): Promise<string> };
  /** Called with what keeps the archive from being read. */
  onFailure: (error: unknown) => void;
}

/** A campaign's events in the archive. */
export interface FoundEvents {
  /** By their messages, which were sent under the tag by table or archive. */
  readonly events: ReadonlyMap<string, readonly ArchivedEvent[]>;
  /** Starts of the slices that have an object. */
  readonly archived: ReadonlySet<number>;
  readonly erasureKey: string;
  readonly erasures: ArchivedCampaignDeps['erasures'];
}

/** Why the archive was not counted. */
type Unread = 'too-large' | 'too-slow' | 'unavailable';

/** Reads what the archive holds of a campaign since a time and before another, in epoch seconds. */
export type ReadArchivedCampaign = (
  campaign: ArchivedCampaign,
  range: { from: number; to: number },
  slices: readonly TaggedSlice[],
  /** Partitions of messages that the table holds a part of. */
  messages: ReadonlySet<string>,
  /** Ends it. */
  deadline: AbortSignal,
) => Promise<FoundEvents | Unread>;

/** Limits of one report, within the function's time and memory. */
const MAX_OBJECTS = 1000;
const MAX_BYTES = 64 * 2 ** 20;
const MAX_MESSAGES = 5000;
const MAX_EVENTS = 25_000;
/** Objects read in parallel. */
const AT_ONCE = 8;
/** Events that are kept for the next report. */
const MAX_REMEMBERED = 10_000;

class TooLargeError extends Error {
  override name = 'TooLargeError';
}

type Events = FoundEvents['events'];

/**
 * Returns a function that reads campaigns in the archive. What was read last is kept, under the versions of all its
 * objects: an erasure replaces an object, and a supplement is one more, so neither goes unseen.
 */
export function createArchivedCampaigns({
  objects,
  erasures,
  erasureKey: secret,
  onFailure,
}: ArchivedCampaignDeps): ReadArchivedCampaign {
  let remembered: { readonly id: string; readonly events: Events } | undefined;

  return async (campaign, { from, to }, slices, messages, deadline) => {
    const bounds = startBounds(deadline);
    try {
      const erasureKey = await secret.read();
      const listed = await objectsBetween((prefix) => objects.list(prefix, deadline), campaign.domain, from, to);
      const traced = tracedObjects(listed, slices);
      if (traced.length > MAX_OBJECTS) throw new TooLargeError('objects');
      const id = idOf(campaign, traced, messages);
      const events = remembered?.id === id ? remembered.events : await eventsIn(traced, campaign, messages, bounds);
      if (sizeOf(events) <= MAX_REMEMBERED) remembered = { id, events };
      return { events, archived: new Set(listed.map(({ start }) => start)), erasureKey, erasures };
    } catch (error) {
      const cause = bounds.failure ?? error;
      if (cause instanceof TooLargeError) return 'too-large';
      if (deadline.aborted) return 'too-slow';
      onFailure(cause);
      return 'unavailable';
    }
  };

  /** Reads the messages sent first, in few columns, then all their events. */
  async function eventsIn(
    traced: readonly (ListedObject & { start: number })[],
    campaign: ArchivedCampaign,
    stored: ReadonlySet<string>,
    bounds: Bounds,
  ): Promise<Events> {
    const { fromMs, toMs } = campaign.time;
    const messages = new Set(stored);
    const sending = traced.filter(({ start }) => start * 1000 < toMs && (start + MAX_SLICE_SECONDS) * 1000 > fromMs);
    await bounds.each(sending, async (object) => {
      for (const group of await objects.open(object, bounds)) {
        for (const row of await group.read(SENDING_FIELDS))
          if (row.messageId !== null && isSendingRow(row, campaign)) messages.add(messagePartition(row.messageId));
        if (messages.size > MAX_MESSAGES) throw new TooLargeError('messages');
      }
    });
    const events = new Map<string, ArchivedEvent[]>();
    let count = 0;
    if (messages.size === 0) return events;
    const isWanted = ({ messageId }: Pick<ArchiveRow, 'messageId'>) =>
      messageId !== null && messages.has(messagePartition(messageId));
    await bounds.each(traced, async (object) => {
      for (const group of await objects.open(object, bounds)) {
        if (!(await group.read(['messageId'])).some(isWanted)) continue;
        for (const row of (await group.read(COUNTED_FIELDS)).filter(isWanted)) {
          const event = archivedEventOf(row, campaign);
          if (event === undefined) continue;
          const own = events.get(event.partition);
          if (own === undefined) events.set(event.partition, [event]);
          else own.push(event);
          if (++count > MAX_EVENTS) throw new TooLargeError('events');
        }
      }
    });
    return events;
  }
}

interface Bounds extends ObjectReading {
  /** The first failure. */
  failure: unknown;
  /** Processes objects in parallel, and aborts all at the first failure. */
  each<Listed>(objects: readonly Listed[], work: (object: Listed) => Promise<void>): Promise<void>;
}

function startBounds(deadline: AbortSignal): Bounds {
  const stop = new AbortController();
  let bytes = 0;
  const bounds: Bounds = {
    failure: undefined,
    signal: AbortSignal.any([deadline, stop.signal]),
    take(more) {
      bytes += more;
      if (bytes > MAX_BYTES) throw new TooLargeError('bytes');
    },
    each: (objects, work) =>
      eachOf(objects, AT_ONCE, async (object) => {
        bounds.signal.throwIfAborted();
        try {
          await work(object);
        } catch (error) {
          bounds.failure ??= error;
          stop.abort();
          throw error;
        }
      }),
  };
  return bounds;
}

function idOf(campaign: ArchivedCampaign, objects: readonly ListedObject[], messages: ReadonlySet<string>): string {
  const versions = objects.map(({ key, tag }) => [key, tag]);
  return createHash('sha256')
    .update(JSON.stringify([campaign, versions, [...messages].sort()]))
    .digest('hex');
}

function sizeOf(events: Events): number {
  let size = 0;
  for (const own of events.values()) size += own.length;
  return size;
}
