import { type EnvSource, listEnv, requireEnv } from '../runtime/env.ts';

/** The variables that the stack must set for notify. */
export interface NotifyEnv {
  LEDGER_NAME: string;
  TABLE_NAME: string;
  /** Secret with the services that are notified, as JSON. */
  TARGETS_SECRET_ARN: string;
  /** Topic whose notices page; those of any other are tickets. */
  PAGE_TOPIC_ARN: string;
  /** Comma-separated names of the receivers, or empty. */
  RECEIVER_NAMES: string;
  /** Console of the health dashboard. */
  DASHBOARD_URL: string;
}

export function readNotifyEnv(source: EnvSource) {
  return {
    ledgerName: requireEnv(source, 'LEDGER_NAME'),
    tableName: requireEnv(source, 'TABLE_NAME'),
    targetsSecretArn: requireEnv(source, 'TARGETS_SECRET_ARN'),
    pageTopicArn: requireEnv(source, 'PAGE_TOPIC_ARN'),
    receivers: listEnv(source, 'RECEIVER_NAMES'),
    dashboardUrl: requireEnv(source, 'DASHBOARD_URL'),
  };
}
