import { type Claim, judgeClaim } from '../../lambdas/domain/claim.ts';
import { recipientOf } from '../../lambdas/domain/event.ts';
import type { EventIdentity } from '../../lambdas/domain/identity.ts';
import { keyPart, messagePartition, recipientKey } from '../../lambdas/domain/identity.ts';
import type {
  Claims,
  EventLookup,
  EventQueue,
  EventRecord,
  FirstWebhook,
  KeyRing,
  MessageHistory,
  Records,
} from '../../lambdas/domain/ports.ts';
import { decodeQueueMessage, encodeQueueMessage, type QueueMessage } from '../../lambdas/domain/queue-message.ts';
import type { SigningKeys } from '../../lambdas/domain/signature.ts';
import { type Status, statusOrder } from '../../lambdas/domain/status.ts';

export interface StatusItem {
  order: string;
  status: Status | null;
  reason: string | null;
  statusAtMs: number;
  decidedBy: string;
  recipient: string;
}

/** The ports in memory, with the conditions that the engines check. */
export class InMemoryLedger implements Claims, EventLookup, FirstWebhook, EventQueue, Records, MessageHistory {
  claims = new Map<string, Claim>();
  firstWebhookAt: number | undefined;
  queue: string[] = [];
  events = new Map<string, EventRecord & { webhookAt?: number }>();
  statuses = new Map<string, StatusItem>();
  suppressions = new Map<string, { sinceMs: number; eventKey: string; reason: string | null }>();

  async claim(claim: Claim, nowSeconds: number) {
    const held = this.claims.get(claim.key);
    if (held !== undefined && held.expiresAt > nowSeconds) return judgeClaim(held, claim);
    this.claims.set(claim.key, claim);
    return 'claimed' as const;
  }

  async isStored(identity: EventIdentity) {
    return this.events.has(itemKey(identity));
  }

  async noteWebhook(identity: EventIdentity, atMs: number) {
    const stored = this.events.get(itemKey(identity));
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

  /** Takes all queued messages, as process would read them. */
  takeMessages(): QueueMessage[] {
    return this.queue.splice(0).map((body) => {
      const decoded = decodeQueueMessage(body);
      if (!decoded.ok) throw new Error(decoded.reason);
      return decoded.message;
    });
  }

  async suppress(record: EventRecord, { kind, scope, reason }: Parameters<Records['suppress']>[1]) {
    const key = `${recipientKey(recipientOf(record.event) ?? '')} ${keyPart(record.domain)}#${kind}#${keyPart(scope)}`;
    const held = this.suppressions.get(key);
    const { eventKey } = record.identity;
    const isEarlier =
      held === undefined || held.sinceMs > record.atMs || (held.sinceMs === record.atMs && held.eventKey > eventKey);
    if (isEarlier) this.suppressions.set(key, { sinceMs: record.atMs, eventKey, reason });
  }

  async joinStatus(record: EventRecord, verdict: Parameters<Records['joinStatus']>[1]) {
    const key = `${record.identity.partition} ${record.identity.statusSort}`;
    const order = statusOrder(verdict, record.atMs, record.identity.eventKey);
    const held = this.statuses.get(key);
    if (held !== undefined && held.order >= order) return;
    this.statuses.set(key, {
      order,
      status: verdict.status,
      reason: verdict.reason,
      statusAtMs: record.atMs,
      decidedBy: record.identity.eventKey,
      recipient: recipientOf(record.event) ?? '',
    });
  }

  async putEvent(record: EventRecord) {
    const key = itemKey(record.identity);
    const held = this.events.get(key);
    if (held === undefined) {
      this.events.set(key, { ...record, ...(record.source === 'webhook' && { webhookAt: record.receivedAtMs }) });
      return 'stored' as const;
    }
    if (record.source === 'webhook') held.webhookAt ??= record.receivedAtMs;
    return 'known' as const;
  }

  async read(messageId: string) {
    const partition = messagePartition(messageId);
    const inPartition = <T>([key]: [string, T]) => key.startsWith(`${partition} `);
    return {
      statuses: [...this.statuses].filter(inPartition).map(([, status]) => status),
      events: [...this.events]
        .filter(inPartition)
        .map(([, record]) => ({ ...record, eventKey: record.identity.eventKey })),
    };
  }
}

/** Keys that tests change at will; `reread` sees `next`, once. */
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
