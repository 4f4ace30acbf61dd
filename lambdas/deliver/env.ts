import { type EnvSource, listEnv, requireEnv, wholeNumberEnv } from '../runtime/env.ts';

/** The variables that the stack must set for deliver. */
export interface DeliverEnv {
  LEDGER_NAME: string;
  TABLE_NAME: string;
  /** Every receiver as JSON: `ReceiverSetting[]`. */
  RECEIVERS: string;
  /** Secret under which erased recipients are known. */
  ERASURE_KEY_SECRET_ARN: string;
  /** Comma-separated seconds before the second attempt, the third, and so on. */
  RETRY_SECONDS: string;
  /** A receiver that fails for this long is disabled. */
  DISABLE_AFTER_HOURS: string;
  /** For one request, from the look-up to the response. */
  TIMEOUT_SECONDS: string;
  /** Days that the delivery log is kept. */
  DELIVERY_DAYS: string;
  /** `yes`: receivers may be on this machine, over plain HTTP. */
  LOOPBACK: string;
}

/** A receiver as the stack describes it to the function. */
export interface ReceiverSetting {
  name: string;
  url: string;
  recipients: boolean;
  /** For commands. */
  ratePerSecond: number;
  /** Milliseconds between two requests of one invocation. */
  paceMs: number;
  secretArn: string;
  queueUrl: string;
  deadLettersUrl: string;
}

export function readDeliverEnv(source: EnvSource) {
  return {
    ledgerName: requireEnv(source, 'LEDGER_NAME'),
    tableName: requireEnv(source, 'TABLE_NAME'),
    receivers: JSON.parse(requireEnv(source, 'RECEIVERS')) as ReceiverSetting[],
    erasureKeySecretArn: requireEnv(source, 'ERASURE_KEY_SECRET_ARN'),
    retrySeconds: listEnv(source, 'RETRY_SECONDS').map(Number),
    disableAfterHours: wholeNumberEnv(source, 'DISABLE_AFTER_HOURS'),
    timeoutSeconds: wholeNumberEnv(source, 'TIMEOUT_SECONDS'),
    deliveryDays: wholeNumberEnv(source, 'DELIVERY_DAYS'),
    allowsLoopback: requireEnv(source, 'LOOPBACK') === 'yes',
  };
}
