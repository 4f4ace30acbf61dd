import { randomBytes, randomUUID } from 'node:crypto';
import middy from '@middy/core';
import { openArchiveBucket } from '../adapters/archive/archive-bucket.ts';
import { createEventObjects, createManifestBucket, removeLeftovers } from '../adapters/archive/archive-objects.ts';
import { createCachedSecret, createErasureKey, openSecrets } from '../adapters/aws/secrets.ts';
import { createDayIndexRepository } from '../adapters/table/day-index-repository.ts';
import { createDomainNames } from '../adapters/table/domain-repository.ts';
import { createLeaseRepository } from '../adapters/table/lease-repository.ts';
import { openTable } from '../adapters/table/ledger-table.ts';
import { createSealStateRepository, createSliceRepository } from '../adapters/table/slice-repository.ts';
import { createStoredEventRepository } from '../adapters/table/stored-event-repository.ts';
import { SEAL_METRICS } from '../contract.ts';
import { SALT_BYTES } from '../domain/archive/archive-row.ts';
import { parseDayShards } from '../domain/events/day-shards.ts';
import { SEAL_LEASE_KEY } from '../domain/keys.ts';
import { createLog, errorFacts } from '../runtime/log.ts';
import { every } from '../shared/lease.ts';
import { readSealEnv } from './env.ts';
import { createSeal, type SealReport } from './seal.ts';

// Trigger: the schedule, or an operator's invocation with {"ignoreWaits":true}. Promise: every slice past its second
// pass is in the archive once, under a manifest in the chain of its domain. Whatever fails is left to the next run.

/**
 * Time kept back from the function's timeout, to end orderly. A put that hangs is not aborted: it may take effect later,
 * and while a killed run's lease lasts, erase does not list what it would miss.
 */
const RESERVE_MS = 30_000;

// Runs once per cold start.
removeLeftovers();
const env = readSealEnv(process.env);
const log = createLog(env.ledgerName);
const table = openTable(env.tableName, parseDayShards(env.dayShards));
const bucket = openArchiveBucket(env.bucketName);
const domainNames = createDomainNames(table, env.domains, Date.now);
const sealOf = (domains: readonly string[]) =>
  createSeal({
    slices: createSliceRepository(table),
    keys: createDayIndexRepository(table),
    events: createStoredEventRepository(table),
    state: createSealStateRepository(table),
    lease: createLeaseRepository(table, SEAL_LEASE_KEY),
    bucket: createManifestBucket(bucket),
    objects: createEventObjects(bucket),
    erasureKey: createErasureKey(
      createCachedSecret(openSecrets(), env.erasureKeySecretArn, Date.now, 'ErasureKeySecretArn'),
    ),
    domains,
    everySeconds: env.everySeconds,
    reachSeconds: env.reachSeconds,
    newSalt: () => randomBytes(SALT_BYTES).toString('hex'),
    newRunId: randomUUID,
    now: Date.now,
    every,
    onFailure,
  });

// Called by AWS.
export const handler = middy<unknown, SealReport>().handler(async (event, context) => {
  const ignoreWaits = (event as { ignoreWaits?: unknown } | null)?.ignoreWaits === true;
  const deadlineMs = Date.now() + Math.max(1000, context.getRemainingTimeInMillis() - RESERVE_MS);
  const report = await sealOf(await domainNames())({ ignoreWaits, deadlineMs });
  const { busy, waitSeconds, ...counts } = report;
  const message = busy ? 'seal is busy' : 'sealed';
  if (waitSeconds === null) log.write(message, counts);
  else log.measure({ [SEAL_METRICS.wait]: waitSeconds }, message, { waitSeconds, ...counts });
  return report;
});

// Runs for every domain that fails; the others continue.
function onFailure(domain: string, error: unknown): void {
  log.write('domain not sealed', { domain, ...errorFacts(error) });
}
