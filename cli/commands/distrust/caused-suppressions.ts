import type { SuppressionItem } from '../../../lambdas/adapters/table/recipients/suppression-repository.ts';
import { parseEvent } from '../../../lambdas/domain/events/mailgun-event.ts';
import { isSuppressing, suppressionOf } from '../../../lambdas/domain/status/suppression.ts';
import type { HistoryEvent } from '../../event-history.ts';
import type { Deployment } from '../../target/types.ts';
import { readSuppressions } from '../suppressions.ts';

export interface CausedSuppression {
  readonly item: SuppressionItem;
  /** Whether it rests on this event alone. */
  readonly isOnly: boolean;
}

/** Reads the suppressions of an address. */
export type SuppressionReader = (address: string) => Promise<SuppressionItem[]>;

/** Returns a reader that reads each address once: a forged burst is of few addresses. */
export function createSuppressionReader(deployment: Deployment): SuppressionReader {
  const known = new Map<string, Promise<SuppressionItem[]>>();
  return (address) => {
    const items = known.get(address) ?? readSuppressions(deployment, address);
    known.set(address, items);
    return items;
  };
}

/** Returns the suppressions in force that an event causes, alone or with others. */
export async function causedSuppressions(
  read: SuppressionReader,
  { event: raw, eventKey, domain, atMs }: HistoryEvent,
): Promise<CausedSuppression[]> {
  const event = raw && parseEvent(raw);
  const caused = event && suppressionOf(event);
  if (event?.recipient === undefined || caused === undefined) return [];
  const items = await read(event.recipient);
  return items
    .filter((item) => item.kind === caused.kind && item.domain === domain && isSuppressing(item))
    .map((item) => ({
      item,
      isOnly: item.eventKey === eventKey && item.sinceMs === atMs && item.lastAtMs === atMs,
    }));
}
