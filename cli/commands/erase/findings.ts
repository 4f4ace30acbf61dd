import { packEvent, unpackEvent } from '../../../lambdas/adapters/table/event-codec.ts';
import { INDEXES } from '../../../lambdas/contract.ts';
import type { JsonObject } from '../../../lambdas/domain/canonical.ts';
import { textWithoutAddress, tombstoneIdentity, tombstoneOf, withoutAddress } from '../../../lambdas/domain/erasure.ts';
import {
  isEventPartition,
  parseDayIndexKey,
  parseMessageSort,
  recipientKey,
  recipientOfSuppressions,
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
  // Older keys have the recipient as it was spelled, a name beside the address included.
  const isOwn = (key: string | undefined) => key !== undefined && (key === own || recipientKey(key) === own);

  function find(item: Item): Finding {
    const { pk, sk } = item;
    if (isOwn(recipientOfSuppressions(pk))) return { kind: 'suppression' };
    if (!isEventPartition(pk)) return { kind: 'none' };
    const { recipientKey: named = '', isStatus, eventKey } = parseMessageSort(sk);
    if (isStatus && isOwn(named)) return { kind: 'status' };
    if (!(item.raw instanceof Uint8Array)) return { kind: 'none' };
    const event = unpackEvent(item.raw);
    if (eventKey !== undefined && isOwn(named)) return { kind: 'event', tombstone: tombstone(item, event) };
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
    // The separator of keys is valid in an address.
    const text = JSON.stringify(rest).replaceAll('#', ' ');
    return textWithoutAddress(text, recipient) !== text;
  }

  return { find, isKept };
}

export type Findings = ReturnType<typeof createFindings>;
