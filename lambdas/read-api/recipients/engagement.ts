import type { EngagementEntry } from '../../../api/responses/recipient.ts';
import { READS_AT_ONCE } from '../../domain/concurrency.ts';
import { count, noCounts } from '../messages/recipient-counts.ts';
import type { MailPlace, RecipientHistory } from '../ports.ts';

/** Events of one mail that are read to count its opens and clicks; few mails have more. */
const MAX_EVENTS = 200;

/** Returns a reader of who opened and clicked mails: one query for each, of a bounded number of events. */
export function createEngagement(history: Pick<RecipientHistory, 'events'>) {
  return async (places: readonly MailPlace[]): Promise<EngagementEntry[]> => {
    const found: EngagementEntry[] = [];
    for (let start = 0; start < places.length; start += READS_AT_ONCE) {
      found.push(...(await Promise.all(places.slice(start, start + READS_AT_ONCE).map(read))));
    }
    return found;
  };

  async function read({ partition, recipientKey }: MailPlace): Promise<EngagementEntry> {
    const page = await history.events(partition, recipientKey, undefined, MAX_EVENTS);
    const tally = noCounts();
    for (const entry of page.entries) if ('event' in entry) count(tally, entry.event.event);
    const { opens, clicks, machineOpens, machineClicks } = tally;
    return { opens, clicks, machineOpens, machineClicks, countsComplete: !page.hasMore };
  }
}

export type ReadEngagement = ReturnType<typeof createEngagement>;
