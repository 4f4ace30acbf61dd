import { domainsEnv, type EnvSource, requireEnv, wholeNumberEnv } from '../runtime/env.ts';

/** The variables that the stack must set for publish. */
export interface PublishEnv {
  LEDGER_NAME: string;
  TABLE_NAME: string;
  /** Shards of the day index as JSON; absent where each day has one. */
  DAY_SHARDS?: string;
  /** Name or ARN of the event bus. */
  BUS_NAME: string;
  /** Queue of what could not be published. */
  FAILURES_URL: string;
  /** Secret text that makes subjects unguessable. */
  SUBJECT_KEY_SECRET_ARN: string;
  /** Secret under which erased recipients are known. */
  ERASURE_KEY_SECRET_ARN: string;
  /** `yes`: events name their recipient. */
  RECIPIENTS: string;
  /** Seconds for which a change is retried before it goes to the failure queue. */
  RETRY_SECONDS: string;
  /** Comma-separated sending domains, or `account`: all that Mailgun lists. */
  DOMAINS: string;
  /** Receivers whose deliveries are noted, as JSON. */
  RECEIVERS: string;
  /** Days that the delivery log is kept. */
  DELIVERY_DAYS: string;
}

export function readPublishEnv(source: EnvSource) {
  return {
    ledgerName: requireEnv(source, 'LEDGER_NAME'),
    tableName: requireEnv(source, 'TABLE_NAME'),
    dayShards: source.DAY_SHARDS ?? '[]',
    busName: requireEnv(source, 'BUS_NAME'),
    failuresUrl: requireEnv(source, 'FAILURES_URL'),
    subjectKeySecretArn: requireEnv(source, 'SUBJECT_KEY_SECRET_ARN'),
    erasureKeySecretArn: requireEnv(source, 'ERASURE_KEY_SECRET_ARN'),
    recipients: requireEnv(source, 'RECIPIENTS') === 'yes',
    retrySeconds: wholeNumberEnv(source, 'RETRY_SECONDS'),
    domains: domainsEnv(source, String),
    receivers: requireEnv(source, 'RECEIVERS'),
    deliveryDays: wholeNumberEnv(source, 'DELIVERY_DAYS'),
  };
}
