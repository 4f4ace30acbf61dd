import { createEventCorrection } from '../../../lambdas/adapters/table/stored-events.ts';
import { statusSort } from '../../../lambdas/domain/keys.ts';
import {
  type DecidedStatus,
  type DecidingEvent,
  decideByConfirmed,
  eventKeyInOrder,
} from '../../../lambdas/domain/status/decide-status.ts';
import { TargetUnavailableError } from '../../errors.ts';
import type { HistoryEvent, HistoryRecipient } from '../../event-history.ts';
import { tableOf } from '../../ledger.ts';
import type { Deployment } from '../../target/types.ts';

/** Other events may decide meanwhile; more often than this in a row none does. */
const MAX_TRIES = 5;

/** Returns what a recipient's events decide without those that Mailgun never listed; undefined to leave it as it is. */
export function changeOf({ status, decidedBy, events }: HistoryRecipient): DecidedStatus | undefined {
  const deciding = decidingOf(events);
  // A status may rest on an event that is not stored yet, or not any more.
  if (deciding.every(({ eventKey }) => eventKey !== decidedBy)) return undefined;
  const becomes = decideByConfirmed(deciding);
  const isSame = becomes?.eventKey === decidedBy && becomes?.status === status;
  return isSame ? undefined : becomes;
}

const decidingOf = (events: readonly HistoryEvent[]): DecidingEvent[] =>
  events.flatMap(({ event, ...rest }) => (event === undefined ? [] : [{ ...rest, event }]));

/**
 * Writes what the confirmed events of a message and recipient decide. Each try holds only while nothing else decides,
 * and the last read finds what is written, so an event that is stored meanwhile counts too.
 */
export async function decideAgain(deployment: Deployment, { key, events }: HistoryRecipient): Promise<void> {
  const correction = createEventCorrection(tableOf(deployment));
  const { partition, eventSort, eventKey } = events[0] as HistoryEvent;
  const record = { identity: { partition, eventSort, eventKey, statusSort: statusSort(key) } };
  for (let tries = 0; tries < MAX_TRIES; tries += 1) {
    const seen = await correction.readOrder(record);
    const siblings = await correction.siblings(record);
    const becomes = decideByConfirmed(siblings);
    if (becomes === undefined || seen === undefined || seen === becomes.order) return;
    if (siblings.every((each) => each.eventKey !== eventKeyInOrder(seen))) return;
    await correction.resetStatus(record, becomes, seen);
  }
  throw new TargetUnavailableError(`the status of ${key} keeps changing; run the same command again`);
}
