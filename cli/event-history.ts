import { type Item, readPartition } from '../lambdas/adapters/table/ledger-table.ts';
import { type StatusFacts, statusFacts } from '../lambdas/adapters/table/recipient-repository.ts';
import { isMergedCopy } from '../lambdas/adapters/table/stored-event-repository.ts';
import { INDEXES } from '../lambdas/contract.ts';
import { bareMessageId } from '../lambdas/domain/events/event.ts';
import type { Source } from '../lambdas/domain/events/queue-message.ts';
import type { JsonObject } from '../lambdas/domain/json.ts';
import { messagePartition, parseDayIndexKey, parseMessageSort } from '../lambdas/domain/keys.ts';
import { unpackEvent } from '../lambdas/formats/packed-event.ts';
import { UsageError } from './errors.ts';
import { tableOf } from './ledger.ts';
import type { Deployment } from './target/types.ts';

/** A stored event with how it came in, as far as that is kept. Times in epoch milliseconds. */
export interface HistoryEvent {
  readonly partition: string;
  readonly eventSort: string;
  /** `<name>#<id>` */
  readonly eventKey: string;
  /** Absent where the recipient was erased. */
  readonly event: JsonObject | undefined;
  readonly domain: string;
  readonly atMs: number;
  readonly source: Source | undefined;
  readonly receivedAtMs: number | undefined;
  /** When it was stored, where that was not promptly. */
  readonly storedAtMs?: number | undefined;
  /** When a webhook brought it, first or again. */
  readonly webhookAtMs: number | undefined;
  /** Since when it is known that Mailgun does not list it. */
  readonly unconfirmedSinceMs: number | undefined;
  /** When `distrust` discarded its effect. */
  readonly distrustedAtMs?: number | undefined;
  /** It has left the table, and was read in the archive. */
  readonly isArchived?: true;
}

export interface HistoryRecipient {
  /** As in the keys: lower case. */
  readonly key: string;
  readonly recipient: string;
  readonly status: string | null;
  readonly reason: string | null;
  readonly statusAtMs: number | undefined;
  readonly decidedBy: string | undefined;
  /** Sending domain and time of the first event, according to the status. */
  readonly domain: string | undefined;
  readonly firstAtMs: number | undefined;
  /** By their own time. */
  readonly events: readonly HistoryEvent[];
}

/** Returns a message id without angle brackets; throws a UsageError for one that is empty. */
export function checkMessageId(given: string): string {
  const messageId = bareMessageId(given);
  if (messageId === '') throw new UsageError('the message id is empty');
  return messageId;
}

/** Returns everything stored of a message, by recipient; empty if nothing is. */
export async function readHistory(deployment: Deployment, messageId: string): Promise<HistoryRecipient[]> {
  const statuses = new Map<string, Item>();
  const events = new Map<string, HistoryEvent[]>();
  for await (const item of readPartition(tableOf(deployment), messagePartition(messageId))) {
    const { recipientKey: recipient, isStatus, eventKey } = parseMessageSort(item.sk as string);
    if (isStatus) statuses.set(recipient, item);
    else if (eventKey !== undefined && !isMergedCopy(item))
      events.set(recipient, [...(events.get(recipient) ?? []), eventOf(item)]);
  }
  return [...new Set([...statuses.keys(), ...events.keys()])].map((key) =>
    recipientOf(key, statuses.get(key), events.get(key) ?? []),
  );
}

function recipientOf(key: string, item: Item | undefined, events: HistoryEvent[]): HistoryRecipient {
  const {
    recipient = key,
    status = null,
    reason = null,
    statusAtMs,
    decidedBy,
    domain,
  } = item ? statusFacts(item) : ({} as Partial<StatusFacts>);
  return {
    key,
    recipient: recipient || '-',
    status,
    reason,
    statusAtMs,
    decidedBy,
    domain,
    firstAtMs: item?.[INDEXES.byRecipient.sortKey] as number | undefined,
    events: events.toSorted((a, b) => a.atMs - b.atMs || (a.eventKey < b.eventKey ? -1 : 1)),
  };
}

/** Reads an event's item. */
export function eventOf(item: Item): HistoryEvent {
  const [pk, sk] = [item.pk as string, item.sk as string];
  return {
    partition: pk,
    eventSort: sk,
    eventKey: parseMessageSort(sk).eventKey ?? '',
    event: item.raw === undefined ? undefined : unpackEvent(item.raw as Uint8Array, { pk, sk }),
    domain: parseDayIndexKey((item[INDEXES.byDay.partitionKey] as string | undefined) ?? '').domain,
    atMs: item[INDEXES.byDay.sortKey] as number,
    source: item.source as Source | undefined,
    receivedAtMs: item.receivedAt as number | undefined,
    storedAtMs: item.storedAt as number | undefined,
    webhookAtMs: item.webhookAt as number | undefined,
    unconfirmedSinceMs: item.unconfirmedSince as number | undefined,
    distrustedAtMs: item.distrustedAt as number | undefined,
  };
}
