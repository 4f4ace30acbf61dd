import { randomUUID } from 'node:crypto';
import { createManifestBucket, createRewritableObjects } from '../../../lambdas/adapters/archive/archive-objects.ts';
import { createLeaseRepository } from '../../../lambdas/adapters/table/lease-repository.ts';
import type { LedgerTable } from '../../../lambdas/adapters/table/ledger-table.ts';
import { createSealStateRepository } from '../../../lambdas/adapters/table/slice-repository.ts';
import { rowErasure } from '../../../lambdas/domain/archive/erased-row.ts';
import { ERASED_TEXT, EVENTS_PREFIX, erasedKey, parseObjectKey } from '../../../lambdas/domain/archive/object-keys.ts';
import { SEAL_LEASE_KEY } from '../../../lambdas/domain/keys.ts';
import { erasureHash } from '../../../lambdas/domain/recipients/erasure.ts';
import { BrokenChainError, createChainWriter, holdsHead } from '../../../lambdas/seal/chain-writer.ts';
import type {
  ChainHead,
  KeptObject,
  ManifestBucket,
  RewritableObjects,
  SealState,
} from '../../../lambdas/seal/ports.ts';
import { every, type LeaseDeps, withLease } from '../../../lambdas/shared/lease.ts';
import type { CliContext } from '../../command.ts';
import { TargetUnavailableError } from '../../errors.ts';
import { createProgress } from '../../output.ts';
import { type Deployment, hasOutput } from '../../target/types.ts';
import { type ChainIndex, readChainIndex } from './chain-index.ts';
import { createRewriteObject } from './rewrite-object.ts';

/** The work done for a recipient in the archive. */
export interface ErasedArchive {
  /** Objects that were read. */
  objects: number;
  rewritten: number;
  /** Rows of the recipient, or that named it, in the objects that were rewritten. */
  rows: number;
  /** Old versions that were removed. */
  versions: number;
  /** Objects that are not as they were sealed, and domains whose chain is broken: each was left as it is. */
  faults: number;
}

/** The lines of `erase --json` about the archive. */
export type ArchiveLine =
  | { event: 'waiting-for-seal' }
  | { event: 'reading-archive'; objects: number; of: number }
  | { event: 'fault'; where: string; what: string }
  /** Domains that were sealed elsewhere than in the stack's present archive, if it has one. */
  | { event: 'archive-unreached'; domains: string[] }
  | ({ event: 'archive' } & ErasedArchive);

export interface ArchiveErasureDeps extends LeaseDeps {
  objects: RewritableObjects;
  bucket: ManifestBucket;
  state: SealState;
}

/** A run of seal ends before this, or its lease does. */
const MAX_WAIT_MS = 20 * 60_000;
const RETRY_MS = 5000;

/** Returns what the archive of a deployment is reached by; undefined where it has none. */
export function openErasableArchive(
  deployment: Deployment,
  table: LedgerTable,
  now: () => number,
): ArchiveErasureDeps | undefined {
  if (!hasOutput(deployment, 'ArchiveBucketName')) return undefined;
  const bucket = { client: deployment.clients.archive, name: deployment.output('ArchiveBucketName') };
  return {
    objects: createRewritableObjects(bucket),
    bucket: createManifestBucket(bucket),
    state: createSealStateRepository(table),
    lease: createLeaseRepository(table, SEAL_LEASE_KEY),
    now,
    newRunId: randomUUID,
    every,
  };
}

/** Returns how many objects are to be read. */
export async function countArchive(archive: ArchiveErasureDeps | undefined): Promise<number> {
  return archive === undefined ? 0 : (await listAll(archive.objects)).length;
}

/** Returns the domains whose chain, as the table notes it, does not end in the archive: it was replaced or given up. */
export async function unreachedArchives(
  archive: Pick<ArchiveErasureDeps, 'bucket'> | undefined,
  heads: ReadonlyMap<string, ChainHead>,
): Promise<string[]> {
  const unreached: string[] = [];
  for (const [domain, head] of heads)
    if (archive === undefined || !(await holdsHead(archive.bucket, domain, head))) unreached.push(domain);
  return unreached;
}

/**
 * Takes a recipient out of every object of the archive, once the table holds nothing of it: what a run of seal read
 * before is in the bucket when this has the lease, and what one reads later is clean. Undefined where it was stopped.
 */
export async function eraseArchive(
  archive: ArchiveErasureDeps,
  { recipient, erasureKey }: { recipient: string; erasureKey: string },
  { signal, now, sleep }: Pick<CliContext, 'signal' | 'now' | 'sleep'>,
  emit: (line: ArchiveLine) => void,
): Promise<ErasedArchive | undefined> {
  const { objects, bucket } = archive;
  const rewrite = createRewriteObject({ ...archive, chain: createChainWriter(archive) });
  const erased: ErasedArchive = { objects: 0, rewritten: 0, rows: 0, versions: 0, faults: 0 };
  /** Of the domains whose chain is whole, as far as is known. */
  const indexes = new Map<string, ChainIndex>();
  // A table that is restored from the archive finds here who stays erased.
  await bucket.putTextIfAbsent(erasedKey(erasureHash(erasureKey, recipient)), ERASED_TEXT);

  const { all, unsealed } = await whileSealRests(async (assertHeld) => {
    const listed = await listAll(objects);
    for (const domain of new Set(listed.map(({ key }) => domainOf(key))))
      await exceptBroken(domain, async () => indexes.set(domain, await readChainIndex(archive, domain)));
    const without = listed.filter(({ key }) => indexes.get(domainOf(key))?.of(key) === undefined);
    // Seal would take them over as it reads them, so they are rewritten while it cannot.
    for (const each of without) {
      assertHeld();
      await eraseObject(each);
    }
    return { all: listed, unsealed: new Set(without) };
  });
  const report = createProgress({ now });
  for (const each of all) {
    if (signal.aborted) return undefined;
    if (unsealed.has(each)) continue;
    await eraseObject(each);
    report(() => emit({ event: 'reading-archive', objects: erased.objects, of: all.length }));
  }
  emit({ event: 'archive', ...erased });
  return erased;

  async function whileSealRests<T>(work: (assertHeld: () => void) => Promise<T>): Promise<T> {
    for (const untilMs = now() + MAX_WAIT_MS; ; ) {
      const result = await withLease(archive, ({ assertHeld }) => work(assertHeld));
      if (result !== 'busy') return result;
      if (now() >= untilMs || signal.aborted) throw new TargetUnavailableError('seal is running all the time');
      emit({ event: 'waiting-for-seal' });
      await sleep(RETRY_MS);
    }
  }

  /** Does a part of the work; of a domain whose chain is broken nothing more is done. */
  async function exceptBroken(domain: string, work: () => Promise<unknown>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (!(error instanceof BrokenChainError)) throw error;
      indexes.delete(domain);
      erased.faults += 1;
      emit({ event: 'fault', where: `the archive of ${domain}`, what: `has a broken chain: ${error.message}` });
    }
  }

  async function eraseObject(object: KeptObject): Promise<void> {
    const domain = domainOf(object.key);
    const index = indexes.get(domain);
    if (index !== undefined) await exceptBroken(domain, () => eraseFrom(object, index));
  }

  async function eraseFrom({ key, isThere, oldVersions }: KeptObject, index: ChainIndex): Promise<void> {
    if (!isThere && oldVersions.length === 0) return;
    const outcome = isThere
      ? await rewrite(key, index, rowErasure(recipient, index.domain, erasureKey))
      : ({ kind: 'faulty', what: 'was deleted; its old versions may hold the recipient' } as const);
    erased.objects += 1;
    if (outcome.kind === 'faulty') {
      erased.faults += 1;
      emit({ event: 'fault', where: key, what: outcome.what });
      return;
    }
    if (outcome.kind === 'rewritten') {
      erased.rewritten += 1;
      erased.rows += outcome.rows;
    } else if (oldVersions.length === 0) return;
    for await (const kept of objects.list(key)) {
      for (const version of kept.key === key ? kept.oldVersions : []) {
        await objects.removeVersion(key, version);
        erased.versions += 1;
      }
    }
  }
}

const domainOf = (key: string) => parseObjectKey(key)?.domain ?? '';

/** Lists the archive's objects; other keys under the prefix do not belong to it. */
async function listAll(objects: RewritableObjects): Promise<KeptObject[]> {
  const all: KeptObject[] = [];
  for await (const each of objects.list(EVENTS_PREFIX)) if (parseObjectKey(each.key) !== undefined) all.push(each);
  return all;
}
