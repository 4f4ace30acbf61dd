import { domainsEnv, type EnvSource, listEnv, requireEnv, wholeNumberEnv } from '../runtime/env.ts';

/** The variables that the stack must set for read-api. */
export interface ReadApiEnv {
  LEDGER_NAME: string;
  TABLE_NAME: string;
  /** Shards of the day index as JSON; absent where each day has one. */
  DAY_SHARDS?: string;
  QUEUE_URL: string;
  DEAD_LETTERS_URL: string;
  /** Empty if the API accepts JWTs in place of the token. */
  API_TOKEN_SECRET_ARN: string;
  /** Issuer and audience of accepted JWTs; both empty if the API accepts the token. */
  JWT_ISSUER: string;
  JWT_AUDIENCE: string;
  /** Comma-separated exact origins that a browser may read from; may be empty. */
  ALLOWED_ORIGINS: string;
  /** `true` or `false`: whether browsers may read with credentials. */
  ALLOW_CREDENTIALS: string;
  /** Comma-separated names of the alarms that health shows, without the ledger's name that they begin with. */
  ALARMS: string;
  /** Comma-separated sending domains, lower case, or `account`: all that Mailgun lists. */
  DOMAINS: string;
  SLICE_SECONDS: string;
  SETTLE_SECONDS: string;
  /** Days that the table keeps events after receipt. */
  RETENTION_DAYS: string;
  /** Bucket of the archive; absent without an archive. */
  ARCHIVE_BUCKET?: string;
  /** Recognizes events of an erased recipient in table and archive as one person's; absent without an archive. */
  ERASURE_KEY_SECRET_ARN?: string;
  /** Every receiver as JSON: `ReadReceiver[]`; absent where there are none. */
  RECEIVERS?: string;
}

/** A receiver as the stack describes it to the read API; its URL is left out, since many hold a secret. */
export interface ReadReceiverSetting {
  name: string;
  queueUrl: string;
  deadLettersUrl: string;
}

export function readReadApiEnv(source: EnvSource) {
  const ledgerName = requireEnv(source, 'LEDGER_NAME');
  return {
    ledgerName,
    tableName: requireEnv(source, 'TABLE_NAME'),
    dayShards: source.DAY_SHARDS ?? '[]',
    queueUrl: requireEnv(source, 'QUEUE_URL'),
    deadLettersUrl: requireEnv(source, 'DEAD_LETTERS_URL'),
    auth: readAuth(source),
    allowedOrigins: listEnv(source, 'ALLOWED_ORIGINS'),
    credentials: requireEnv(source, 'ALLOW_CREDENTIALS') === 'true',
    alarms: listEnv(source, 'ALARMS').map((name) => `${ledgerName}-${name}`),
    domains: domainsEnv(source, String),
    sliceSeconds: wholeNumberEnv(source, 'SLICE_SECONDS'),
    settleSeconds: wholeNumberEnv(source, 'SETTLE_SECONDS'),
    retentionDays: wholeNumberEnv(source, 'RETENTION_DAYS'),
    archiveBucket: source.ARCHIVE_BUCKET,
    erasureKeySecretArn: source.ERASURE_KEY_SECRET_ARN,
    receivers: JSON.parse(source.RECEIVERS ?? '[]') as ReadReceiverSetting[],
  };
}

/** Fails closed: half of the JWT settings is an error, and without them the token's secret must be named. */
function readAuth(source: EnvSource) {
  const jwt = { issuer: source.JWT_ISSUER ?? '', audience: source.JWT_AUDIENCE ?? '' };
  const tokenSecretArn = source.API_TOKEN_SECRET_ARN ?? '';
  if (jwt.issuer === '' && jwt.audience === '') {
    return { tokenSecretArn: tokenSecretArn || requireEnv(source, 'API_TOKEN_SECRET_ARN') };
  }
  return { jwt: { issuer: requireEnv(source, 'JWT_ISSUER'), audience: requireEnv(source, 'JWT_AUDIENCE') } };
}
