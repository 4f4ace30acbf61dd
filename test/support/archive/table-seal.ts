import { randomUUID } from 'node:crypto';
import { createEventObjects, createManifestBucket } from '../../../lambdas/adapters/archive/archive-objects.ts';
import { createDayIndexRepository } from '../../../lambdas/adapters/table/day-index-repository.ts';
import { createLeaseRepository } from '../../../lambdas/adapters/table/lease-repository.ts';
import { createSealStateRepository, createSliceRepository } from '../../../lambdas/adapters/table/slice-repository.ts';
import { createStoredEventRepository } from '../../../lambdas/adapters/table/stored-event-repository.ts';
import { SEAL_LEASE_KEY } from '../../../lambdas/domain/keys.ts';
import { createSeal, type SealDeps } from '../../../lambdas/seal/seal.ts';
import { DOMAIN } from '../fixtures/webhooks.ts';
import type { TestEngines } from '../stacks/engines.ts';
import type { S3Bucket } from './s3-bucket.ts';

const DAY = 86_400;

/** Returns the archive ports of a bucket. */
export const archiveIn = ({ bucket }: S3Bucket): Pick<SealDeps, 'bucket' | 'objects'> => ({
  bucket: createManifestBucket(bucket),
  objects: createEventObjects(bucket),
});

/**
 * Returns a function that runs seal over the real table and an archive at a time (epoch milliseconds); throws if a
 * domain fails.
 */
export function createTableSeal(
  { table }: Pick<TestEngines, 'table'>,
  archive: Pick<SealDeps, 'bucket' | 'objects'>,
  nowMs: number,
  over: Partial<SealDeps> = {},
) {
  let salts = 0;
  const run = createSeal({
    slices: createSliceRepository(table),
    keys: createDayIndexRepository(table),
    state: createSealStateRepository(table),
    events: createStoredEventRepository(table),
    lease: createLeaseRepository(table, SEAL_LEASE_KEY),
    ...archive,
    erasureKey: { read: async () => 'erasure-key' },
    domains: [DOMAIN],
    everySeconds: 900,
    reachSeconds: 90 * DAY,
    now: () => nowMs,
    newRunId: randomUUID,
    newSalt: () => String(++salts).padStart(32, '0'),
    every: () => () => {},
    onFailure: (_domain, error) => {
      throw error;
    },
    ...over,
  });
  return () => run({ ignoreWaits: false, deadlineMs: nowMs + 60_000 });
}
