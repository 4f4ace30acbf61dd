import { DAY_MS } from '../../../lambdas/contract.ts';
import type { ArchiveRow } from '../../../lambdas/domain/archive/archive-row.ts';
import { erasedAs } from '../../../lambdas/domain/archive/erased-row.ts';
import { eventSort, messagePartition, recipientKey, utcDay } from '../../../lambdas/domain/keys.ts';
import { openArchivedHistory } from '../../archive/history.ts';
import type { CliContext } from '../../command.ts';
import { whyUnavailable } from '../../errors.ts';
import type { HistoryEvent, HistoryRecipient } from '../../event-history.ts';
import type { Deployment } from '../../target/types.ts';

/** The events that the archive adds to a history, and the UTC days that were read for it. */
interface ArchivedHistory {
  readonly history: readonly HistoryRecipient[];
  readonly days: readonly string[];
  /** Why the archive could not be read, or not all of it; null if all was read, or nothing had to be. */
  readonly unread: string | null;
}

/**
 * Adds what has left the table and the archive still holds. It is read for recipients with events older than those in
 * the table, on the days around their first event and on that of their status, since an archive has no index of
 * messages: opens and clicks of other days stay unread. Undefined where the signal has ended it.
 */
export async function withArchived(
  { signal, printError }: Pick<CliContext, 'signal' | 'printError'>,
  deployment: Deployment,
  messageId: string,
  history: readonly HistoryRecipient[],
): Promise<ArchivedHistory | undefined> {
  const lacking = history.filter(lacksEvents);
  const readDay = lacking.length === 0 ? undefined : await openArchivedHistory(deployment);
  if (readDay === undefined) return { history, days: [], unread: null };
  const readDays = new Set<string>();
  let unread: string | null = null;
  const found = new Map<string, HistoryEvent[]>();
  const isWanted = (row: ArchiveRow) =>
    row.messageId === messageId && row.event !== null && erasedAs(row) === undefined;
  const wantedDays = daysByDomain(lacking);
  try {
    for (const { domain, start } of wantedDays) {
      printError(`reading the archive of ${domain}, ${utcDay(start)}`);
      for await (const rows of readDay(domain, start, start + DAY_MS, isWanted)) {
        if (signal.aborted) return undefined;
        for (const row of rows.filter(isWanted)) {
          const key = recipientKey(row.recipient ?? '');
          found.set(key, [...(found.get(key) ?? []), historyEventOf(row, domain, key)]);
        }
      }
      readDays.add(utcDay(start));
    }
  } catch (error) {
    const why = whyUnavailable(error);
    if (why === undefined) throw error;
    // What the table holds is worth showing without it.
    unread = why;
  }
  const added = history.map((each) => {
    const events = [...each.events, ...(found.get(each.key) ?? [])];
    return { ...each, events: events.toSorted((a, b) => a.atMs - b.atMs || (a.eventKey < b.eventKey ? -1 : 1)) };
  });
  return { history: added, days: [...readDays].toSorted(), unread };
}

/** Returns true if events have left the table: the first or the deciding event of the status is missing. */
function lacksEvents({ events, firstAtMs, decidedBy }: HistoryRecipient): boolean {
  if (firstAtMs === undefined) return false;
  return events.every(({ eventKey }) => eventKey !== decidedBy) || events.every(({ atMs }) => atMs > firstAtMs);
}

function daysByDomain(recipients: readonly HistoryRecipient[]): { domain: string; start: number }[] {
  const found = new Map<string, { domain: string; start: number }>();
  for (const { domain, firstAtMs, statusAtMs } of recipients) {
    if (domain === undefined || firstAtMs === undefined) continue;
    for (const time of [firstAtMs - DAY_MS, firstAtMs, firstAtMs + DAY_MS, statusAtMs ?? firstAtMs]) {
      const start = Math.floor(time / DAY_MS) * DAY_MS;
      found.set(`${domain} ${start}`, { domain, start });
    }
  }
  return [...found.values()];
}

function historyEventOf(row: ArchiveRow, domain: string, recipient: string): HistoryEvent {
  const { key: eventKey, atMs, source, receivedAtMs, byWebhook } = row;
  return {
    partition: messagePartition(row.messageId ?? ''),
    eventSort: eventSort(recipient, eventKey),
    eventKey,
    domain,
    atMs,
    source,
    receivedAtMs,
    event: JSON.parse(row.event ?? '{}'),
    webhookAtMs: byWebhook && source === 'webhook' ? receivedAtMs : undefined,
    unconfirmedSinceMs: undefined,
    isArchived: true,
  };
}
