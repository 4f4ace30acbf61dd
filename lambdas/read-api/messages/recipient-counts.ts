import { parseEvent } from '../../domain/events/mailgun-event.ts';
import type { JsonObject } from '../../domain/json.ts';

/** Counts of a recipient's actions on a message; people and machines apart. */
export interface RecipientCounts {
  opens: number;
  clicks: number;
  machineOpens: number;
  machineClicks: number;
  /** Tags, or `*` for everything; empty where the recipient did not unsubscribe. */
  unsubscribedFrom: string[];
}

export const noCounts = (): RecipientCounts => ({
  opens: 0,
  clicks: 0,
  machineOpens: 0,
  machineClicks: 0,
  unsubscribedFrom: [],
});

/** Mailgun takes ten tags a message. A cursor carries this list, so it must not grow. */
const MAX_TAGS = 10;

export function count(tally: RecipientCounts, event: JsonObject): void {
  const { name, isByMachine } = parseEvent(event);
  if (name === 'opened') tally[isByMachine ? 'machineOpens' : 'opens'] += 1;
  if (name === 'clicked') tally[isByMachine ? 'machineClicks' : 'clicks'] += 1;
  // Its tags may be those of the message, so in doubt it is from everything.
  if (name === 'unsubscribed') tally.unsubscribedFrom = ['*'];
}

/** Returns true if a value of a cursor is a tally. */
export function isRecipientCounts(value: unknown): value is RecipientCounts {
  const { unsubscribedFrom, ...counts } = (value ?? {}) as Partial<RecipientCounts>;
  return (
    Array.isArray(unsubscribedFrom) &&
    unsubscribedFrom.length <= MAX_TAGS &&
    unsubscribedFrom.every((scope) => typeof scope === 'string') &&
    ([counts.opens, counts.clicks, counts.machineOpens, counts.machineClicks] as unknown[]).every(
      (number) => Number.isSafeInteger(number) && (number as number) >= 0,
    )
  );
}
