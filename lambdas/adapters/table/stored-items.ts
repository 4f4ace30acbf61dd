import { INDEXES } from '../../contract.ts';
import { parseDayIndexKey, parseMessageSort } from '../../domain/keys.ts';
import type { HistoryEntry, StoredEvent, StoredStatus } from '../../read-api/ports.ts';
import { unpackEvent } from './event-codec.ts';

/** An item as the document client gives it. */
export type Item = Record<string, unknown>;

/** Events and statuses of a message's partition, each unpacked when it is asked for; other items are passed over. */
export function* historyEntries(items: readonly Item[]): Generator<HistoryEntry> {
  for (const item of items) {
    const sort = item.sk as string;
    const { isStatus, eventKey } = parseMessageSort(sort);
    if (isStatus) yield { sort, status: storedStatus(item) };
    else if (eventKey !== undefined) yield { sort, event: storedEvent(item) };
  }
}

export function storedStatus(item: Item): StoredStatus {
  const { recipient, status, reason, statusAt, decidedBy } = item as unknown as StoredStatus & { statusAt: number };
  const { recipientKey } = parseMessageSort(item.sk as string);
  return { recipientKey, recipient, status, reason, statusAtMs: statusAt, decidedBy };
}

export function storedEvent(item: Item): StoredEvent {
  const { recipientKey, eventKey = '' } = parseMessageSort(item.sk as string);
  return {
    eventKey,
    recipientKey,
    domain: parseDayIndexKey(item[INDEXES.byDay.partitionKey] as string).domain,
    event: unpackEvent(item.raw as Uint8Array),
    source: item.source as StoredEvent['source'],
    receivedAtMs: item.receivedAt as number,
    atMs: item[INDEXES.byDay.sortKey] as number,
    unconfirmedSinceMs: item.unconfirmedSince as number | undefined,
  };
}
