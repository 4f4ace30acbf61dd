import { hash } from 'node:crypto';
import type { EventIdentity } from '../events/identity.ts';
import { tombstoneIdentity } from '../recipients/erasure.ts';

/** Position of a stored event. */
export type EventPlace = Pick<EventIdentity, 'partition' | 'eventSort'>;

/** Names a place across the ports; it holds the recipient, so it is never stored. */
export function placeName({ partition, eventSort }: EventPlace): string {
  return `${partition} ${eventSort}`;
}

const NAME_BYTES = 16;

/** Returns the digest of a set of names in any order, as base64url: two sets of one size may differ. */
export function digestOfNames(names: readonly string[]): string {
  return shortHash(names.toSorted().join(' '));
}

function shortHash(text: string): string {
  return Buffer.from(hash('sha256', text), 'hex').toString('base64url', 0, NAME_BYTES);
}

/**
 * Returns the function that names events in the ledger: 16 bytes of a keyed hash of the identity, as base64url. An
 * event and its tombstone have one name, and without the key no name can be matched with an address.
 */
export function createLedgerNaming(erasureKey: string): (place: EventPlace) => string {
  return (place) => {
    const { partition, eventSort } = tombstoneIdentity(place, erasureKey);
    return shortHash(`${partition} ${eventSort}`);
  };
}
