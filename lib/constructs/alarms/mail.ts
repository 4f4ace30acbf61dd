import { METRICS } from '../../../lambdas/contract.ts';
import type { AlarmRow } from '../monitoring/ledger-alarm.ts';
import { quiet } from './missing-data.ts';
import type { AlarmSources } from './sources.ts';

const HOUR = 3600;
const FEW_MAILS = quiet('without mail there is no rate');
const STORED = 'logs process --since 2h --message "outcomes of new events"';

/** Watches the outcome of the mail itself, counted when an event is stored, whatever its source. */
export function mailRows({ metrics, limits }: AlarmSources): AlarmRow[] {
  const { leastSent } = limits;
  const count = (name: string) => metrics.own(name, 'Sum', HOUR);
  return [
    {
      id: 'Bounces',
      // Counts attempted deliveries: accepted mail may still wait, suppressed mail was never sent.
      metric: metrics.math(
        'bounces in percent',
        `IF(FILL(delivered, 0) + FILL(bounced, 0) >= ${leastSent}, 100 * FILL(bounced, 0) / (FILL(delivered, 0) + FILL(bounced, 0)), 0)`,
        { delivered: count(METRICS.delivered), bounced: count(METRICS.bounced) },
        HOUR,
      ),
      limit: limits.bouncePercent,
      datapoints: [1, 1],
      severity: 'ticket',
      happened: 'Many mails of the last hour failed permanently.',
      impact: 'Their recipients got nothing. If it lasts, Mailgun and mailbox providers throttle the other mail too.',
      recovered: 'The rate of the last hour is below the limit.',
      missing: FEW_MAILS,
      runbook: 'bounces',
      firstCommand: STORED,
    },
    {
      id: 'Complaints',
      // Only delivered mail can be complained about.
      metric: metrics.math(
        'complaints in percent',
        `IF(FILL(delivered, 0) >= ${leastSent}, 100 * FILL(complained, 0) / FILL(delivered, 0), 0)`,
        { delivered: count(METRICS.delivered), complained: count(METRICS.complained) },
        HOUR,
      ),
      limit: limits.complaintPercent,
      datapoints: [1, 1],
      severity: 'ticket',
      happened: 'Many recipients of the last hour marked mail as spam.',
      impact: 'All recipients of the domain: mailbox providers will move its mail to the spam folder.',
      recovered: 'The rate of the last hour is below the limit.',
      missing: FEW_MAILS,
      runbook: 'complaints',
      firstCommand: STORED,
    },
  ];
}
