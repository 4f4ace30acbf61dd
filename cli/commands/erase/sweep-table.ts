import { DeleteCommand, PutCommand, paginateScan, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { conditionalWrite, type LedgerTable } from '../../../lambdas/adapters/table/ledger-table.ts';
import { INDEXES } from '../../../lambdas/contract.ts';
import { recipientOf } from '../../../lambdas/domain/events/mailgun-event.ts';
import type { JsonObject } from '../../../lambdas/domain/json.ts';
import {
  domainOfChainHead,
  isEventPartition,
  namesRecipient,
  parseDayIndexKey,
  parseMessageSort,
  recipientOfSuppressions,
} from '../../../lambdas/domain/keys.ts';
import { withAddressesIn } from '../../../lambdas/domain/recipients/address.ts';
import {
  isOf,
  textWithoutAddress,
  tombstoneIdentity,
  tombstoneOf,
  withoutAddress,
} from '../../../lambdas/domain/recipients/erasure.ts';
import { packEvent, unpackEvent } from '../../../lambdas/formats/packed-event.ts';
import type { ChainHead } from '../../../lambdas/seal/ports.ts';

/** The items that one scan of the whole table found. */
export interface Swept {
  items: number;
  /** Capacity that the reading used. */
  readUnits: number;
  messages: Set<string>;
  /** The heads of the archive's chains, by domain. */
  heads: Map<string, ChainHead>;
  events: number;
  statuses: number;
  suppressions: number;
  mentions: number;
  /** Of the events, statuses and suppressions, those whose recipient names another address as well. */
  shared: number;
  kept: number;
}

const SEGMENTS = 4;
const AT_ONCE = 10;
const COUNTERS = { event: 'events', status: 'statuses', suppression: 'suppressions', mention: 'mentions' } as const;

/**
 * Reads every item, strongly, and deletes what belongs to the recipient; with `isPlan` it only counts. The index
 * by recipient would be quicker, but it lags, and it forgets a message whose status has expired before its events.
 */
export async function sweep(
  table: LedgerTable,
  findings: Findings,
  { isPlan, signal, onPage }: { isPlan: boolean; signal: AbortSignal; onPage: (swept: Swept) => void },
): Promise<Swept> {
  const counts = { events: 0, statuses: 0, suppressions: 0, mentions: 0, shared: 0, kept: 0 };
  const swept: Swept = { items: 0, readUnits: 0, messages: new Set(), heads: new Map(), ...counts };
  const sweepSegment = async (Segment: number) => {
    const pages = paginateScan(
      { client: table.client },
      {
        TableName: table.name,
        ConsistentRead: true,
        Segment,
        TotalSegments: SEGMENTS,
        ReturnConsumedCapacity: 'TOTAL',
      },
    );
    for await (const { Items = [], ConsumedCapacity } of pages) {
      for (const item of Items as SweptItem[]) {
        const domain = domainOfChainHead(item);
        if (domain !== undefined) swept.heads.set(domain, item as unknown as ChainHead);
      }
      const found = (Items as SweptItem[]).flatMap((item) => {
        const finding = findings.find(item);
        if (finding.kind !== 'none') return [{ item, finding }];
        if (findings.isKept(item)) swept.kept += 1;
        return [];
      });
      for (let from = 0; from < found.length; from += AT_ONCE) {
        if (signal.aborted) return;
        const some = found.slice(from, from + AT_ONCE);
        if (!isPlan) await Promise.all(some.map(({ item, finding }) => eraseItem(table, item, finding)));
        for (const { item, finding } of some) {
          swept[COUNTERS[finding.kind]] += 1;
          if (finding.kind !== 'mention' && finding.isShared) swept.shared += 1;
          if (finding.kind === 'status' || finding.kind === 'event') swept.messages.add(item.pk);
        }
      }
      swept.items += Items.length;
      swept.readUnits += ConsumedCapacity?.CapacityUnits ?? 0;
      onPage(swept);
      if (signal.aborted) return;
    }
  };
  await Promise.all(Array.from({ length: SEGMENTS }, (_, segment) => sweepSegment(segment)));
  return swept;
}

/** Erases an item; each step may be the last before a crash, and can be repeated. */
async function eraseItem(
  table: LedgerTable,
  item: SweptItem,
  finding: Exclude<SweepAction, { kind: 'none' }>,
): Promise<void> {
  const { client, name } = table;
  const key = { pk: item.pk, sk: item.sk };
  if (finding.kind === 'event') {
    await putTombstone(table, finding.tombstone);
    // A webhook may have been noted since it was read; the next sweep carries that over.
    await conditionalWrite(() =>
      client.send(
        new DeleteCommand({
          TableName: name,
          Key: key,
          ...(item.webhookAt === undefined && { ConditionExpression: 'attribute_not_exists(webhookAt)' }),
        }),
      ),
    );
  } else if (finding.kind === 'mention') {
    await conditionalWrite(() =>
      client.send(
        new UpdateCommand({
          TableName: name,
          Key: key,
          ConditionExpression: '#raw = :old',
          UpdateExpression: 'SET #raw = :raw',
          ExpressionAttributeNames: { '#raw': 'raw' },
          ExpressionAttributeValues: { ':old': item.raw, ':raw': finding.raw },
        }),
      ),
    );
  } else await client.send(new DeleteCommand({ TableName: name, Key: key }));
}

/** Puts a tombstone before its event is deleted, so that reconciliation always finds one of the two. */
async function putTombstone({ client, name }: LedgerTable, tombstone: SweptItem): Promise<void> {
  const isPut = await conditionalWrite(() =>
    client.send(new PutCommand({ TableName: name, Item: tombstone, ConditionExpression: 'attribute_not_exists(pk)' })),
  );
  if (isPut || tombstone.webhookAt === undefined) return;
  await client.send(
    new UpdateCommand({
      TableName: name,
      Key: { pk: tombstone.pk, sk: tombstone.sk },
      UpdateExpression: 'SET webhookAt = if_not_exists(webhookAt, :at)',
      ExpressionAttributeValues: { ':at': tombstone.webhookAt },
    }),
  );
}

/** An item of the table, whole. */
type SweptItem = { pk: string; sk: string } & Readonly<Record<string, unknown>>;

/** The action for an item. */
type SweepAction =
  | { kind: 'none' }
  | { kind: 'event'; isShared: boolean; tombstone: SweptItem }
  | { kind: 'status' | 'suppression'; isShared: boolean }
  | { kind: 'mention'; raw: Uint8Array };

/** Judges items for one recipient under the erasure key. */
export function createFindings(recipient: string, erasureKey: string) {
  function find(item: SweptItem): SweepAction {
    const { pk, sk } = item;
    const sent = typeof item.recipient === 'string' ? item.recipient : '';
    const suppressed = recipientOfSuppressions(pk);
    if (suppressed !== undefined) return ofOwner('suppression', [suppressed, sent]) ?? { kind: 'none' };
    if (!isEventPartition(pk)) return { kind: 'none' };
    const { recipientKey: named, isStatus, eventKey } = parseMessageSort(sk);
    if (isStatus) return ofOwner('status', [named, sent]) ?? { kind: 'none' };
    if (!(item.raw instanceof Uint8Array)) return { kind: 'none' };
    const event = unpackEvent(item.raw, item);
    // A key without a name has no tombstone: it would be the event itself.
    const isNamed = eventKey !== undefined && namesRecipient(named);
    const owned = isNamed ? ofOwner('event', [named, recipientOf(event) ?? '']) : undefined;
    if (owned !== undefined) return { ...owned, tombstone: tombstone(item, event) };
    const cleaned = withoutAddress(event, recipient);
    return cleaned === event ? { kind: 'none' } : { kind: 'mention', raw: packEvent(cleaned, item) };
  }

  /** Returns the action for an item of a recipient, as in its key and as sent: a long one is hashed in the key. */
  function ofOwner<Kind extends 'event' | 'status' | 'suppression'>(kind: Kind, spellings: readonly string[]) {
    if (!spellings.some((each) => isOf(each, recipient))) return undefined;
    const others = spellings.map((each) => textWithoutAddress(each, recipient));
    const isShared = others.some((text) => withAddressesIn(text).length > 1);
    return { kind, isShared };
  }

  function tombstone(item: SweptItem, event: JsonObject): SweptItem {
    const { eventSort } = tombstoneIdentity({ eventSort: item.sk }, erasureKey);
    // The event itself need not name its domain.
    const { domain } = parseDayIndexKey(String(item[INDEXES.byDay.partitionKey] ?? ''));
    const key = { pk: item.pk, sk: eventSort };
    return { ...item, ...key, raw: packEvent(tombstoneOf({ recipient, ...event }, domain), key) };
  }

  /** Returns true if the address is where it is not erased: in a message id, an event id, or a tag of a slice. */
  function isKept({ raw: _raw, ...rest }: SweptItem): boolean {
    // The separator of keys is valid in an address.
    const text = JSON.stringify(rest).replaceAll('#', ' ');
    return textWithoutAddress(text, recipient) !== text;
  }

  return { find, isKept };
}

export type Findings = ReturnType<typeof createFindings>;
