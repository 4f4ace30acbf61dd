import { INDEXES } from '../../contract.ts';
import { domainOfPartition } from '../../domain/day-index.ts';
import { readSort } from '../../domain/identity.ts';
import type { HistoryEntry, StoredEvent, StoredStatus } from '../../domain/read-ports.ts';
import { unpackEvent } from './event-codec.ts';

/** An item as the document client gives it. */
export type Item = Record<string, unknown>;

/** Events and statuses of a message's partition, each unpacked when it is asked for; other items are passed over. */
export function* historyEntries(items: readonly Item[]): Generator<HistoryEntry> {
  for (const item of items) {
    const sort = item.sk as string;
    if (sort.endsWith('#STATUS')) yield { sort, status: storedStatus(item) };
    else if (readSort(sort).eventKey !== undefined) yield { sort, event: storedEvent(item) };
  }
}

export function storedStatus(item: Item): StoredStatus {
  const { recipient, status, reason, statusAt, decidedBy } = item as unknown as StoredStatus & { statusAt: number };
  const { recipientKey } = readSort(item.sk as string);
  return { recipientKey, recipient, status, reason, statusAtMs: statusAt, decidedBy };
}

export function storedEvent(item: Item): StoredEvent {
  const { recipientKey, eventKey = '' } = readSort(item.sk as string);
  return {
    eventKey,
    recipientKey,
    domain: domainOfPartition(item[INDEXES.byDay.partitionKey] as string),
    event: unpackEvent(item.raw as Uint8Array),
    source: item.source as StoredEvent['source'],
    receivedAtMs: item.receivedAt as number,
    atMs: item[INDEXES.byDay.sortKey] as number,
  };
}
