import { METRICS } from '../../../lambdas/contract.ts';
import type { AlarmRow } from '../ledger-alarm.ts';
import { type AlarmSources, quiet } from './sources.ts';

const HOUR = 3600;
const FEW_MAILS = quiet('where no mail is sent there is no rate');
const STORED = 'logs process --since 2h --message "outcomes of new events"';

/** What becomes of the mail itself. Counted when an event is stored, whether a webhook brought it or reconcile. */
export function mailRows({ metrics, limits }: AlarmSources): AlarmRow[] {
  const { leastSent } = limits;
  const count = (name: string) => metrics.own(name, 'Sum', HOUR);
  return [
    {
      id: 'Bounces',
      // Of what Mailgun tried: accepted mail may still wait, suppressed mail never left it.
      metric: metrics.math(
        'bounces in percent',
        `IF(FILL(delivered, 0) + FILL(bounced, 0) >= ${leastSent}, 100 * FILL(bounced, 0) / (FILL(delivered, 0) + FILL(bounced, 0)), 0)`,
        { delivered: count(METRICS.delivered), bounced: count(METRICS.bounced) },
        HOUR,
      ),
      limit: limits.bouncePercent,
      datapoints: [1, 1],
      severity: 'ticket',
      happened: 'Many mails of the last hour failed for good.',
      impact: 'Their recipients got nothing. Should it last, Mailgun and mailbox providers hold back the others too.',
      missing: FEW_MAILS,
      runbook: 'bounces',
      firstCommand: STORED,
    },
    {
      id: 'Complaints',
      // Only who got a mail can complain of it.
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
      impact: 'Mailbox providers will put mail of this domain into the spam folder, for everybody.',
      missing: FEW_MAILS,
      runbook: 'complaints',
      firstCommand: STORED,
    },
  ];
}
