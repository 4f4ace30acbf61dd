import type { ArchiveRow } from '../../../lambdas/domain/archive/row.ts';
import { eventSort, messagePartition, recipientKey } from '../../../lambdas/domain/keys.ts';
import { daysOf, openHistory } from '../../archive/open-history.ts';
import type { HistoryEvent, HistoryRecipient } from '../../event-history.ts';
import { type Deployment, hasOutput } from '../../target/types.ts';

const DAY_MS = 86_400_000;

/** What the archive adds to a history, and the UTC days that were read for it. */
export interface ArchivedHistory {
  readonly history: readonly HistoryRecipient[];
  readonly days: readonly string[];
}

/**
 * Adds what has left the table and the archive still holds. It is read for recipients with events older than those in
 * the table, on the days around their first event and on that of their status, since an archive has no index of
 * messages: opens and clicks of other days stay unread.
 */
export async function withArchived(
  deployment: Deployment,
  messageId: string,
  history: readonly HistoryRecipient[],
): Promise<ArchivedHistory> {
  const lacking = history.filter(lacksEvents);
  if (lacking.length === 0 || !hasOutput(deployment, 'ArchiveBucketName')) return { history, days: [] };
  const readDay = await openHistory(deployment);
  const found = new Map<string, HistoryEvent[]>();
  const days = new Set<string>();
  for (const [domain, starts] of daysByDomain(lacking)) {
    for (const start of starts) {
      days.add(new Date(start).toISOString().slice(0, 10));
      for (const range of daysOf(start, start + DAY_MS)) {
        for await (const rows of readDay(domain, range.fromMs, range.toMs)) {
          for (const { row, isStored } of rows) {
            if (isStored || row.messageId !== messageId || row.event === null) continue;
            const key = recipientKey(row.recipient ?? '');
            found.set(key, [...(found.get(key) ?? []), historyEventOf(row, domain, key)]);
          }
        }
      }
    }
  }
  const added = history.map((each) => {
    const events = [...each.events, ...(found.get(each.key) ?? [])];
    return { ...each, events: events.toSorted((a, b) => a.atMs - b.atMs || (a.eventKey < b.eventKey ? -1 : 1)) };
  });
  return { history: added, days: [...days].toSorted() };
}

/** A status names the event that came first and the one that decided it: without either, events have left the table. */
function lacksEvents({ events, firstAtMs, decidedBy }: HistoryRecipient): boolean {
  if (firstAtMs === undefined) return false;
  return events.every(({ eventKey }) => eventKey !== decidedBy) || events.every(({ atMs }) => atMs > firstAtMs);
}

function daysByDomain(recipients: readonly HistoryRecipient[]): Map<string, Set<number>> {
  const found = new Map<string, Set<number>>();
  for (const { domain, firstAtMs, statusAtMs } of recipients) {
    if (domain === undefined || firstAtMs === undefined) continue;
    const times = [firstAtMs - DAY_MS, firstAtMs, firstAtMs + DAY_MS, statusAtMs ?? firstAtMs];
    const days = found.get(domain) ?? new Set();
    for (const time of times) days.add(Math.floor(time / DAY_MS) * DAY_MS);
    found.set(domain, days);
  }
  return found;
}

function historyEventOf(row: ArchiveRow, domain: string, recipient: string): HistoryEvent {
  const { key: eventKey, atMs, source, receivedAtMs, byWebhook } = row;
  return {
    partition: messagePartition(row.messageId ?? ''),
    eventSort: eventSort(recipient, eventKey),
    ...{ eventKey, domain, atMs, source, receivedAtMs },
    event: JSON.parse(row.event ?? '{}'),
    webhookAtMs: byWebhook && source === 'webhook' ? receivedAtMs : undefined,
    unconfirmedSinceMs: undefined,
    isArchived: true,
  };
}
