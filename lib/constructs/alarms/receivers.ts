import { METRICS } from '../../../lambdas/contract.ts';
import type { AlarmRow } from '../monitoring/ledger-alarm.ts';
import { QUIET_QUEUE, quiet } from './missing-data.ts';
import type { AlarmSources } from './sources.ts';

const MINUTE = 60;
const FIVE_MINUTES = 300;
/** Deliver receives a disabled receiver's messages twice an hour, and counts each time. */
const COUNTED_SECONDS = 3600;

/** Returns no row where the environment has no receivers. */
export function receiverRows({ delivering, metrics, limits }: AlarmSources): AlarmRow[] {
  if (delivering === undefined) return [];
  return [
    {
      id: 'DeliverErrors',
      metric: metrics.sum(
        'what deliver could not do',
        {
          crashes: metrics.function('Errors', delivering.function, 'Sum', FIVE_MINUTES),
          failed: metrics.own(METRICS.deliverFailed, 'Sum', FIVE_MINUTES),
        },
        FIVE_MINUTES,
      ),
      limit: limits.deliverErrors,
      // A message comes back within five minutes, so each of them counts even one that alone cannot be worked on. Of four,
      // since CloudWatch may have nothing of the newest yet, which is filled.
      datapoints: [3, 4],
      severity: 'page',
      happened: 'For 15 minutes deliver has crashed, timed out, or could not read or write what it needs.',
      impact:
        'Applications learn of no bounce, complaint or unsubscribe. After a day or more, deliveries go to the DLQ.',
      recovered: 'For 10 minutes deliver has failed at nothing.',
      missing: quiet('Lambda and deliver report only what is delivered'),
      runbook: 'deliver-errors',
      firstCommand: 'logs deliver --since 1h',
    },
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
    // One alarm each: what nobody can redeliver to one receiver hides no death of another's.
    ...delivering.receivers.map(
      ({ config: { name }, deadLetters }): AlarmRow => ({
        id: `DeliveriesDead${name}`,
        metric: metrics.held(deadLetters, MINUTE),
        limit: limits.deliveriesDead,
        datapoints: [1, 1],
        severity: 'ticket',
        happened: `Deliveries to the receiver ${name} are in its DLQ.`,
        impact: 'The application behind it misses these changes until they are redelivered, within 14 days.',
        recovered: `The DLQ of ${name} is empty again.`,
        missing: QUIET_QUEUE,
        runbook: 'deliveries-dead',
        ending: `deliveries-dead-${name}`,
        firstCommand: 'receivers list',
      }),
    ),
  ];
}
