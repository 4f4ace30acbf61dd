import { INDEXES, UNKNOWN_DOMAIN } from '../../contract.ts';
import { domainInPartition, parseMessageSort } from '../../domain/keys.ts';
import { readOrder } from '../../domain/status/decide-status.ts';
import type { StatusUpdate } from '../../domain/status/status-update.ts';
import type { StoredStatus } from '../../read-api/ports.ts';
import type { Item } from './ledger-table.ts';

/**
 * Statuses are kept for years, so an item leaves out what its keys and its order imply: an absent reason, a recipient
 * spelled as in the key, a domain with which the message id ends. Items of earlier versions hold all of it, `status`
 * included; the next change removes it.
 */
const TOLD_BY_ORDER = ['#status', 'statusAt', 'decidedBy'];
const NAMES = { '#order': 'order', '#status': 'status' };

/** SET and REMOVE parts of an update expression, with its names and values. */
export interface StatusChange {
  readonly set: readonly string[];
  readonly remove: readonly string[];
  readonly names: Readonly<Record<string, string>>;
  readonly values: Readonly<Record<string, string>>;
}

/** Returns how the item of a status is changed to what an event has decided. */
export function changeOfDecision({ reason }: Pick<StatusUpdate, 'reason'>, order: string): StatusChange {
  return {
    set: ['#order = :order', ...(reason === null ? [] : ['reason = :reason'])],
    remove: [...TOLD_BY_ORDER, ...(reason === null ? ['reason'] : [])],
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
  const told = readOrder(order);
  const { recipient = parseMessageSort(sk).recipientKey, domain = domainInPartition(pk) } = rest;
  return { recipient, status: told.status, reason, statusAtMs: told.atMs, decidedBy: told.eventKey, domain };
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
