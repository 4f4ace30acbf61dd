import { METRICS } from '../../../lambdas/contract.ts';
import {
  failedWebhooksPeriodSeconds,
  openLimitSeconds,
  runPeriodSeconds,
  watermarkLimitSeconds,
} from '../../config/derived-defaults.ts';
import type { AlarmRow } from '../monitoring/ledger-alarm.ts';
import { stopped, unjudged } from './missing-data.ts';
import type { AlarmSources } from './sources.ts';

const FIVE_MINUTES = 300;
const NO_LISTING = unjudged('a run that could not list what Mailgun has finds nothing, and says nothing of it');

/** Watches what reconcile finds, and whether it runs. */
export function reconciliationRows(sources: AlarmSources): AlarmRow[] {
  const { metrics, limits } = sources;
  const { stage } = sources.webhookApi.endpoint;
  const countedSeconds = failedWebhooksPeriodSeconds(sources);
  const periodSeconds = runPeriodSeconds(sources);
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
      impact:
        'Clients of the API: lost webhooks are no longer recovered, and never can be once Mailgun deletes its events.',
      recovered: 'Reconcile runs again, and catches up by itself.',
      explains: ['watermark-too-old'],
      missing: stopped('every run writes this metric, even one without an API key, so its absence is the fault itself'),
      runbook: 'reconcile-stopped',
      firstCommand: 'logs reconcile --since 2h',
    },
    {
      id: 'ApiKeyUnusable',
      metric: sum(METRICS.apiKeyUsable),
      // A period holds two runs: the next one makes up for one failed read, and two in a row page.
      breaches: 'below',
      limit: limits.apiKeyUnusable,
      datapoints: [1, 1],
      severity: 'page',
      happened: 'The Mailgun API key is unset, unreadable or refused by Mailgun, although there is a ledger already.',
      impact:
        'Clients of the API: lost webhooks are no longer recovered, and never can be once Mailgun deletes its events.',
      recovered: 'The API key works again, and reconcile catches up by itself.',
      explains: ['watermark-too-old'],
      missing: NO_LISTING,
      runbook: 'api-key-unusable',
      firstCommand: 'doctor',
    },
    {
      id: 'WatermarkTooOld',
      metric: gauge(METRICS.watermarkAge),
      limit: watermarkLimitSeconds(sources),
      datapoints: [1, 1],
      severity: 'page',
      happened: "The ledger is behind by more than half of Mailgun's retention.",
      impact: 'No one yet. Once Mailgun has deleted them, lost events of that time cannot be recovered.',
      recovered: 'The ledger has caught up.',
      missing: NO_LISTING,
      runbook: 'watermark-too-old',
      firstCommand: 'logs reconcile --since 2h --message "domain not reconciled"',
    },
    {
      id: 'LostWebhooks',
      metric: news(METRICS.lostWebhooks),
      limit: limits.lostWebhooks,
      datapoints: [1, 1],
      severity: 'page',
      happened: 'Events that a webhook should have stored were found by reconciliation.',
      impact:
        'Clients of the API see these events late, by reconciliation. The cause began half an hour ago or earlier, and may go on.',
      recovered:
        'No further lost webhooks were found; status tells when their events are stored. Those that Mailgun retries page once more at the second pass.',
      missing: NO_LISTING,
      runbook: 'lost-webhooks',
      firstCommand: 'webhooks check',
    },
    {
      id: 'Silence',
      metric: sum(METRICS.silentEvents),
      limit: limits.silentEvents,
      // When traffic ends there is nothing to list. Slices are judged after three retries of Mailgun, so a single late
      // webhook does not count, and twice in a row is not an accident.
      datapoints: [2, 2],
      severity: 'page',
      happened: 'Mailgun lists events, and no webhook for them was verified.',
      impact:
        'Clients of the API see everything late, by reconciliation. The cause began half an hour ago or earlier, and may go on.',
      recovered: 'Webhooks arrive again, or Mailgun lists nothing that should have arrived.',
      explains: ['lost-webhooks'],
      missing: NO_LISTING,
      runbook: 'silence',
      firstCommand: 'webhooks check',
    },
    {
      id: 'WebhookDrift',
      // Every fourth run compares, so each of these periods holds one comparison, or occasionally none.
      metric: metrics.own(METRICS.webhookDrift, 'Maximum', 2 * periodSeconds),
      limit: limits.webhookDrift,
      datapoints: [1, 2],
      severity: 'ticket',
      happened: 'The webhooks registered at Mailgun are not those of this stack.',
      impact:
        'Clients of the API see events of missing types late; recipients, because a foreign URL learns who gets which mail.',
      recovered: 'The webhooks registered at Mailgun are those of this stack again.',
      explains: ['lost-webhooks', 'silence'],
      missing: NO_LISTING,
      runbook: 'webhook-drift',
      firstCommand: 'webhooks check',
    },
    {
      id: 'DomainDrift',
      // Read together with the registered webhooks.
      metric: metrics.own(METRICS.domainDrift, 'Maximum', 2 * periodSeconds),
      limit: limits.domainDrift,
      datapoints: [1, 2],
      severity: 'ticket',
      happened: "Mailgun's domains are not those of the ledger, or a new one is in it.",
      impact: 'Clients of the API: events of a domain that only Mailgun has are neither taken nor found missing.',
      recovered: "Mailgun's domains are those of the ledger.",
      explains: ['webhooks-refused', 'watermark-too-old'],
      missing: NO_LISTING,
      runbook: 'domain-drift',
      firstCommand: 'doctor',
    },
    {
      id: 'WebhooksNotArriving',
      // An error of our own has other alarms; subtracted, a single stray one does not hide others.
      metric: metrics.math(
        'failed webhooks, beyond those that this stack responded to',
        'failed - FILL(refused, 0) - FILL(errors, 0)',
        {
          failed: metrics.own(METRICS.failedWebhooks, 'Minimum', countedSeconds),
          refused: metrics.api('4xx', stage, 'Sum', countedSeconds),
          errors: metrics.api('5xx', stage, 'Sum', countedSeconds),
        },
        countedSeconds,
      ),
      limit: limits.failedWebhooks,
      datapoints: [1, 1],
      severity: 'ticket',
      happened:
        'For 9 hours Mailgun has counted more failed webhooks than the access log shows errors: they fail before they reach us (DNS, TLS or the URL).',
      impact: 'Clients of the API see these events at least half an hour late, by reconciliation.',
      recovered:
        'For 6 hours Mailgun has counted no failed webhook, or no more than the errors that the webhook URL returned.',
      explains: ['lost-webhooks', 'silence'],
      missing: NO_LISTING,
      runbook: 'webhooks-not-arriving',
      firstCommand: 'webhooks check',
    },
    {
      id: 'WebhooksRedacted',
      // Read together with the registered webhooks.
      metric: metrics.own(METRICS.redactedDomains, 'Maximum', 2 * periodSeconds),
      limit: limits.redactedDomains,
      datapoints: [1, 2],
      severity: 'ticket',
      happened: 'Mailgun redacts webhooks: they do not name their recipients.',
      impact:
        'Senders that check suppressions first: bounces and complaints count only once reconciliation lists them.',
      recovered: 'Webhooks name their recipients again.',
      missing: NO_LISTING,
      runbook: 'webhooks-redacted',
      firstCommand: 'doctor',
    },
    {
      id: 'ListingApiEnds',
      metric: gauge(METRICS.listingEnd),
      limit: limits.listingEnd,
      datapoints: [1, 1],
      severity: 'ticket',
      happened: 'Mailgun ends, or has announced to end, the API that the ledger lists by.',
      impact:
        'No one: once the Events API is gone, the ledger lists by the Logs API by itself, in three times the calls.',
      recovered: 'The ledger lists by an API of which Mailgun announces no end.',
      missing: NO_LISTING,
      runbook: 'listing-api-ends',
      firstCommand: 'doctor',
    },
    {
      id: 'OpenSlice',
      metric: gauge(METRICS.openSliceAge),
      limit: openLimitSeconds(sources),
      datapoints: [1, 1],
      severity: 'ticket',
      happened: 'Events that Mailgun lists have been missing for hours, although they were requeued.',
      impact: 'Clients of the API miss these events.',
      recovered: 'What was missing is stored, or was accepted.',
      missing: NO_LISTING,
      runbook: 'open-slice',
      firstCommand: 'dlq list',
    },
    {
      id: 'Stuck',
      metric: gauge(METRICS.stuck),
      limit: limits.stuck,
      datapoints: [1, 1],
      severity: 'page',
      happened: 'Events are still not stored after they were requeued five times; they are not requeued again.',
      impact: 'Clients of the API miss these events until the cause is fixed.',
      recovered: 'No event is stuck: they are stored, or were accepted.',
      explains: ['open-slice'],
      missing: NO_LISTING,
      runbook: 'stuck',
      firstCommand: 'logs process --since 24h --message "message moved to the DLQ"',
    },
    {
      id: 'Unconfirmed',
      metric: metrics.own(METRICS.unconfirmed, 'Maximum', FIVE_MINUTES),
      limit: limits.unconfirmed,
      datapoints: [1, 1],
      severity: 'page',
      happened: 'Events are stored that Mailgun does not list, or lists with other content.',
      impact:
        'Clients of the API: the events may be forged with a captured signature, so their records cannot be trusted.',
      recovered: 'Mailgun lists every stored event as it is stored, or what it does not was accepted.',
      explains: ['lost-webhooks'],
      missing: NO_LISTING,
      runbook: 'unconfirmed',
      firstCommand: 'unconfirmed',
    },
  ];
}
