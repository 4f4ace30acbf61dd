import {
  type PublishableRow,
  type PublishedEvent,
  type PublishingChoice,
  publishedEvent,
} from '../domain/publishing/published.ts';
import type { ErasureMarkers } from '../shared/ports.ts';

/**
 * Builds the events of changed rows. Reads the erasure markers before naming an address: a change in flight while its
 * recipient was erased is published without the address, also where its reason quotes it.
 */
export function createPublishedEvents(
  erasures: ErasureMarkers,
  choice: PublishingChoice,
): (rows: readonly PublishableRow[]) => Promise<PublishedEvent[]> {
  return async (rows) => {
    const named = choice.recipients ? new Set(rows.map(({ recipient }) => recipient).filter(Boolean)) : [];
    const erased = new Set(await erasures.among([...named]));
    return rows.map((row) =>
      publishedEvent(row, { ...choice, recipients: choice.recipients && !erased.has(row.recipient) }),
    );
  };
}
