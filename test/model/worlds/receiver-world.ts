import { createDeliver } from '../../../lambdas/deliver/deliver.ts';
import type { ReceiverResponse } from '../../../lambdas/deliver/ports.ts';
import type { Delivery, DeliveryName } from '../../../lambdas/domain/publishing/delivery.ts';
import type { ReceiverState } from '../../../lambdas/domain/publishing/receiver-state.ts';
import { CrashableInvocation, type InjectedFailure } from '../../support/doubles/crashable-invocation.ts';
import { InMemoryErasures } from '../../support/fixtures/erasures.ts';

/** How a receiver handles a request. */
export type Behaviour = 'acknowledges' | 'fails' | 'acts without a response' | 'is gone';

interface QueuedMessage {
  readonly body: string;
  readonly sentAt: number;
  visibleAt: number;
  receives: number;
}

const VISIBILITY_MS = 180_000;
/** SQS's maximum visibility timeout. */
const MAX_VISIBILITY_MS = 12 * 3_600_000;
export const WAITS = [5, 300, 1800, 7200, 18_000, 36_000, 50_400];

/** One receiver with its queue, DLQ, log and clock, all in memory; the requests it received are the oracle. */
export class ReceiverWorld {
  now = Date.UTC(2026, 10, 28);
  state: ReceiverState = {};
  readonly log = new Map<string, Delivery>();
  readonly dlq: string[] = [];
  readonly bodiesInDlq: string[] = [];
  /** Bodies of received requests. */
  readonly bodies: string[] = [];
  readonly received = new Map<string, number>();
  queue: QueuedMessage[] = [];
  /** How far the queue's clock is ahead of that of `deliver`. */
  queueAheadMs = 0;
  /** Erased addresses, and whether the receiver gets addresses. */
  readonly erased = new InMemoryErasures();
  recipients = false;
  behaviour: (id: string, attempt: number) => Behaviour = () => 'acknowledges';
  #nth = 0;

  /** Publishes an event: logs it first, then puts it on the bus, which may lose or repeat it. */
  publish(id: string, copies = 1, fields: Readonly<Record<string, unknown>> = {}): void {
    const name = nameOf(id);
    if (!this.log.has(JSON.stringify(name))) {
      this.log.set(JSON.stringify(name), { state: 'published', version: 0, attempts: [] });
    }
    for (let copy = 0; copy < copies; copy += 1) this.send(id, 0, fields);
  }

  send(id: string, requestedAt = 0, fields: Readonly<Record<string, unknown>> = {}): void {
    const time = new Date(PUBLISHED_AT * 1000).toISOString();
    const detail = { recipient: addressOf(id), ...fields, id };
    const message = { 'detail-type': 'SuppressionChanged', time, detail, requestedAt };
    this.queue.push({
      body: JSON.stringify(message),
      sentAt: this.now + this.queueAheadMs,
      visibleAt: this.now,
      receives: 0,
    });
  }

  /** Passes the first visible message to a new invocation, which `trouble` may interrupt; returns the calls it made. */
  async step(trouble?: InjectedFailure): Promise<string[]> {
    const message = this.queue.find(({ visibleAt }) => visibleAt <= this.now);
    if (message === undefined) return [];
    message.visibleAt = this.now + VISIBILITY_MS;
    message.receives += 1;
    const invocation = new CrashableInvocation(trouble);
    const deliver = this.#deliver(invocation, message);
    const result = await invocation
      .run(() => deliver({ body: message.body, receiptHandle: '', sentAt: message.sentAt }))
      .catch(() => 'kept' as const);
    if (result === 'done') this.queue = this.queue.filter((each) => each !== message);
    return invocation.points;
  }

  /** Processes visible messages one by one until none is left or delivery is stopped. */
  async drain(maxSteps = 500): Promise<void> {
    for (let step = 0; this.queue.length > 0 && step < maxSteps; step += 1) {
      this.now = Math.max(this.now, Math.min(...this.queue.map(({ visibleAt }) => visibleAt)));
      await this.step();
    }
  }

  delivery(id: string): Delivery | undefined {
    return this.log.get(JSON.stringify(nameOf(id)));
  }

  #deliver(invocation: CrashableInvocation, message: QueuedMessage) {
    const keyOf = (name: DeliveryName) => JSON.stringify(name);
    return createDeliver(
      { name: 'crm', url: 'https://crm.example/', recipients: this.recipients },
      {
        client: invocation.wrap('client', {
          post: async (_url: string, headers: Readonly<Record<string, string>>, body: string) => {
            this.bodies.push(body);
            return this.#respond(headers);
          },
        }),
        log: invocation.wrap('log', {
          read: async (name: DeliveryName) => this.log.get(keyOf(name)),
          write: async (name: DeliveryName, delivery: Delivery) => {
            if ((this.log.get(keyOf(name))?.version ?? 0) !== delivery.version - 1) return false;
            this.log.set(keyOf(name), delivery);
            return true;
          },
        }),
        states: invocation.wrap('states', {
          read: async () => this.state,
          replace: async (_: string, before: ReceiverState, after: ReceiverState) => {
            if (JSON.stringify(before) !== JSON.stringify(this.state)) return false;
            this.state = after;
            return true;
          },
        }),
        queue: invocation.wrap('queue', {
          changeVisibility: async (_: string, seconds: number) => {
            if (seconds * 1000 > MAX_VISIBILITY_MS) throw new Error('longer than SQS hides a message');
            message.visibleAt = this.now + seconds * 1000;
          },
          send: async (body: string, delaySeconds: number) => {
            if (delaySeconds > 900) throw new Error('longer than SQS delays a message');
            this.queue.push({
              body,
              sentAt: this.now + this.queueAheadMs,
              visibleAt: this.now + delaySeconds * 1000,
              receives: 0,
            });
          },
          sendToDlq: async (body: string) => {
            this.dlq.push(idOf(body));
            this.bodiesInDlq.push(body);
          },
        }),
        erasures: invocation.wrap('erasures', this.erased),
        secrets: () => invocation.gate('secrets.read', async () => ['c2VjcmV0']),
        now: () => this.now,
        schedule: { waits: WAITS, random: () => 0.5 },
        disableAfterMs: 5 * 86_400_000,
        onDead: () => {},
        onDisabled: () => {},
      },
    );
  }

  #respond(headers: Readonly<Record<string, string>>): ReceiverResponse {
    const id = headers['webhook-id'] ?? '';
    const attempt = this.received.get(id) ?? 0;
    const behaviour = this.behaviour(id, attempt);
    // So that no two attempts have the same time.
    this.now += 20 + (this.#nth++ % 7);
    this.received.set(id, attempt + 1);
    if (behaviour === 'acts without a response') throw Object.assign(new Error(), { code: 'ECONNRESET' });
    const status = { acknowledges: 204, fails: 500, 'is gone': 410 }[behaviour];
    return { status, retryAfter: undefined, text: '' };
  }
}

const PUBLISHED_AT = Date.UTC(2026, 10, 28) / 1000;
const nameOf = (id: string): DeliveryName => ({ receiver: 'crm', publishedAt: PUBLISHED_AT, id });
/** Returns the recipient of an event. */
export const addressOf = (id: string) => `${id}@north.example`;
const idOf = (body: string) => (JSON.parse(body) as { detail: { id: string } }).detail.id;
