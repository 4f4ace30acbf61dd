import { type ArchiveRow, erasedAs } from '../../lambdas/domain/archive/row.ts';
import type { JsonObject } from '../../lambdas/domain/canonical.ts';
import { identify } from '../../lambdas/domain/events/identity.ts';
import type { QueueMessage } from '../../lambdas/domain/events/queue-message.ts';
import { eventSort } from '../../lambdas/domain/keys.ts';
import type { createLedgerNaming } from '../../lambdas/domain/ledger/ledger-name.ts';

/**
 * Returns the message that brings a row of the archive back; undefined where the row does not say any more, or never
 * said under this erasure key, where its event was stored.
 */
export function restoredMessage(
  row: ArchiveRow,
  domain: string,
  nameOf: ReturnType<typeof createLedgerNaming>,
  unconfirmedSince: number | undefined,
): QueueMessage | undefined {
  if (row.event === null) return undefined;
  const erased = erasedAs(row);
  const { 'erased-recipient': _erased, ...event } = JSON.parse(row.event) as JsonObject;
  const identity = identify(event, domain);
  const place = erased === undefined ? identity : { ...identity, eventSort: eventSort(erased, identity.eventKey) };
  if (nameOf(place) !== row.name) return undefined;
  const facts = {
    atMs: row.atMs,
    byWebhook: row.byWebhook,
    ...(unconfirmedSince !== undefined && { unconfirmedSince }),
  };
  return {
    ...{ source: row.source, receivedAt: row.receivedAtMs, domain, event },
    restored: { ...facts, ...(erased !== undefined && { erasedAs: erased }) },
  };
}
