import { createHash } from 'node:crypto';
import { createCachedSecret, createKeyRing } from '../../../lambdas/adapters/aws/secrets.ts';
import { eventHash } from '../../../lambdas/domain/canonical-json.ts';
import { identify } from '../../../lambdas/domain/events/identity.ts';
import { decodeQueueMessage } from '../../../lambdas/domain/events/queue-message.ts';
import type { JsonObject } from '../../../lambdas/domain/json.ts';
import { parseJsonWebhook } from '../../../lambdas/domain/webhooks/webhook-body.ts';
import { createIngest, type IngestResult } from '../../../lambdas/ingest/ingest.ts';
import { createProcess } from '../../../lambdas/process/process.ts';
import { CrashableInvocation, type InjectedFailure } from '../../support/doubles/crashable-invocation.ts';
import { InMemoryLedger } from '../../support/doubles/in-memory-ledger.ts';
import { LONE_PROCESS } from '../../support/fixtures/erasures.ts';
import { DOMAIN, jsonBody, NOW_MS, signed } from '../../support/fixtures/webhooks.ts';

type SignatureBlock = ReturnType<typeof signed>;

/** A post by Mailgun or by an attacker. */
interface Posted {
  event: JsonObject;
  signature: SignatureBlock;
}

/** Mailgun, the stack and the clock in memory; every step of the model acts on it. */
export class World {
  readonly ledger = new InMemoryLedger();
  readonly deadLetters: string[] = [];
  /** Posts by Mailgun, acknowledged or not. */
  readonly posted: Posted[] = [];
  readonly attempted = new Map<string, JsonObject>();
  readonly acknowledged = new Set<string>();
  readonly outcomes = new Map<string, number>();
  nowMs = NOW_MS;
  mailgunKey = 'key-of-mailgun-0';
  hashVersion = 1;
  #secret = JSON.stringify({ current: 'key-of-mailgun-0' });
  #claimIds = 0;
  #keys = createKeyRing(
    createCachedSecret({ send: async () => ({ SecretString: this.#secret }) } as never, 'arn', () => this.nowMs),
  );

  /** Posts an event as Mailgun, signed now. */
  async deliver(event: JsonObject, trouble?: InjectedFailure): Promise<IngestResult | undefined> {
    return this.repost({ event, signature: this.sign() }, trouble);
  }

  /** Posts the same bytes as Mailgun, like a retry that was not signed again. */
  async repost(posted: Posted, trouble?: InjectedFailure): Promise<IngestResult | undefined> {
    const key = eventId(posted.event);
    this.attempted.set(key, posted.event);
    this.posted.push(posted);
    const result = await this.post(jsonBody(posted.event, posted.signature), trouble);
    if (result?.ok) this.acknowledged.add(key);
    return result;
  }

  /** Posts arbitrary bytes. */
  async post(bytes: Uint8Array, trouble?: InjectedFailure): Promise<IngestResult | undefined> {
    const invocation = new CrashableInvocation(trouble);
    const ingest = createIngest({
      keys: invocation.wrap('secrets', this.#keys),
      claims: invocation.wrap('table', this.ledger),
      events: invocation.wrap('table', this.ledger),
      firstWebhook: invocation.wrap('table', this.ledger),
      queue: invocation.wrap('queue', this.ledger),
      domains: [DOMAIN],
      hashEvent: (event) => this.hash(event),
      now: () => this.nowMs,
      newClaimId: () => `claim-${++this.#claimIds}`,
    });
    const result = await invocation.run(() => ingest({ bytes, parse: parseJsonWebhook }));
    const outcome = result === undefined ? 'died' : result.ok ? 'ok' : result.reason;
    this.outcomes.set(outcome, (this.outcomes.get(outcome) ?? 0) + 1);
    return result;
  }

  /** Processes the message at `index`; on failure it stays in the queue, as does a duplicate delivery. */
  async process(index: number, trouble?: InjectedFailure, staysAsDuplicate = false): Promise<void> {
    const { queue } = this.ledger;
    const position = queue.length === 0 ? -1 : index % queue.length;
    const body = queue[position];
    if (body === undefined) return;
    const decoded = decodeQueueMessage(body);
    if (!decoded.ok) throw new Error(`unreadable message in the queue: ${decoded.reason}`);
    const invocation = new CrashableInvocation(trouble);
    const store = createProcess({
      records: invocation.wrap('table', this.ledger),
      retentionDays: 400,
      ...LONE_PROCESS,
    });
    const outcome = await invocation.run(() => store(decoded.message)).catch(() => undefined);
    if (outcome !== undefined && !staysAsDuplicate) queue.splice(position, 1);
  }

  /** Moves a message to the DLQ, as if its receives were used up. */
  sendToDlq(index: number): void {
    const { queue } = this.ledger;
    if (queue.length > 0) this.deadLetters.push(...queue.splice(index % queue.length, 1));
  }

  redrive(): void {
    this.ledger.queue.push(...this.deadLetters.splice(0));
  }

  /** Advances the clock; TTL deletes claims that expired at least `ttlLagSeconds` ago. */
  advance(seconds: number, ttlLagSeconds: number): void {
    this.nowMs += seconds * 1000;
    const { claims } = this.ledger;
    for (const [key, claim] of claims) {
      if (claim.expiresAt + ttlLagSeconds <= this.nowMs / 1000) claims.delete(key);
    }
  }

  /** Replaces Mailgun's key; the stack's secret follows when it is set. */
  rotateMailgunKey(): void {
    this.mailgunKey = `key-of-mailgun-${createHash('sha256').update(this.mailgunKey).digest('hex').slice(0, 8)}`;
  }

  setSecret(): void {
    const { current } = JSON.parse(this.#secret) as { current: string };
    if (current !== this.mailgunKey) this.#secret = JSON.stringify({ current: this.mailgunKey, previous: current });
  }

  sign(ageSeconds = 0): SignatureBlock {
    return signed(this.mailgunKey, { timestamp: String(Math.floor(this.nowMs / 1000) - ageSeconds) });
  }

  /** Redrives and processes until nothing is left. */
  async drain(): Promise<void> {
    this.redrive();
    while (this.ledger.queue.length > 0) await this.process(0);
  }

  private hash(event: JsonObject): string {
    return `${this.hashVersion}:${eventHash(event).slice(2)}${this.hashVersion}`;
  }
}

/** Returns an id of the event that all its posts share. */
export function eventId(event: JsonObject): string {
  const { partition, eventSort } = identify(event, DOMAIN);
  return `${partition} ${eventSort}`;
}
