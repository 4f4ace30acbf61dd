import { type LedgerTable, readPartition } from '../../../lambdas/adapters/table/ledger-table.ts';
import {
  createRecipientHistory,
  recipientKeys,
  type SuppressionItem,
} from '../../../lambdas/adapters/table/recipients.ts';
import { isMergedCopy } from '../../../lambdas/adapters/table/stored-events.ts';
import { retainedFromOf } from '../../../lambdas/domain/campaign/retained-events.ts';
import { parseEvent } from '../../../lambdas/domain/events/mailgun-event.ts';
import { eventSortPrefix } from '../../../lambdas/domain/keys.ts';
import { isSuppressing, suppressionOf } from '../../../lambdas/domain/status/suppression.ts';
import { eventOf, type HistoryEvent } from '../../event-history.ts';
import { tableOf } from '../../ledger.ts';
import { type Deployment, hasOutput } from '../../target/types.ts';
import { readSuppressions } from '../suppressions.ts';

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
  { event, domain }: HistoryEvent,
): Promise<SuppressionItem[]> {
  const parsed = event && parseEvent(event);
  const kind = parsed && suppressionOf(parsed)?.kind;
  if (parsed?.recipient === undefined || kind === undefined) return [];
  const items = await read(parsed.recipient);
  return items.filter((item) => item.kind === kind && item.domain === domain && isSuppressing(item));
}

/** Messages whose events are read at one time. */
const MESSAGES_AT_ONCE = 25;

/**
 * Returns true if an active suppression rests only on events that Mailgun never listed. A cause that is no longer
 * stored counts as listed; so does a suppression that began before the retention of events or was lifted once, since
 * later causes may be gone, and one taken from Mailgun's own list.
 */
export async function isOnlyUnconfirmed(
  deployment: Deployment,
  item: SuppressionItem,
  nowMs: number,
): Promise<boolean> {
  const { eventKey, sinceMs, lastAtMs, liftedAtMs } = item;
  const heldDays = hasOutput(deployment, 'RetentionDays') ? Number(deployment.output('RetentionDays')) : 0;
  if (liftedAtMs !== null || sinceMs < retainedFromOf(nowMs, heldDays) * 1000) return false;
  let [hasFirst, hasLast] = [false, false];
  for await (const cause of causesOf(deployment, item)) {
    if (cause.unconfirmedSinceMs === undefined) return false;
    hasFirst ||= cause.eventKey === eventKey && cause.atMs === sinceMs;
    hasLast ||= cause.atMs === lastAtMs;
  }
  return hasFirst && hasLast;
}

/** Yields the stored events with the same suppression as this item, among the messages of its recipient. */
async function* causesOf(deployment: Deployment, item: SuppressionItem): AsyncGenerator<HistoryEvent> {
  const table = tableOf(deployment);
  const history = createRecipientHistory(table);
  const always = { fromMs: 0, toMs: Number.MAX_SAFE_INTEGER };
  for (const key of recipientKeys(item.recipient)) {
    let page: Awaited<ReturnType<typeof history.newest>> | undefined;
    do {
      page = await history.newest(key, always, MESSAGES_AT_ONCE, page?.places.at(-1));
      const events = await Promise.all(page.places.map(({ partition }) => eventsOf(table, partition, key)));
      yield* events.flat().filter((event) => isCause(event, item));
    } while (page.hasMore);
  }
}

async function eventsOf(table: LedgerTable, partition: string, recipient: string): Promise<HistoryEvent[]> {
  const events: HistoryEvent[] = [];
  for await (const item of readPartition(table, partition, { prefix: eventSortPrefix(recipient) })) {
    if (!isMergedCopy(item)) events.push(eventOf(item));
  }
  return events;
}

function isCause({ event, domain }: HistoryEvent, { kind, domain: suppressedAt }: SuppressionItem): boolean {
  return domain === suppressedAt && event !== undefined && suppressionOf(parseEvent(event))?.kind === kind;
}
