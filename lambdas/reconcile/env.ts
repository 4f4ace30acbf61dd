import { domainsEnv, type EnvSource, listEnv, requireEnv, wholeNumberEnv } from '../runtime/env.ts';

/** The variables that the stack must set for reconcile. Times are in seconds, because the local stack compresses them. */
export interface ReconcileEnv {
  LEDGER_NAME: string;
  TABLE_NAME: string;
  /** Shards of the day index as JSON; absent where each day has one. */
  DAY_SHARDS?: string;
  QUEUE_URL: string;
  API_KEY_SECRET_ARN: string;
  ERASURE_KEY_SECRET_ARN: string;
  /** Comma-separated `<domain>=<us|eu>`, or `account`: all that Mailgun lists. */
  DOMAINS: string;
  /** Domains of the other environments of cdk.json, as `encodeHeldElsewhere` writes them; absent where there are none. */
  HELD_ELSEWHERE?: string;
  /** Comma-separated webhook types that are registered at Mailgun. */
  EVENT_TYPES: string;
  /** This stack's URL as Mailgun must have it registered. */
  WEBHOOK_URL: string;
  /** `events` or `logs`: which of Mailgun's APIs is read. */
  SOURCE: string;
  /** Seconds between runs, and the first wait of an open slice. */
  EVERY_SECONDS: string;
  SETTLE_SECONDS: string;
  SLICE_SECONDS: string;
  /** Seconds that Mailgun keeps events. */
  RETENTION_SECONDS: string;
  /** Epoch seconds at which ledgers start; empty: at the first webhook of the domain. */
  FROM_EPOCH_SECONDS: string;
  /** Base URL in place of Mailgun's own; empty: that of the domain's region. */
  MAILGUN_URL: string;
  /** More messages than this in the queue are a backlog, into which nothing is sent. */
  BACKLOG_MESSAGES: string;
  /** Maximum number of concurrent listings. */
  PARALLEL: string;
  /** Comma-separated mailbox providers that alarms watch, and from how many mails on; absent where there are none. */
  WATCHED_PROVIDERS?: string;
  MIN_JUDGED_MAILS?: string;
  /** `yes`: Mailgun's classes of failures are read; absent where they are not. */
  BOUNCE_CLASSES?: string;
}

export function readReconcileEnv(source: EnvSource) {
  return {
    ledgerName: requireEnv(source, 'LEDGER_NAME'),
    tableName: requireEnv(source, 'TABLE_NAME'),
    dayShards: source.DAY_SHARDS ?? '[]',
    queueUrl: requireEnv(source, 'QUEUE_URL'),
    apiKeySecretArn: requireEnv(source, 'API_KEY_SECRET_ARN'),
    erasureKeySecretArn: requireEnv(source, 'ERASURE_KEY_SECRET_ARN'),
    domains: domainsEnv(source, readDomain),
    heldElsewhere: source.HELD_ELSEWHERE ?? '',
    eventTypes: listEnv(source, 'EVENT_TYPES'),
    webhookUrl: requireEnv(source, 'WEBHOOK_URL'),
    api: requireEnv(source, 'SOURCE') === 'logs' ? ('logs' as const) : ('events' as const),
    everySeconds: wholeNumberEnv(source, 'EVERY_SECONDS'),
    settleSeconds: wholeNumberEnv(source, 'SETTLE_SECONDS'),
    sliceSeconds: wholeNumberEnv(source, 'SLICE_SECONDS'),
    retentionSeconds: wholeNumberEnv(source, 'RETENTION_SECONDS'),
    fromEpochSeconds: source.FROM_EPOCH_SECONDS ? wholeNumberEnv(source, 'FROM_EPOCH_SECONDS') : undefined,
    mailgunUrl: source.MAILGUN_URL || undefined,
    backlogMessages: wholeNumberEnv(source, 'BACKLOG_MESSAGES'),
    parallel: wholeNumberEnv(source, 'PARALLEL'),
    watchedProviders: listEnv(source, 'WATCHED_PROVIDERS'),
    readsClasses: source.BOUNCE_CLASSES === 'yes',
    minJudgedMails: source.MIN_JUDGED_MAILS ? wholeNumberEnv(source, 'MIN_JUDGED_MAILS') : undefined,
  };
}

function readDomain(text: string): { name: string; region: 'us' | 'eu' } {
  const [name = '', region] = text.split('=');
  return { name, region: region === 'eu' ? 'eu' : 'us' };
}
