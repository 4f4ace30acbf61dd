import { TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import { METRICS } from '../../../lambdas/contract.ts';
import { cursorLimitSeconds, openLimitSeconds } from '../../config/ledger-times.ts';
import type { AlarmRow } from '../ledger-alarm.ts';
import { type AlarmSources, NO_NEWS, quiet } from './sources.ts';

const FIVE_MINUTES = 300;
const NO_RUN = quiet('without an API key reconcile measures nothing, and reconcile-stopped tells of runs that fail');

/** What reconcile finds, and whether it is at work. */
export function reconciliationRows({ times, metrics, limits }: AlarmSources): AlarmRow[] {
  // Holds two runs, so that one that is a little late leaves no hole.
  const periodSeconds = limits.runPeriodSeconds ?? 2 * Math.ceil(times.everySeconds / 60) * 60;
  const gauge = (name: string) => metrics.own(name, 'Maximum', periodSeconds);
  const sum = (name: string) => metrics.own(name, 'Sum', periodSeconds);
  const news = (name: string) => metrics.own(name, 'Sum', FIVE_MINUTES);
  return [
    {
      id: 'ReconcileStopped',
      metric: sum(METRICS.reconcileRun),
      limit: 1,
      breaches: 'below',
      datapoints: [2, 2],
      severity: 'page',
      happened: 'Reconcile has not run for four periods.',
      impact: 'Lost webhooks are no longer found; what Mailgun forgets meanwhile cannot be found any more.',
      missing: {
        treat: TreatMissingData.BREACHING,
        because: 'every run writes this metric, even one without an API key, so its absence is the fault itself',
      },
      runbook: 'reconcile-stopped',
      firstCommand: 'logs reconcile --since 2h',
    },
    {
      id: 'ApiKeyUnusable',
      metric: sum(METRICS.apiKeyUnusable),
      limit: limits.apiKeyUnusable,
      // One failed reading is made up for by the next run.
      datapoints: [2, 2],
      severity: 'page',
      happened: 'The Mailgun API key is unset or cannot be read, and there is a ledger already.',
      impact: 'Lost webhooks are no longer found; what Mailgun forgets meanwhile cannot be found any more.',
      missing: NO_NEWS,
      runbook: 'api-key-unusable',
      firstCommand: 'keys status',
    },
    {
      id: 'CursorTooOld',
      metric: gauge(METRICS.cursorAge),
      limit: limits.cursorAgeSeconds ?? cursorLimitSeconds(times),
      datapoints: [1, 1],
      severity: 'page',
      happened: 'The ledger is behind by more than half of the time that Mailgun keeps events.',
      impact: 'When Mailgun forgets them, lost events of that time cannot be recovered any more.',
      missing: NO_RUN,
      runbook: 'cursor-too-old',
      firstCommand: 'logs reconcile --since 2h --message "domain not reconciled"',
    },
    {
      id: 'LostWebhooks',
      metric: news(METRICS.lostWebhooks),
      limit: limits.lostWebhooks,
      datapoints: [1, 1],
      severity: 'page',
      happened: 'Webhooks never came that should have.',
      impact:
        'Readers of the API learned of these events late, by reconciliation. It goes on until the cause is found.',
      missing: NO_NEWS,
      runbook: 'lost-webhooks',
      firstCommand: 'webhooks check',
    },
    {
      id: 'Silence',
      metric: sum(METRICS.silentEvents),
      limit: limits.silentEvents,
      // Traffic that ends leaves nothing to list. Slices are judged when three retries of Mailgun are over, so a late
      // webhook alone does not count, and twice in a row is no accident.
      datapoints: [2, 2],
      severity: 'page',
      happened: 'Mailgun lists events, and no webhook of them was verified.',
      impact: 'Readers of the API learn of everything half an hour late at least, by reconciliation alone.',
      missing: NO_RUN,
      runbook: 'silence',
      firstCommand: 'webhooks check',
    },
    {
      id: 'WebhookDrift',
      // Compared in every fourth period between runs, so each of these holds one comparison, or now and then none.
      metric: metrics.own(METRICS.webhookDrift, 'Maximum', 2 * periodSeconds),
      limit: limits.webhookDrift,
      datapoints: [1, 2],
      severity: 'ticket',
      happened: 'The webhooks registered at Mailgun are not those of this stack.',
      impact: 'Events of missing types come late, by reconciliation; a foreign URL sees who gets which mail.',
      missing: NO_RUN,
      runbook: 'webhook-drift',
      firstCommand: 'webhooks check',
    },
    {
      id: 'OpenSlice',
      metric: gauge(METRICS.openSliceAge),
      limit: limits.openSliceSeconds ?? openLimitSeconds(times),
      datapoints: [1, 1],
      severity: 'ticket',
      happened: 'Events that Mailgun lists have been missing for hours, although they were sent to the queue.',
      impact: 'Readers of the API miss these events.',
      missing: NO_RUN,
      runbook: 'open-slice',
      firstCommand: 'dlq list',
    },
    {
      id: 'Stuck',
      metric: gauge(METRICS.stuck),
      limit: limits.stuck,
      datapoints: [1, 1],
      severity: 'page',
      happened: 'Events are still not stored after they were sent five times; they are not sent again.',
      impact: 'Readers of the API miss these events until somebody finds out why.',
      missing: NO_RUN,
      runbook: 'stuck',
      firstCommand: 'logs process --since 24h --message "message put among the dead letters"',
    },
    {
      id: 'Unconfirmed',
      metric: news(METRICS.unconfirmed),
      limit: limits.unconfirmed,
      datapoints: [1, 1],
      severity: 'page',
      happened: 'Events are stored that Mailgun does not list.',
      impact: 'Somebody may have forged events under a stolen signature; records that they touch cannot be trusted.',
      missing: NO_NEWS,
      runbook: 'unconfirmed',
      firstCommand: 'logs reconcile --since 24h --message "slice has lost or unconfirmed events"',
    },
  ];
}
