import { type EnvSource, listEnv, requireEnv, wholeNumberEnv } from '../runtime/env.ts';

/** What the stack must set for read-api. */
export interface ReadApiEnv {
  LEDGER_NAME: string;
  TABLE_NAME: string;
  API_TOKEN_SECRET_ARN: string;
  /** Comma-separated exact origins that a browser may read from; may be empty. */
  ALLOWED_ORIGINS: string;
  /** Comma-separated sending domains, lower case. */
  DOMAINS: string;
  SLICE_SECONDS: string;
  SETTLE_SECONDS: string;
}

export function readReadApiEnv(source: EnvSource) {
  return {
    ledgerName: requireEnv(source, 'LEDGER_NAME'),
    tableName: requireEnv(source, 'TABLE_NAME'),
    apiTokenSecretArn: requireEnv(source, 'API_TOKEN_SECRET_ARN'),
    allowedOrigins: listEnv(source, 'ALLOWED_ORIGINS'),
    domains: listEnv(source, 'DOMAINS'),
    sliceSeconds: wholeNumberEnv(source, 'SLICE_SECONDS'),
    settleSeconds: wholeNumberEnv(source, 'SETTLE_SECONDS'),
  };
}
