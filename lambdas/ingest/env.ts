import { domainsEnv, type EnvSource, requireEnv } from '../runtime/env.ts';

/** The environment variables that the stack sets for ingest. */
export interface IngestEnv {
  LEDGER_NAME: string;
  TABLE_NAME: string;
  QUEUE_URL: string;
  SIGNING_KEYS_SECRET_ARN: string;
  /** Comma-separated sending domains, lower case, or `account`: all that Mailgun lists. */
  DOMAINS: string;
}

export function readIngestEnv(source: EnvSource) {
  return {
    ledgerName: requireEnv(source, 'LEDGER_NAME'),
    tableName: requireEnv(source, 'TABLE_NAME'),
    queueUrl: requireEnv(source, 'QUEUE_URL'),
    signingKeysSecretArn: requireEnv(source, 'SIGNING_KEYS_SECRET_ARN'),
    domains: domainsEnv(source, String),
  };
}
