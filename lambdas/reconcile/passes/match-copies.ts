import type { StoredKey } from '../../domain/events/day-index.ts';
import type { MailgunEvent } from '../../domain/events/mailgun-event.ts';
import { isRedactedRecipient, parseMessageSort } from '../../domain/keys.ts';
import type { EventPlace } from '../../domain/ledger/ledger-name.ts';

/** Where a listed event is or will be stored, and the redacted copies that webhooks left of it. */
export interface Matched {
  place: EventPlace;
  copies: StoredKey[];
  /** The listing does not name the recipient, and the stored event does. */
  isRedacted: boolean;
}

/**
 * Returns a function that matches listed events with events stored without recipient, by message, name and Mailgun's
 * id. An event without id matches nothing: others of its second may look the same.
 */
export function createMatch(keys: readonly StoredKey[]): (event: MailgunEvent, place: EventPlace) => Matched {
  const redacted = Map.groupBy(keys.filter(isRedacted), nameWithoutRecipient);
  let named: Map<string, StoredKey> | undefined;
  return ({ id }, place) => {
    if (id === undefined) return { place, copies: [], isRedacted: false };
    const found = redacted.get(nameWithoutRecipient(place)) ?? [];
    if (!isRedacted(place)) return { place, copies: found, isRedacted: false };
    // A redacted listing: the event stored with its recipient is the better of the two.
    named ??= new Map(keys.filter((key) => !isRedacted(key)).map((key) => [nameWithoutRecipient(key), key]));
    const better = named.get(nameWithoutRecipient(place));
    if (better !== undefined) return { place: better, copies: [], isRedacted: true };
    return { place, copies: found.filter(({ eventSort }) => eventSort !== place.eventSort), isRedacted: false };
  };
}

function isRedacted({ eventSort }: Pick<EventPlace, 'eventSort'>): boolean {
  return isRedactedRecipient(parseMessageSort(eventSort).recipientKey);
}

/** Returns the keys of the recipients of copies, as the queue carries them. */
export function recipientsOf(copies: readonly StoredKey[]): string[] {
  return copies.map(({ eventSort }) => parseMessageSort(eventSort).recipientKey);
}

function nameWithoutRecipient({ partition, eventSort }: EventPlace): string {
  return `${partition} ${parseMessageSort(eventSort).eventKey}`;
}
