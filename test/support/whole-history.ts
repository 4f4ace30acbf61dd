import type { MessageHistory, StoredEvent, StoredStatus } from '../../lambdas/read-api/ports.ts';

/** Returns everything stored of a message, read in pages of a hundred. */
export async function wholeHistory(history: MessageHistory, messageId: string) {
  const statuses: StoredStatus[] = [];
  const events: StoredEvent[] = [];
  for (let after: string | undefined, hasMore = true; hasMore; ) {
    const page = await history.page(messageId, 100, after);
    for (const entry of page.entries) {
      after = entry.sort;
      if ('event' in entry) events.push(entry.event);
      else statuses.push(entry.status);
    }
    hasMore = page.hasMore;
  }
  return { statuses, events };
}
