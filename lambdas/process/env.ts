import { type EnvSource, requireEnv, wholeNumberEnv } from '../runtime/env.ts';

/** The variables that the stack must set for process. */
export interface ProcessEnv {
  LEDGER_NAME: string;
  TABLE_NAME: string;
  /** Shards of the day index as JSON; absent where each day has one. */
  DAY_SHARDS?: string;
  QUEUE_URL: string;
  DEAD_LETTERS_URL: string;
  ERASURE_KEY_SECRET_ARN: string;
  /** The queue's visibility timeout; retries of a failing message grow up to five times this. */
  VISIBILITY_SECONDS: string;
  /** Days that events are kept after receipt. */
  RETENTION_DAYS: string;
  /** Days that statuses are kept after the receipt of their first event. */
  STATUS_DAYS: string;
  /** `yes` where it takes all domains of the Mailgun account; absent where they are configured. */
  OF_ACCOUNT?: string;
  /** Age at which reconcile passes over a slice for the second time. */
  SECOND_PASS_SECONDS: string;
}

export function readProcessEnv(source: EnvSource) {
  return {
    ledgerName: requireEnv(source, 'LEDGER_NAME'),
    tableName: requireEnv(source, 'TABLE_NAME'),
    dayShards: source.DAY_SHARDS ?? '[]',
    queueUrl: requireEnv(source, 'QUEUE_URL'),
    deadLettersUrl: requireEnv(source, 'DEAD_LETTERS_URL'),
    erasureKeySecretArn: requireEnv(source, 'ERASURE_KEY_SECRET_ARN'),
    visibilitySeconds: wholeNumberEnv(source, 'VISIBILITY_SECONDS'),
    retentionDays: wholeNumberEnv(source, 'RETENTION_DAYS'),
    statusDays: wholeNumberEnv(source, 'STATUS_DAYS'),
    ofAccount: source.OF_ACCOUNT === 'yes',
    secondPassSeconds: wholeNumberEnv(source, 'SECOND_PASS_SECONDS'),
  };
}
