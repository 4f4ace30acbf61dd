import { packEvent } from '../../lambdas/adapters/table/stored-events.ts';
import { dayPartition } from '../../lambdas/domain/events/day-index.ts';
import { eventTimeMs } from '../../lambdas/domain/events/event.ts';
import { identify } from '../../lambdas/domain/events/identity.ts';
import { recipientKey } from '../../lambdas/domain/keys.ts';
import type { TestEngines } from './engines.ts';
import { DOMAIN, deliveredEvent } from './webhooks.ts';

const PER_CALL = 25;
const AT_ONCE = 8;

type Value = string | number | null | Uint8Array;

/** Writes many items directly into the table, which the pipeline could not do within a test. */
export async function seed(
  { writeBatch }: Pick<TestEngines, 'writeBatch'>,
  items: Iterable<Record<string, Value>>,
): Promise<void> {
  const source = items[Symbol.iterator]();
  const worker = async () => {
    for (;;) {
      const batch: object[] = [];
      for (let next = source.next(); !next.done; next = source.next()) {
        batch.push(Object.fromEntries(Object.entries(next.value).map(([name, value]) => [name, attribute(value)])));
        if (batch.length === PER_CALL) break;
      }
      if (batch.length === 0) return;
      // The engine occasionally drops a connection; a put can be repeated.
      const { UnprocessedItems = {} } = await writeBatch(batch).catch(() => writeBatch(batch));
      if (Object.keys(UnprocessedItems).length > 0) throw new Error('the table left items unwritten');
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}

function attribute(value: Value) {
  if (value === null) return { NULL: true };
  if (typeof value === 'string') return { S: value };
  return typeof value === 'number' ? { N: String(value) } : { B: Buffer.from(value).toString('base64') };
}

/** Key for events whose stored form refers to no key. */
export const NO_KEY = { pk: '', sk: '' };
const packed = new Map<string, Uint8Array>();

/** Returns an event item as process writes it; all events of a type share their content. */
export function eventItem(over: { messageId: string; id: string; type: string; atMs: number; recipient?: string }) {
  const { messageId, id, type, atMs, recipient = 'ada@north.example' } = over;
  const event = deliveredEvent({
    event: type,
    id,
    recipient,
    timestamp: atMs / 1000,
    message: { headers: { 'message-id': messageId } },
  });
  if (eventTimeMs(event) !== atMs) throw new Error(`${atMs} is no time`);
  const { partition, eventSort } = identify(event, DOMAIN);
  const raw = packed.get(type) ?? packEvent(deliveredEvent({ event: type }), NO_KEY);
  packed.set(type, raw);
  const item = { pk: partition, sk: eventSort, dayKey: dayPartition(DOMAIN, atMs, event), at: atMs, raw };
  return { ...item, source: 'webhook', receivedAt: atMs + 500 };
}

/** Returns the status item of a delivered message. */
export function statusItem({ messageId, atMs, recipient }: { messageId: string; atMs: number; recipient: string }) {
  const event = deliveredEvent({ recipient, message: { headers: { 'message-id': messageId } } });
  const { partition, statusSort, eventKey } = identify(event, DOMAIN);
  const status = {
    order: `30#${atMs}`,
    status: 'DELIVERED',
    reason: null,
    statusAt: atMs,
    decidedBy: eventKey,
    recipient,
  };
  return { pk: partition, sk: statusSort, ...status, recipientKey: `R#${recipientKey(recipient)}`, recipientAt: atMs };
}
