import { type ArchiveRow, erasedAs } from '../../lambdas/domain/archive/row.ts';
import type { JsonObject } from '../../lambdas/domain/canonical.ts';
import { identify } from '../../lambdas/domain/events/identity.ts';
import type { QueueMessage } from '../../lambdas/domain/events/queue-message.ts';
import { eventSort } from '../../lambdas/domain/keys.ts';
import type { createLedgerNaming } from '../../lambdas/domain/ledger/ledger-name.ts';
import { TargetUnavailableError } from '../errors.ts';
import { timeText } from '../time.ts';

/** The dependencies that turn rows of the archive into messages. */
export interface Restoring {
  readonly domain: string;
  readonly nameOf: ReturnType<typeof createLedgerNaming>;
  /** Since when (epoch milliseconds) events are unconfirmed, by their names. */
  readonly unconfirmed: ReadonlyMap<string, number>;
}

/**
 * Returns the messages that bring rows of the archive back, but for erased ones that do not say any more where their event
 * was stored. Throws TargetUnavailableError for any other row whose name is not of this erasure key.
 */
export function restoredMessages(rows: readonly ArchiveRow[], restoring: Restoring): QueueMessage[] {
  return rows.flatMap((row) => {
    const message = restoredMessage(row, restoring);
    if (message !== undefined) return message;
    // Only an erasure takes the place out of a row, and with it the salt.
    if (row.salt === null) return [];
    const at = timeText(Math.floor(row.atMs / 1000));
    throw new TargetUnavailableError(
      `the archive was written under another erasure key than that of this stack, at least for ${restoring.domain} at ${at}`,
    );
  });
}

function restoredMessage(row: ArchiveRow, { domain, nameOf, unconfirmed }: Restoring): QueueMessage | undefined {
  if (row.event === null) return undefined;
  const erased = erasedAs(row);
  const { 'erased-recipient': _erased, ...event } = JSON.parse(row.event) as JsonObject;
  const identity = identify(event, domain);
  const place = erased === undefined ? identity : { ...identity, eventSort: eventSort(erased, identity.eventKey) };
  if (nameOf(place) !== row.name) return undefined;
  const unconfirmedSince = unconfirmed.get(row.name);
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
