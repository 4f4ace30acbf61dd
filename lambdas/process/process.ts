import { namedAddresses, tombstoneIdentity, tombstoneOf, withoutAddress } from '../domain/erasure.ts';
import { eventTimeMs, recipientOf } from '../domain/event.ts';
import { identify } from '../domain/identity.ts';
import type { ErasureKey, Erasures, EventRecord, Records } from '../domain/ports.ts';
import type { QueueMessage } from '../domain/queue-message.ts';
import { statusUpdateOf } from '../domain/status.ts';
import { suppressionsOf } from '../domain/suppression.ts';

export interface ProcessDeps {
  records: Records;
  erasures: Erasures;
  erasureKey: ErasureKey;
  /** How long events and statuses are kept, counted from receipt: Mailgun's test button sends events dated 2018. */
  retentionDays: number;
}

/**
 * Stores one event with all its effects. The event itself comes last: stored means all effects done,
 * so whatever crashes before it heals when the message is delivered again. Of an event of an erased recipient only
 * a tombstone is stored, and nothing follows from it.
 */
export function createProcess(deps: ProcessDeps): (message: QueueMessage) => Promise<'stored' | 'known'> {
  return async ({ event: sent, domain, source, receivedAt }) => {
    const erased = await deps.erasures.among(namedAddresses(sent));
    const event = erased.reduce(withoutAddress, sent);
    const record: EventRecord = {
      identity: identify(sent, domain),
      event,
      domain,
      source,
      atMs: eventTimeMs(event) ?? receivedAt,
      receivedAtMs: receivedAt,
      expiresAt: Math.floor(receivedAt / 1000) + deps.retentionDays * 86_400,
    };
    const recipient = recipientOf(sent);
    if (recipient !== undefined && erased.includes(recipient)) {
      const identity = tombstoneIdentity(record.identity, await deps.erasureKey.read());
      return deps.records.putEvent({ ...record, identity, event: tombstoneOf(sent, domain) });
    }
    const suppressions = suppressionsOf(event).map((suppression) => deps.records.suppress(record, suppression));
    await Promise.all([...suppressions, deps.records.upsertStatus(record, statusUpdateOf(event))]);
    return deps.records.putEvent(record);
  };
}
