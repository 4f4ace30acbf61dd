import { type ArchiveRow, rowOf } from '../domain/archive/archive-row.ts';
import { isBefore } from '../domain/archive/check-object.ts';
import { rowOfTombstone } from '../domain/archive/erased-row.ts';
import type { StoredKey } from '../domain/events/day-index.ts';
import { erasedHashInSort, isTombstoneSort, parseMessageSort } from '../domain/keys.ts';
import { createLedgerNaming, placeName } from '../domain/ledger/ledger-name.ts';
import type { Slice } from '../domain/ledger/slice.ts';
import type { EventKeys, SealableEvent, SealableEvents } from './ports.ts';

/** The index names an event that is not stored; it lags, and the slice is sealed by a later run. */
export class UnsettledIndexError extends Error {
  override name = 'UnsettledIndexError';
}

/** The run is out of time. */
export class DeadlineError extends Error {
  override name = 'DeadlineError';
}

const GROUP_ROWS = 10_000;
/** Events that are looked up by one call, and calls side by side. */
const LOOK_UP = 100;
const LOOK_UPS_AT_ONCE = 8;

export interface SliceRowsDeps {
  keys: EventKeys;
  events: SealableEvents;
  erasureKey: { read(): Promise<string> };
  /** Called with the keyed hashes of erased recipients before their tombstones are yielded. */
  noteErased: (recipientHashes: readonly string[]) => Promise<void>;
  /** Hex of random bytes. */
  newSalt: () => string;
  /** Rows that are held in memory, and written as one row group. @default 10,000 */
  groupRows?: number;
  now: () => number;
}

/** Yields the rows of a slice that are not sealed, in the order of the archive, a row group at a time. */
export type SliceRows = (
  slice: Pick<Slice, 'domain' | 'start' | 'end'>,
  sealed: ReadonlySet<string>,
  deadlineMs: number,
) => AsyncGenerator<ArchiveRow[]>;

export function createSliceRows({
  keys,
  events,
  erasureKey,
  noteErased,
  newSalt,
  groupRows = GROUP_ROWS,
  now,
}: SliceRowsDeps): SliceRows {
  return async function* ({ domain, start, end }, sealed, deadlineMs) {
    const nameOf = createLedgerNaming(await erasureKey.read());
    let group: NamedKey[] = [];
    for await (const named of inOrder(keys.stored(domain, start * 1000, end * 1000 - 1), nameOf)) {
      if (sealed.has(named.name)) continue;
      group.push(named);
      if (group.length < groupRows) continue;
      yield await rowsOf(group, deadlineMs);
      group = [];
    }
    if (group.length > 0) yield await rowsOf(group, deadlineMs);
  };

  async function rowsOf(group: readonly NamedKey[], deadlineMs: number): Promise<ArchiveRow[]> {
    const rows: ArchiveRow[] = [];
    const erased = group.flatMap(({ key }) => erasedHashInSort(key.eventSort) ?? []);
    if (erased.length > 0) await noteErased(erased);
    for (let from = 0; from < group.length; from += LOOK_UP * LOOK_UPS_AT_ONCE) {
      if (now() >= deadlineMs) throw new DeadlineError('the time of the run is up');
      const chunks = Array.from({ length: LOOK_UPS_AT_ONCE }, (_, nth) =>
        group.slice(from + nth * LOOK_UP, from + (nth + 1) * LOOK_UP),
      ).filter((chunk) => chunk.length > 0);
      for (const some of await Promise.all(chunks.map(lookUp))) rows.push(...some);
    }
    return rows;
  }

  async function lookUp(chunk: readonly NamedKey[]): Promise<ArchiveRow[]> {
    const found = await events.lookUp(chunk.map(({ key }) => key));
    return chunk.map(({ key, name }) => {
      const stored = found.get(placeName(key));
      if (stored === undefined) throw new UnsettledIndexError('the index names an event that is not stored');
      return rowOfStored({ key, name }, stored, newSalt());
    });
  }
}

/** Returns the row of a stored event. */
export function rowOfStored(
  { key, name }: Pick<NamedKey, 'key' | 'name'>,
  { receivedAtMs, source, broughtByWebhook, event }: SealableEvent,
  salt: string,
): ArchiveRow {
  const eventKey = parseMessageSort(key.eventSort).eventKey ?? '';
  const facts = { name, key: eventKey, atMs: key.atMs, receivedAtMs, byWebhook: broughtByWebhook, source };
  return isTombstoneSort(key.eventSort) ? rowOfTombstone(facts, event, key, salt) : rowOf(facts, event, salt);
}

/** The key of a stored event, with its name in the ledger. */
export interface NamedKey {
  key: StoredKey;
  name: string;
  atMs: number;
}

/** Yields keys in the order of the archive. Events of one millisecond come in no order, so they are ordered by their names; one that comes twice counts once. */
export async function* inOrder(
  ascending: AsyncIterable<StoredKey>,
  nameOf: (key: StoredKey) => string,
): AsyncGenerator<NamedKey> {
  let together: NamedKey[] = [];
  const ordered = () => [
    ...new Map(together.toSorted((a, b) => (isBefore(a, b) ? -1 : 1)).map((each) => [each.name, each])).values(),
  ];
  for await (const key of ascending) {
    if (together.length > 0 && together[0]?.atMs !== key.atMs) {
      yield* ordered();
      together = [];
    }
    together.push({ key, name: nameOf(key), atMs: key.atMs });
  }
  yield* ordered();
}
