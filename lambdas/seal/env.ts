import { domainsEnv, type EnvSource, requireEnv, wholeNumberEnv } from '../runtime/env.ts';

/** The variables that the stack must set for seal. */
export interface SealEnv {
  LEDGER_NAME: string;
  TABLE_NAME: string;
  /** Shards of the day index as JSON; absent where each day has one. */
  DAY_SHARDS?: string;
  /** Bucket of the archive. */
  BUCKET_NAME: string;
  /** Names of events in the ledger are hashed under it. */
  ERASURE_KEY_SECRET_ARN: string;
  /** Comma-separated sending domains, or `account`: all that Mailgun lists. */
  DOMAINS: string;
  /** Seconds between runs. */
  EVERY_SECONDS: string;
  /** Seconds back from now in which slices are sealed. */
  REACH_SECONDS: string;
}

export function readSealEnv(source: EnvSource) {
  return {
    ledgerName: requireEnv(source, 'LEDGER_NAME'),
    tableName: requireEnv(source, 'TABLE_NAME'),
    dayShards: source.DAY_SHARDS ?? '[]',
    bucketName: requireEnv(source, 'BUCKET_NAME'),
    erasureKeySecretArn: requireEnv(source, 'ERASURE_KEY_SECRET_ARN'),
    domains: domainsEnv(source, String),
    everySeconds: wholeNumberEnv(source, 'EVERY_SECONDS'),
    reachSeconds: wholeNumberEnv(source, 'REACH_SECONDS'),
  };
}
