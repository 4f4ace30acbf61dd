import { READS_AT_ONCE } from '../../domain/concurrency.ts';
import type { SuppressionKind } from '../../domain/event-types.ts';
import { parseEvent } from '../../domain/events/mailgun-event.ts';
import { type StoredSuppression, suppressionOf } from '../../domain/status/suppression.ts';
import { EVER } from '../http/range.ts';
import type { RecipientHistory, StoredEvent } from '../ports.ts';
import { newestPlaces, type RecipientPlace } from './recipient-places.ts';

/** An event that suppresses its recipient, and as what. */
export interface SuppressionCause {
  readonly kind: SuppressionKind;
  readonly messageId: string | null;
  readonly event: StoredEvent;
}

/** Messages of a recipient that are looked at. */
const MAX_CAUSE_MESSAGES = 100;
/** Events of one message that are looked at. */
const MAX_EVENTS = 200;

/** Returns a reader of the events that suppress a recipient: those of the newest messages, one query for each. */
export function createSuppressionCauses(history: RecipientHistory) {
  return async (keys: readonly string[]): Promise<SuppressionCause[]> => {
    const { places } = await newestPlaces(history, keys, EVER, MAX_CAUSE_MESSAGES);
    const found: SuppressionCause[] = [];
    for (let start = 0; start < places.length; start += READS_AT_ONCE) {
      const causes = await Promise.all(
        places.slice(start, start + READS_AT_ONCE).map((place) => causesAt(place, keys)),
      );
      found.push(...causes.flat());
    }
    return found.toSorted((a, b) => b.event.atMs - a.event.atMs);
  };

  async function causesAt({ partition, spelling = 0 }: RecipientPlace, keys: readonly string[]) {
    const causes: SuppressionCause[] = [];
    const page = await history.events(partition, keys[spelling] ?? '', undefined, MAX_EVENTS);
    for (const entry of page.entries) {
      if (!('event' in entry)) continue;
      const parsed = parseEvent(entry.event.event);
      const kind = suppressionOf(parsed)?.kind;
      if (kind !== undefined) causes.push({ kind, messageId: parsed.messageId ?? null, event: entry.event });
    }
    return causes;
  }
}

/** Returns whether an event is one of those that a suppression rests on since it was lifted for the last time. */
export function isCauseOf(
  { kind, event }: SuppressionCause,
  stored: Pick<StoredSuppression, 'kind' | 'domain' | 'liftedAtMs'>,
): boolean {
  const isInForce = stored.liftedAtMs === null || event.atMs > stored.liftedAtMs;
  return kind === stored.kind && event.domain === stored.domain && isInForce;
}
