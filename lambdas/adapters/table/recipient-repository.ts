import { domainToASCII, domainToUnicode } from 'node:url';
import { GetCommand } from '@aws-sdk/lib-dynamodb';
import { INDEXES, UNKNOWN_DOMAIN } from '../../contract.ts';
import { messageIdOf } from '../../domain/events/event.ts';
import {
  domainInPartition,
  EVERY_RECIPIENT,
  eventSort,
  eventSortPrefix,
  keyPart,
  messageIdInPartition,
  messagePartition,
  parseMessageSort,
  recipientIndexKey,
  recipientKey,
  statusSort,
  suppressionIndexKey,
  suppressionPartition,
} from '../../domain/keys.ts';
import { bareAddress } from '../../domain/recipients/address.ts';
import { readOrder } from '../../domain/status/decide-status.ts';
import type { StatusUpdate } from '../../domain/status/status-update.ts';
import type { StoredSuppression } from '../../domain/status/suppression.ts';
import type {
  HistoryEntry,
  MailReader,
  MessageHistory,
  RecipientHistory,
  RecipientMessage,
  StoredStatus,
  SuppressionList,
  Suppressions,
} from '../../read-api/ports.ts';
import {
  batchGetAll,
  batchGetAtOnce,
  type Item,
  itemName,
  type LedgerTable,
  queryNewest,
  queryRange,
  readPartition,
} from './ledger-table.ts';
import { originOf, storedEvent } from './stored-event-repository.ts';

/** Reads everything stored of one message, page by page. */
export function createMessageHistory(table: LedgerTable): MessageHistory {
  const { client, name } = table;
  return {
    async page(messageId, limit, after) {
      return historyPage(await queryRange(table, messagePartition(messageId), EVERY_RECIPIENT, limit, after));
    },

    async status(messageId, recipientKey) {
      const Key = { pk: messagePartition(messageId), sk: statusSort(recipientKey) };
      const { Item } = await client.send(new GetCommand({ TableName: name, Key }));
      return Item && storedStatus(Item);
    },

    async originOf(messageId, recipientKey, eventKey) {
      const Key = { pk: messagePartition(messageId), sk: eventSort(recipientKey, eventKey) };
      const { Item } = await client.send(
        new GetCommand({
          TableName: name,
          Key,
          ProjectionExpression: '#source, receivedAt, storedAt, unconfirmedSince',
          ExpressionAttributeNames: { '#source': 'source' },
        }),
      );
      return Item && originOf(Item);
    },
  };
}

/** Reads the messages of a recipient, by the index of recipients. */
export function createRecipientHistory(table: LedgerTable): RecipientHistory {
  const mails = createMailReader(table);
  return {
    async newest(recipientKey, { fromMs, toMs }, limit, after) {
      const partition = recipientIndexKey(recipientKey);
      const place = after && { pk: after.partition, sk: statusSort(recipientKey), atMs: after.atMs };
      const time = { fromMs, throughMs: toMs - 1 };
      const { items, hasMore } = await queryNewest(table, partition, time, limit, place);
      return { places: items.map(({ pk, atMs }) => ({ partition: pk, atMs })), hasMore };
    },

    messages: (recipientKey, places) =>
      mails.read(
        places.map(({ partition }) => ({ partition, recipientKey })),
        () => true,
      ),

    async events(partition, recipientKey, name, limit, after) {
      return historyPage(await queryRange(table, partition, eventSortPrefix(recipientKey, name), limit, after));
    },
  };
}

/** Reads the statuses of mails, and the events that decided them: two reads for each hundred. */
export function createMailReader(table: LedgerTable): MailReader {
  return {
    async read(places, isWanted) {
      const keys = places.map(({ partition, recipientKey }) => ({ pk: partition, sk: statusSort(recipientKey) }));
      const statuses = new Map(
        [...(await itemsOf(keys))].flatMap(([name, item]) => {
          const status = storedStatus(item);
          return isWanted(status) ? [[name, { pk: item.pk as string, status }]] : [];
        }),
      );
      const eventKeyOf = ({ pk, status }: { pk: string; status: StoredStatus }) => ({
        pk,
        sk: eventSort(status.recipientKey, status.decidedBy),
      });
      const deciding = await itemsOf([...statuses.values()].map(eventKeyOf));
      return keys.map((key): RecipientMessage | undefined => {
        const stored = statuses.get(itemName(key));
        if (stored === undefined) return undefined;
        const found = deciding.get(itemName(eventKeyOf(stored)));
        const event = found && storedEvent(found);
        // A message id that is too long for a key is in the events alone.
        const messageId = messageIdInPartition(key.pk) ?? (event && messageIdOf(event.event)) ?? null;
        return { messageId, status: stored.status, deciding: event };
      });
    },
  };

  /** Returns items by their names; a key that is given twice is read once. */
  async function itemsOf(keys: readonly { pk: string; sk: string }[]): Promise<Map<string, Item>> {
    const distinct = new Map(keys.map((key) => [itemName(key), key]));
    const found = await batchGetAtOnce(table, [...distinct.values()]);
    return new Map(found.map((item) => [itemName(item), item]));
  }
}

const historyPage = ({ items, hasMore }: { items: readonly Item[]; hasMore: boolean }) => ({
  entries: historyEntries(items),
  last: items.at(-1)?.sk as string | undefined,
  hasMore,
});

/** Yields events and statuses of a message's partition, each unpacked on demand; skips other items. */
export function* historyEntries(items: readonly Item[]): Generator<HistoryEntry> {
  for (const item of items) {
    const sort = item.sk as string;
    const { isStatus, eventKey } = parseMessageSort(sort);
    if (isStatus) yield { sort, status: storedStatus(item) };
    else if (eventKey !== undefined) {
      const event = storedEvent(item);
      if (event !== undefined) yield { sort, event };
    }
  }
}

/** Reads the suppressions of a recipient, whatever the spelling of the address. */
export function createSuppressionRepository(table: LedgerTable): Suppressions {
  return {
    async list(recipient) {
      const found: StoredSuppression[] = [];
      for await (const item of readSuppressionItems(table, recipient)) found.push(storedSuppression(item));
      return found;
    },
  };
}

/**
 * Yields the items of a recipient's suppressions, which are one partition: one read, unless it holds over a megabyte,
 * or an older version may have stored it under another spelling. Read strongly: one may have been lifted a moment ago.
 */
export async function* readSuppressionItems(table: LedgerTable, recipient: string): AsyncGenerator<Item> {
  for (const key of recipientKeys(recipient)) {
    for await (const item of readPartition(table, suppressionPartition(key))) {
      if (!isWithdrawn(item)) yield item;
    }
  }
}

/**
 * Lists suppressions by the index of recipients, since a scan reads every event; reads the items strongly. The index keys
 * are written once, and `since` of an item is never later than its place in the index, so a query misses none.
 */
export function createSuppressionList(table: LedgerTable): SuppressionList {
  return {
    async newest(domain, kind, sinceMs, limit, after) {
      const partition = suppressionIndexKey(domain, kind);
      const place = after && { pk: after.partition, sk: after.sort, atMs: after.atMs };
      const time = { fromMs: sinceMs, throughMs: Number.MAX_SAFE_INTEGER };
      const { items: listed, hasMore } = await queryNewest(table, partition, time, limit, place);
      const Keys = listed.map(({ pk, sk }) => ({ pk, sk }));
      const items = await batchGetAll(table, { Keys, ConsistentRead: true });
      const byName = new Map(items.map((item) => [itemName(item), suppressionItem(item)]));
      const found = listed.map((item) => ({
        place: { partition: item.pk, sort: item.sk, atMs: item.atMs },
        suppression: byName.get(itemName(item)),
      }));
      return { found, hasMore };
    },
  };
}

/** Returns true for what is left of a suppression that a correction withdrew: how often, so that it can be ordered. */
export const isWithdrawn = ({ corrections, lastAt, liftedAt }: Item): boolean =>
  corrections !== undefined && lastAt === undefined && liftedAt === undefined;

/** Returns the suppression in an item. Older items lack the latest event. */
export function storedSuppression(item: Item): StoredSuppression {
  const {
    since,
    lastAt = since,
    liftedAt,
    reason = null,
    source = 'event',
    corrections,
    ...rest
  } = item as unknown as SuppressionAttributes;
  const { domain, kind, scope, eventKey } = rest;
  const withdrawn = isWithdrawn(item);
  const times = { sinceMs: since, lastAtMs: lastAt, liftedAtMs: liftedAt ?? (withdrawn ? since : null) };
  const corrected = corrections !== undefined && { corrections, ...(withdrawn && { isWithdrawn: true }) };
  return { domain, kind, scope, reason, source, eventKey, ...times, ...corrected };
}

/** A suppression with its key and its recipient. */
export interface SuppressionItem extends StoredSuppression {
  readonly pk: string;
  readonly sk: string;
  readonly recipient: string;
}

/** Returns the suppression in an item, with its key and recipient. */
export function suppressionItem(item: Item): SuppressionItem {
  const { pk, sk, recipient } = item as unknown as SuppressionItem;
  return { pk, sk, recipient, ...storedSuppression(item) };
}

interface SuppressionAttributes extends Pick<StoredSuppression, 'domain' | 'kind' | 'scope' | 'eventKey'> {
  readonly reason?: string | null;
  readonly source?: StoredSuppression['source'];
  readonly since: number;
  readonly lastAt?: number;
  readonly liftedAt?: number | null;
  readonly corrections?: number;
}

const ONLY_ASCII = /^\p{ASCII}*$/u;

/** Returns the keys under which a recipient may be stored, today's first; one for nearly every address. */
export function recipientKeys(recipient: string): string[] {
  return [recipientKey(recipient), ...olderRecipientKeys(recipient)];
}

/**
 * Returns the other keys under which an older version stored a recipient: in lower case, but otherwise as sent. None
 * for nearly every address, since only characters beyond ASCII can be spelled in several ways.
 */
export function olderRecipientKeys(recipient: string): string[] {
  const sent = bareAddress(recipient).toLowerCase();
  const at = sent.lastIndexOf('@');
  const [local, domain] = [sent.slice(0, at), sent.slice(at + 1)];
  const unicode = domainToUnicode(domain) || domain;
  if (at < 0 || ONLY_ASCII.test(local + unicode)) return [];
  const spellings = [local.normalize('NFC'), local.normalize('NFD')].flatMap((part) =>
    [domainToASCII(domain) || domain, unicode.normalize('NFC'), unicode.normalize('NFD')].map(
      (host) => `${part}@${host}`,
    ),
  );
  const keys = new Set([sent, ...spellings].map(keyPart));
  keys.delete(recipientKey(recipient));
  return [...keys];
}

/**
 * Statuses are kept for years, so an item leaves out what its keys and its order imply: an absent reason, a recipient
 * spelled as in the key, a domain with which the message id ends. Items of earlier versions hold all of it, `status`
 * included; the next change removes it.
 */
const IMPLIED_BY_ORDER = ['#status', 'statusAt', 'decidedBy'];
const NAMES = { '#order': 'order', '#status': 'status' };

/** SET and REMOVE parts of an update expression, with its names and values. */
interface StatusChange {
  readonly set: readonly string[];
  readonly remove: readonly string[];
  readonly names: Readonly<Record<string, string>>;
  readonly values: Readonly<Record<string, string>>;
}

/** Returns how the item of a status is changed to what an event has decided. */
export function changeOfDecision({ reason }: Pick<StatusUpdate, 'reason'>, order: string): StatusChange {
  return {
    set: ['#order = :order', ...(reason === null ? [] : ['reason = :reason'])],
    remove: [...IMPLIED_BY_ORDER, ...(reason === null ? ['reason'] : [])],
    names: NAMES,
    values: { ':order': order, ...(reason !== null && { ':reason': reason }) },
  };
}

/** Returns the change that stores message and recipient in the status item. */
export function changeOfOwner(key: { pk: string; sk: string }, recipient: string, domain: string): StatusChange {
  const isInKey = recipient === parseMessageSort(key.sk).recipientKey;
  const isInMessageId = domain === domainInPartition(key.pk);
  return {
    set: [...(isInKey ? [] : ['recipient = :recipient']), ...(isInMessageId ? [] : ['#domain = :domain'])],
    remove: [...(isInKey ? ['recipient'] : []), ...(isInMessageId ? ['#domain'] : [])],
    names: { '#domain': 'domain' },
    values: { ...(!isInKey && { ':recipient': recipient }), ...(!isInMessageId && { ':domain': domain }) },
  };
}

/** Returns the status in an item of any version. */
export interface StatusFacts
  extends Pick<StoredStatus, 'recipient' | 'status' | 'reason' | 'statusAtMs' | 'decidedBy'> {
  /** Absent in the oldest items. */
  readonly domain: string | undefined;
}

/** Reads the item of a status. */
export function statusFacts(item: Item): StatusFacts {
  const { pk, sk, order, status, reason = null, statusAt, decidedBy, ...rest } = item as unknown as StatusItem;
  if (status !== undefined) {
    const { recipient = '', domain } = rest;
    return { recipient, status, reason, statusAtMs: statusAt as number, decidedBy: decidedBy as string, domain };
  }
  const decided = readOrder(order);
  const { recipient = parseMessageSort(sk).recipientKey, domain = domainInPartition(pk) } = rest;
  return { recipient, status: decided.status, reason, statusAtMs: decided.atMs, decidedBy: decided.eventKey, domain };
}

/** Reads the item of a status, with its place. */
export function storedStatus(item: Item): StoredStatus {
  const facts = statusFacts(item);
  const { recipientKey } = parseMessageSort(item.sk as string);
  const firstAtMs = (item[INDEXES.byRecipient.sortKey] as number | undefined) ?? facts.statusAtMs;
  return { ...facts, recipientKey, firstAtMs, domain: facts.domain ?? UNKNOWN_DOMAIN };
}

interface StatusItem {
  readonly pk: string;
  readonly sk: string;
  readonly order: string;
  readonly status?: StoredStatus['status'];
  readonly reason?: string | null;
  readonly statusAt?: number;
  readonly decidedBy?: string;
  readonly recipient?: string;
  readonly domain?: string;
}
