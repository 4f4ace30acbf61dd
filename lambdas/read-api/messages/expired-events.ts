import type { MessageResponse } from '../../../api/responses/message.ts';
import { DAY_MS } from '../../contract.ts';
import { eventsPrefix } from '../../domain/archive/object-keys.ts';
import { utcDay } from '../../domain/keys.ts';
import type { StoredStatus } from '../ports.ts';

/** Retention of events in the table, and the archive that keeps them longer. */
export interface EventRetention {
  readonly days: number;
  /** The bucket of the archive; undefined where events are not archived. */
  readonly archiveBucket: string | undefined;
  readonly now: () => number;
}

/** Returns true if the event that decided a status may have left the table. */
export const mayBeGone = (
  { statusAtMs }: Pick<StoredStatus, 'statusAtMs'>,
  { days, now }: Pick<EventRetention, 'days' | 'now'>,
): boolean => statusAtMs < now() - days * DAY_MS;

/**
 * Returns the events that may have left the table for these statuses, and where they are. TTL deletes up to days late.
 */
export function expiredEvents(
  statuses: readonly StoredStatus[],
  { days, archiveBucket: bucket, now }: EventRetention,
): Pick<MessageResponse, 'eventsUntil' | 'archive'> {
  const untilMs = now() - days * DAY_MS;
  const gone = statuses.filter(({ firstAtMs }) => firstAtMs < untilMs);
  if (gone.length === 0) return { eventsUntil: null, archive: [] };
  // The end of that day: a response whose ETag changed each second would never get a 304.
  const eventsUntil = (Math.ceil(untilMs / DAY_MS) * DAY_MS) / 1000;
  if (bucket === undefined) return { eventsUntil, archive: [] };
  // The command line imports this file too, and Node 20 has no Map.groupBy.
  const domains = [...new Set(gone.map(({ domain }) => domain))];
  const archive = domains.map((domain) => {
    const own = gone.filter((status) => status.domain === domain);
    return {
      bucket,
      prefix: eventsPrefix(domain),
      from: utcDay(Math.min(...own.flatMap(({ firstAtMs, statusAtMs }) => [firstAtMs, statusAtMs]))),
      to: utcDay(Math.max(...own.map(({ statusAtMs }) => statusAtMs))),
    };
  });
  return { eventsUntil, archive };
}
