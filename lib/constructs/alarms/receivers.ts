import { METRICS } from '../../../lambdas/contract.ts';
import type { AlarmRow } from '../monitoring/ledger-alarm.ts';
import { NO_NEWS, quiet } from './missing-data.ts';
import type { AlarmSources } from './sources.ts';

/** Deliver receives a disabled receiver's messages twice an hour, and counts each time. */
const COUNTED_SECONDS = 3600;

/** Returns no row where the environment has no receivers. */
export function receiverRows({ hasReceivers, metrics, limits }: AlarmSources): AlarmRow[] {
  if (!hasReceivers) return [];
  return [
    {
      id: 'ReceiverDisabled',
      // Filled, because CloudWatch passes over hours without a value, and would judge values that are hours old.
      metric: metrics.math(
        'deliveries that wait for a disabled receiver',
        'FILL(disabled, 0)',
        { disabled: metrics.own(METRICS.receiverDisabled, 'Sum', COUNTED_SECONDS) },
        COUNTED_SECONDS,
      ),
      limit: limits.receiverDisabled,
      datapoints: [1, 1],
      severity: 'page',
      happened: 'A receiver responded 410 or failed for days, and is disabled.',
      impact: 'The application behind it learns of no bounce, complaint or unsubscribe until it is enabled.',
      recovered: 'For an hour no delivery has waited for a disabled receiver.',
      missing: quiet('it is written only while a delivery waits for a disabled receiver'),
      runbook: 'receiver-disabled',
      firstCommand: 'receivers list',
    },
    {
      id: 'DeliveriesDead',
      metric: metrics.own(METRICS.deliveryDead, 'Sum', 300),
      limit: limits.deliveriesDead,
      datapoints: [1, 1],
      severity: 'ticket',
      happened: 'Deliveries failed in every attempt, and are in the DLQ of their receiver.',
      impact: 'The application behind it misses these changes until they are redelivered.',
      recovered: 'No delivery has died for 5 minutes; those that did wait in the DLQ.',
      missing: NO_NEWS,
      runbook: 'deliveries-dead',
      firstCommand: 'receivers list',
    },
  ];
}
