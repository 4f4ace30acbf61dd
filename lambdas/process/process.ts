import { namedAddresses, tombstoneIdentity, tombstoneOf, withoutAddress } from '../domain/erasure.ts';
import { identify } from '../domain/identity.ts';
import { type MailgunEvent, parseEvent } from '../domain/mailgun-event.ts';
import type { ErasureKey, Erasures, EventRecord, Records } from '../domain/ports.ts';
import type { QueueMessage } from '../domain/queue-message.ts';
import { statusUpdateOf } from '../domain/status.ts';
import { suppressionOf } from '../domain/suppression.ts';

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
    const event = parseEvent(erased.reduce(withoutAddress, sent));
    const record: EventRecord = {
      identity: identify(sent, domain),
      event,
      domain,
      source,
      atMs: event.timeMs ?? receivedAt,
      receivedAtMs: receivedAt,
      expiresAt: Math.floor(receivedAt / 1000) + deps.retentionDays * 86_400,
    };
    const { recipient } = parseEvent(sent);
    if (recipient !== undefined && erased.includes(recipient)) {
      const identity = tombstoneIdentity(record.identity, await deps.erasureKey.read());
      return deps.records.putEvent({ ...record, identity, event: parseEvent(tombstoneOf(sent, domain)) });
    }
    const suppression = suppressionOf(event);
    await allDone([
      suppression && deps.records.suppress(record, suppression),
      isOfBatch(event) ? undefined : deps.records.upsertStatus(record, statusUpdateOf(event)),
    ]);
    return deps.records.putEvent(record);
  };
}

/** A batch is accepted once more as a whole: nothing follows that could move the status of no recipient. */
function isOfBatch({ recipient, type }: MailgunEvent): boolean {
  return recipient === undefined && type.status === 'ACCEPTED';
}

/** Awaits everything that was started before it fails: what is still under way must not land after the answer. */
async function allDone(works: readonly (Promise<void> | undefined)[]): Promise<void> {
  const results = await Promise.allSettled(works);
  const failed = results.find((result) => result.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
}
