import type { SizedObject } from '../../../lambdas/adapters/archive/open-bucket.ts';
import type { createErasureRepository } from '../../../lambdas/adapters/table/event-repository.ts';
import {
  type ArchivedCampaign,
  type ArchivedEvent,
  archivedEventOf,
} from '../../../lambdas/domain/campaign/archived-event.ts';
import { type ArchiveSource, rowGroups } from '../../certificates/archive-source.ts';

/** The sources of a campaign besides the table. */
export interface CampaignArchive {
  readonly source: Pick<ArchiveSource, 'open'>;
  /** Keys of the objects that may hold a trace of it. */
  readonly keys: readonly string[];
  readonly erasureKey: string;
  /** Looks for people whose erasure has not reached the archive yet. */
  readonly erasures: Pick<ReturnType<typeof createErasureRepository>, 'among'>;
}

/** An object of the archive, by the start of its slice in epoch seconds. */
export interface ArchivedObject extends SizedObject {
  readonly start: number;
}

/** Yields the events of messages in the objects, a row group at a time, in no order. */
export async function* archivedEvents(
  { source, keys }: Pick<CampaignArchive, 'source' | 'keys'>,
  campaign: ArchivedCampaign,
): AsyncGenerator<ArchivedEvent[]> {
  for (const key of keys) {
    for await (const group of rowGroups(source, key))
      yield group.flatMap((row) => archivedEventOf(row, campaign) ?? []);
  }
}
