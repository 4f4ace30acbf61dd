import { createDayIndexTable } from '../../lambdas/adapters/table/events/day-index.ts';
import { createStoredEventsTable } from '../../lambdas/adapters/table/events/event-lookup.ts';
import { createErasureRepository } from '../../lambdas/adapters/table/recipients/erasure-repository.ts';
import { readErasureKey } from '../access/secrets.ts';
import { type ArchiveSource, archiveIn } from '../certificates/archive-source.ts';
import { tableOf } from '../ledger.ts';
import { type Deployment, hasOutput } from '../target/types.ts';
import { createArchivedHistory, createHistory, type ReadArchivedDay, type ReadDay } from './history.ts';

/** Opens table and archive of a deployment as one. */
export async function openHistory(deployment: Deployment): Promise<ReadDay> {
  const keys = createDayIndexTable(tableOf(deployment));
  return createHistory({ archive: openDeploymentArchive(deployment), keys, ...(await openTableSide(deployment)) });
}

/** Opens what only the archive of a deployment holds; undefined where it has none. */
export async function openArchivedHistory(deployment: Deployment): Promise<ReadArchivedDay | undefined> {
  const archive = openDeploymentArchive(deployment);
  return archive && createArchivedHistory({ archive, ...(await openTableSide(deployment)) });
}

async function openTableSide(deployment: Deployment) {
  const secret = await readErasureKey(deployment);
  const table = tableOf(deployment);
  const erasureKey = { read: async () => secret };
  return {
    events: createStoredEventsTable(table),
    erasures: createErasureRepository(table, erasureKey),
    erasureKey,
  };
}

/** Opens the archive of a deployment; undefined where it has none. */
export function openDeploymentArchive(deployment: Deployment): ArchiveSource | undefined {
  if (!hasOutput(deployment, 'ArchiveBucketName')) return undefined;
  return archiveIn({ client: deployment.clients.archive, name: deployment.output('ArchiveBucketName') });
}
