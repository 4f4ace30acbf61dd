import { eventTimeMs } from '../domain/event.ts';
import { identify } from '../domain/identity.ts';
import type { EventRecord, Records } from '../domain/ports.ts';
import type { QueueMessage } from '../domain/queue-message.ts';
import { verdictOf } from '../domain/status.ts';
import { suppressionsOf } from '../domain/suppression.ts';

export interface ProcessDeps {
  records: Records;
  /** How long events and statuses are kept, counted from receipt: Mailgun's test button sends events dated 2018. */
  retentionDays: number;
}

/**
 * Stores one event with all its effects. The event itself comes last: stored means all effects done,
 * so whatever crashes before it heals when the message is delivered again.
 */
export function createProcess(deps: ProcessDeps): (message: QueueMessage) => Promise<'stored' | 'known'> {
  return async ({ event, domain, source, receivedAt }) => {
    const record: EventRecord = {
      identity: identify(event, domain),
      event,
      domain,
      source,
      atMs: eventTimeMs(event) ?? receivedAt,
      receivedAtMs: receivedAt,
      expiresAt: Math.floor(receivedAt / 1000) + deps.retentionDays * 86_400,
    };
    for (const suppression of suppressionsOf(event)) await deps.records.suppress(record, suppression);
    await deps.records.joinStatus(record, verdictOf(event));
    return deps.records.putEvent(record);
  };
}
