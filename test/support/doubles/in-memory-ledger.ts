import type { Status } from '../../../lambdas/domain/event-types.ts';
import type { EventIdentity } from '../../../lambdas/domain/events/identity.ts';
import {
  decodeQueueMessage,
  encodeQueueMessage,
  type QueueMessage,
} from '../../../lambdas/domain/events/queue-message.ts';
import type { JsonObject } from '../../../lambdas/domain/json.ts';
import {
  eventSortPrefix,
  messagePartition,
  parseMessageSort,
  recipientKey,
  statusSort,
  suppressionSort,
} from '../../../lambdas/domain/keys.ts';
import type { DecidedStatus } from '../../../lambdas/domain/status/decide-status.ts';
import { statusOrder } from '../../../lambdas/domain/status/decide-status.ts';
import type { Suppression } from '../../../lambdas/domain/status/suppression.ts';
import { type Claim, judgeClaim } from '../../../lambdas/domain/webhooks/claim.ts';
import type { SigningKeys } from '../../../lambdas/domain/webhooks/signature.ts';
import type { Claims, EventLookup, EventSender, FirstWebhook, KeyRing } from '../../../lambdas/ingest/ports.ts';
import type { Corrections } from '../../../lambdas/process/correct-event.ts';
import type { EventRecord, Records, RedactedCopies } from '../../../lambdas/process/ports.ts';
import type { HistoryEntry, MessageHistory } from '../../../lambdas/read-api/ports.ts';

export interface StatusItem {
  order: string;
  status: Status | null;
  reason: string | null;
  statusAtMs: number;
  decidedBy: string;
  recipient: string;
  domain: string;
  corrections?: number | undefined;
  /** True if all of it came from the archive. */
  isRestored?: boolean;
}

export interface SuppressionItem {
  sinceMs: number;
  lastMs: number;
  eventKey: string;
  reason: string | null;
  source: string;
  corrections?: number;
}

/** For tests in which nothing has left the table. */
export const RETENTION = { days: 400, archiveBucket: undefined, now: () => 0 };

/** A stored event, with the event as Mailgun sent it. */
export type StoredRecord = Omit<EventRecord, 'event'> & {
  event: JsonObject;
  webhookAt?: number;
  distrustedAtMs?: number;
};

/** In-memory ports, with the conditions that the engines check. */
export class InMemoryLedger
  implements Claims, EventLookup, FirstWebhook, EventSender, Records, Corrections, MessageHistory
{
  claims = new Map<string, Claim>();
  firstWebhookAt: number | undefined;
  queue: string[] = [];
  events = new Map<string, StoredRecord>();
  /** Empty items of merged redacted copies. */
  merged = new Map<string, StoredRecord>();
  /** Number of events replaced and copies merged. */
  corrected = 0;
  statuses = new Map<string, StatusItem>();
  /** Time of the event that arrived first, as in the recipient index; depends on arrival. */
  #firstAt = new Map<string, number>();
  suppressions = new Map<string, SuppressionItem>();
  /** Suppressions that corrections withdrew. */
  withdrawn = new Map<string, SuppressionItem>();

  async claim(claim: Claim, nowSeconds: number) {
    const held = this.claims.get(claim.key);
    if (held !== undefined && held.expiresAt > nowSeconds) return judgeClaim(held, claim);
    this.claims.set(claim.key, claim);
    return 'claimed' as const;
  }

  async isStored(identity: EventIdentity) {
    return this.events.has(itemKey(identity)) || this.merged.has(itemKey(identity));
  }

  async noteWebhook(identity: EventIdentity, atMs: number) {
    const stored = this.events.get(itemKey(identity)) ?? this.merged.get(itemKey(identity));
    if (stored === undefined) return false;
    stored.webhookAt ??= atMs;
    return true;
  }

  async note(atMs: number) {
    this.firstWebhookAt ??= atMs;
  }

  async isNoted() {
    return this.firstWebhookAt !== undefined;
  }

  async send(message: QueueMessage) {
    this.queue.push(encodeQueueMessage(message));
  }

  /** Removes and returns all queued messages, as process reads them. */
  takeMessages(): QueueMessage[] {
    return this.queue.splice(0).map((body) => {
      const decoded = decodeQueueMessage(body);
      if (!decoded.ok) throw new Error(decoded.reason);
      return decoded.message;
    });
  }

  async suppress(record: EventRecord, { kind, scope, reason, source }: Parameters<Records['suppress']>[1]) {
    const key = `${recipientKey(record.event.recipient ?? '')} ${suppressionSort(record.domain, kind, scope)}`;
    const held = this.suppressions.get(key);
    const { corrections } = held ?? this.withdrawn.get(key) ?? {};
    const { eventKey } = record.identity;
    const isEarlier =
      held === undefined || held.sinceMs > record.atMs || (held.sinceMs === record.atMs && held.eventKey < eventKey);
    const lastMs = Math.max(held?.lastMs ?? 0, record.atMs);
    if (isEarlier) {
      const counted = corrections !== undefined && { corrections };
      this.suppressions.set(key, { sinceMs: record.atMs, lastMs, eventKey, reason, source, ...counted });
      this.withdrawn.delete(key);
    } else held.lastMs = lastMs;
  }

  async upsertStatus(record: EventRecord, update: Parameters<Records['upsertStatus']>[1]) {
    const key = `${record.identity.partition} ${record.identity.statusSort}`;
    const order = statusOrder(update, record.atMs, record.identity.eventKey);
    if (!this.#firstAt.has(key)) this.#firstAt.set(key, record.atMs);
    const held = this.statuses.get(key);
    if (held !== undefined && held.order >= order) return;
    this.statuses.set(key, {
      ...(held?.corrections !== undefined && { corrections: held.corrections }),
      ...(record.restored && (held?.isRestored ?? held === undefined) && { isRestored: true }),
      order,
      status: update.status,
      reason: update.reason,
      statusAtMs: record.atMs,
      decidedBy: record.identity.eventKey,
      recipient: record.event.recipient ?? '',
      domain: record.domain,
    });
  }

  async putEvent(record: EventRecord) {
    const key = itemKey(record.identity);
    if (this.merged.has(key)) return 'merged' as const;
    const held = this.events.get(key);
    if (held === undefined) {
      this.events.set(key, {
        ...record,
        event: record.event.raw,
        ...(record.source === 'webhook' && { webhookAt: record.receivedAtMs }),
      });
      return 'stored' as const;
    }
    if (record.source === 'webhook') held.webhookAt ??= record.receivedAtMs;
    return held.distrustedAtMs === undefined ? ('known' as const) : ('distrusted' as const);
  }

  async isDistrusted({ identity }: EventRecord) {
    return this.events.get(itemKey(identity))?.distrustedAtMs !== undefined;
  }

  /** Marks a stored event as distrusted. */
  async markDistrusted(identity: EventIdentity, atMs: number) {
    const held = this.events.get(itemKey(identity));
    if (held !== undefined) held.distrustedAtMs ??= atMs;
  }

  async siblings({ identity }: EventRecord) {
    const recipient = parseMessageSort(identity.eventSort).recipientKey;
    return [...this.events.values()]
      .filter((each) => each.identity.partition === identity.partition)
      .filter((each) => parseMessageSort(each.identity.eventSort).recipientKey === recipient)
      .map(({ event, atMs, distrustedAtMs, identity: { eventKey } }) => ({ event, atMs, eventKey, distrustedAtMs }));
  }

  async readOrder({ identity }: EventRecord) {
    return this.statuses.get(`${identity.partition} ${identity.statusSort}`)?.order;
  }

  async resetStatus(record: EventRecord, decided: DecidedStatus, seenOrder: string) {
    const key = `${record.identity.partition} ${record.identity.statusSort}`;
    const held = this.statuses.get(key);
    const { order, status, reason, atMs, eventKey } = decided;
    if (held?.order === order && held.reason === reason) return true;
    if (held === undefined || held.order !== seenOrder) return false;
    const recipient = record.event.recipient ?? '';
    const { domain } = held;
    const counts = held.status !== null || status !== null || held.corrections !== undefined;
    this.statuses.set(key, {
      ...(counts && { corrections: (held.corrections ?? 0) + 1 }),
      recipient,
      domain,
      order,
      status,
      reason,
      statusAtMs: atMs,
      decidedBy: eventKey,
    });
    return true;
  }

  async withdrawSuppressions(record: EventRecord, kept: readonly Suppression[]) {
    const partition = `${recipientKey(record.event.recipient ?? '')} `;
    const stays = kept.map(({ kind, scope }) => partition + suppressionSort(record.domain, kind, scope));
    for (const [key, held] of this.suppressions) {
      const { eventKey, sinceMs, lastMs, corrections = 0 } = held;
      const isOwn = key.startsWith(partition) && eventKey === record.identity.eventKey && sinceMs === lastMs;
      if (!isOwn || stays.includes(key)) continue;
      this.suppressions.delete(key);
      this.withdrawn.set(key, { ...held, corrections: corrections + 1 });
    }
  }

  async replaceEvent(record: EventRecord) {
    if (!this.events.has(itemKey(record.identity))) return;
    this.corrected += 1;
    this.events.set(itemKey(record.identity), { ...record, event: record.event.raw });
  }

  /** Separate from the other ports, whose method names it shares. */
  readonly copies: RedactedCopies = {
    read: async (copies) =>
      copies
        .map((copy) => this.events.get(itemKey(copy)) ?? this.merged.get(itemKey(copy)))
        .filter((record) => record !== undefined)
        .map(({ receivedAtMs, webhookAt }) => ({ receivedAtMs, webhookAtMs: webhookAt })),
    merge: async (copy) => {
      const record = this.events.get(itemKey(copy));
      if (record === undefined) return;
      this.merged.set(itemKey(copy), record);
      this.events.delete(itemKey(copy));
      this.corrected += 1;
    },
    dropStatus: async ({ partition, statusSort, eventKey }) => {
      const key = `${partition} ${statusSort}`;
      if (this.statuses.get(key)?.decidedBy === eventKey) this.statuses.delete(key);
    },
  };

  async page(messageId: string, limit: number, after = '') {
    const prefix = `${messagePartition(messageId)} `;
    const copies = [...this.merged.keys()].filter((key) => key.startsWith(prefix));
    const items = [...this.#entries(messageId), ...copies.map((key) => ({ sort: key.slice(prefix.length) }))]
      .filter(({ sort }) => sort > after)
      .sort((a, b) => (a.sort < b.sort ? -1 : 1));
    const read = items.slice(0, limit);
    const entries = read.filter((item): item is HistoryEntry => 'event' in item || 'status' in item);
    return { entries, last: read.at(-1)?.sort, hasMore: items.length > limit };
  }

  async status(messageId: string, recipient: string) {
    const found = this.#entries(messageId).find(({ sort }) => sort === statusSort(recipient));
    return found && 'status' in found ? found.status : undefined;
  }

  async originOf(messageId: string, recipient: string, eventKey: string) {
    const sort = eventSortPrefix(recipient) + eventKey;
    return this.events.get(`${messagePartition(messageId)} ${sort}`);
  }

  #entries(messageId: string): HistoryEntry[] {
    const prefix = `${messagePartition(messageId)} `;
    const entries: HistoryEntry[] = [];
    for (const [key, status] of this.statuses) {
      const sort = key.slice(prefix.length);
      if (key.startsWith(prefix)) {
        const firstAtMs = this.#firstAt.get(key) ?? status.statusAtMs;
        entries.push({ sort, status: { ...status, firstAtMs, ...parseMessageSort(sort) } });
      }
    }
    for (const [key, record] of this.events) {
      const sort = key.slice(prefix.length);
      const { eventKey } = record.identity;
      if (key.startsWith(prefix)) entries.push({ sort, event: { ...record, ...parseMessageSort(sort), eventKey } });
    }
    return entries.sort((a, b) => (a.sort < b.sort ? -1 : 1));
  }
}

/** Keys that tests can change; `reread` returns `next` once. */
export class InMemoryKeyRing implements KeyRing {
  rereads = 0;
  keys: SigningKeys | Error;
  next: SigningKeys | Error | undefined;

  constructor(keys: SigningKeys | Error, next?: SigningKeys | Error) {
    this.keys = keys;
    this.next = next;
  }

  async read() {
    if (this.keys instanceof Error) throw this.keys;
    return this.keys;
  }

  async reread() {
    this.rereads += 1;
    if (this.next instanceof Error) throw this.next;
    return this.next;
  }
}

function itemKey(identity: EventIdentity): string {
  return `${identity.partition} ${identity.eventSort}`;
}
