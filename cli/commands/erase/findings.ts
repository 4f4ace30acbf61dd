import { packEvent, unpackEvent } from '../../../lambdas/adapters/table/event-codec.ts';
import { INDEXES } from '../../../lambdas/contract.ts';
import type { JsonObject } from '../../../lambdas/domain/canonical.ts';
import { textWithoutAddress, tombstoneIdentity, tombstoneOf, withoutAddress } from '../../../lambdas/domain/erasure.ts';
import {
  eventSortPrefix,
  isEventPartition,
  parseDayIndexKey,
  recipientKey,
  statusSort,
  suppressionPartition,
} from '../../../lambdas/domain/keys.ts';

/** An item of the table, whole. */
export type Item = { pk: string; sk: string } & Readonly<Record<string, unknown>>;

/** What is to be done about an item. */
export type Finding =
  | { kind: 'none' }
  | { kind: 'event'; tombstone: Item }
  | { kind: 'status' | 'suppression' }
  | { kind: 'mention'; raw: Uint8Array };

/** Judges items for one recipient under the erasure key. */
export function createFindings(recipient: string, erasureKey: string) {
  const own = recipientKey(recipient);

  function find(item: Item): Finding {
    const { pk, sk } = item;
    if (pk === suppressionPartition(own)) return { kind: 'suppression' };
    if (!isEventPartition(pk)) return { kind: 'none' };
    if (sk === statusSort(own)) return { kind: 'status' };
    if (!(item.raw instanceof Uint8Array)) return { kind: 'none' };
    const event = unpackEvent(item.raw);
    if (sk.startsWith(eventSortPrefix(own))) return { kind: 'event', tombstone: tombstone(item, event) };
    const cleaned = withoutAddress(event, recipient);
    return cleaned === event ? { kind: 'none' } : { kind: 'mention', raw: packEvent(cleaned) };
  }

  function tombstone(item: Item, event: JsonObject): Item {
    const { eventSort } = tombstoneIdentity({ eventSort: item.sk }, erasureKey);
    // The event itself need not name its domain.
    const { domain } = parseDayIndexKey(String(item[INDEXES.byDay.partitionKey] ?? ''));
    return { ...item, sk: eventSort, raw: packEvent(tombstoneOf({ ...event, recipient }, domain)) };
  }

  /** Whether the address stands where nothing is done about it: in a message id, an event id, or a tag of a slice. */
  function isKept({ raw: _raw, ...rest }: Item): boolean {
    const text = JSON.stringify(rest);
    return textWithoutAddress(text, recipient) !== text;
  }

  return { find, isKept };
}

export type Findings = ReturnType<typeof createFindings>;
