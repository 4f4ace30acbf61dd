import { ACCESS_METRICS, METRICS } from '../../../lambdas/contract.ts';
import type { AlarmRow } from '../monitoring/ledger-alarm.ts';
import { NO_NEWS, NO_TRAFFIC } from './missing-data.ts';
import type { AlarmSources } from './sources.ts';

const FIVE_MINUTES = 300;
const REFUSALS = 'logs ingest --since 30m --message "webhook refused"';

/** Watches the webhook URL. What never arrives there is found by reconcile: `reconciliation.ts`. */
export function webhookRows({ webhookApi, metrics, limits }: AlarmSources): AlarmRow[] {
  const { stage } = webhookApi.endpoint;
  const refused = (reason: string) => metrics.own(METRICS.refused, 'Sum', FIVE_MINUTES, reason);
  return [
    {
      id: 'WebhookErrors',
      // Without a key nothing is acknowledged anyway: a key that was never set must not page, one that is gone has its own
      // row. Its metric also counts failed reads of a key that still verifies, which explain no error: hence the refusals.
      // Not subtracted, because the two sides of a request may fall into neighbouring periods.
      metric: metrics.math(
        '5xx responses',
        'IF(FILL(unconfigured, 0) + FILL(keyless, 0) * (FILL(unset, 0) + FILL(unreadable, 0)) > 0, 0, FILL(errors, 0))',
        {
          errors: metrics.api('5xx', stage, 'Sum', FIVE_MINUTES),
          unconfigured: metrics.own(METRICS.unconfigured, 'Sum', FIVE_MINUTES),
          keyless: metrics.own(METRICS.signingKeyUnusable, 'Sum', FIVE_MINUTES),
          unset: refused('signing-key-unset'),
          unreadable: refused('signing-key-unreadable'),
        },
        FIVE_MINUTES,
      ),
      limit: limits.webhookErrors,
      // Mailgun's retry fixes a single failure; a quiet domain in trouble is retried after 10 min and so counts twice.
      datapoints: [2, 3],
      severity: 'page',
      happened: 'Mailgun gets errors (5xx) from the webhook URL.',
      impact:
        'Clients of the API miss `delivered` events now, since Mailgun never retries them, and all others after 8 hours.',
      recovered: 'No webhook got an error for 10 minutes; reconcile recovers what was missed.',
      explains: ['lost-webhooks', 'silence'],
      missing: NO_TRAFFIC,
      runbook: 'webhook-errors',
      firstCommand: REFUSALS,
    },
    {
      id: 'Unauthorized',
      metric: metrics.math(
        'unauthorized, none verified',
        'IF(FILL(acknowledged, 0) > 0, 0, FILL(unauthorized, 0))',
        {
          unauthorized: refused('unauthorized'),
          acknowledged: metrics.access(ACCESS_METRICS.acknowledged, FIVE_MINUTES),
        },
        FIVE_MINUTES,
      ),
      limit: limits.unauthorized,
      // Mailgun comes back after 10 and 20 minutes, so even one event under a wrong key fills three of these periods.
      // A scanner's burst fills one or two, however many posts it has.
      datapoints: [3, 5],
      severity: 'page',
      happened: 'No webhook is verified, and webhooks keep arriving that no signing key verifies.',
      impact:
        'Clients of the API miss `delivered` events now, since Mailgun never retries them, and all others after 8 hours.',
      recovered: 'Webhooks are verified again, or those that no key verifies have stopped.',
      explains: ['lost-webhooks', 'silence', 'webhooks-forged'],
      missing: NO_TRAFFIC,
      runbook: 'unauthorized',
      firstCommand: 'keys status',
    },
    {
      id: 'SigningKeyUnusable',
      metric: metrics.own(METRICS.signingKeyUnusable, 'Sum', FIVE_MINUTES),
      limit: limits.signingKeyUnusable,
      // As in WebhookErrors: a retry fixes one failed read.
      datapoints: [2, 3],
      severity: 'page',
      happened: 'The signing key is unset or unreadable, although webhooks were acknowledged before.',
      impact:
        'Clients of the API miss `delivered` events now and all others after 8 hours, where webhooks are refused: at once without a key, after 12 hours where it cannot be read.',
      recovered: 'No webhook lacked a readable signing key for 10 to 30 minutes; reconcile recovers what was missed.',
      explains: ['lost-webhooks', 'silence'],
      missing: NO_NEWS,
      runbook: 'signing-key-unusable',
      firstCommand: 'keys status',
    },
    {
      id: 'TokenReused',
      metric: refused('token-reused'),
      limit: limits.tokenReused,
      datapoints: [1, 1],
      severity: 'page',
      happened: 'A signature arrived a second time, with another event than before.',
      impact:
        'No one yet: the event was refused. Someone holds a captured signature and tries to forge events with it.',
      recovered: 'No such webhook arrived for 5 minutes. Replace the key all the same.',
      explains: ['unconfirmed'],
      missing: NO_NEWS,
      runbook: 'token-reused',
      firstCommand: REFUSALS,
    },
    {
      id: 'WebhooksRefused',
      metric: metrics.math(
        'stale or of a foreign domain',
        'FILL(stale, 0) + FILL(foreign, 0)',
        { stale: refused('stale'), foreign: refused('foreign-domain') },
        FIVE_MINUTES,
      ),
      limit: limits.webhooksRefused,
      datapoints: [1, 1],
      severity: 'ticket',
      happened:
        'Webhooks with a valid signature were refused permanently (406): their clock is wrong, they are a day old, or their domain is not configured.',
      impact:
        'Clients of the API see these events late, by reconciliation, or not at all where the domain is not configured.',
      recovered: 'No webhook was refused permanently for 5 minutes; reconcile brings those of configured domains.',
      explains: ['lost-webhooks', 'silence'],
      missing: NO_NEWS,
      runbook: 'webhooks-refused',
      firstCommand: REFUSALS,
    },
    {
      id: 'WebhooksForged',
      metric: metrics.math(
        'refused, and not signed by Mailgun',
        'FILL(unauthorized, 0) + FILL(body, 0) + FILL(shape, 0) + FILL(size, 0)',
        {
          unauthorized: refused('unauthorized'),
          body: refused('malformed-body'),
          shape: refused('malformed-webhook'),
          size: refused('body-too-large'),
        },
        FIVE_MINUTES,
      ),
      limit: limits.forgedWebhooks,
      datapoints: [1, 1],
      severity: 'ticket',
      happened: 'The webhook URL is flooded with posts that no signing key verifies.',
      impact: 'The AWS bill: 1,000 a second cost some $3,600 a month, unless one WAF rule stops them.',
      recovered: 'Fewer such posts arrived for 5 minutes.',
      explains: [],
      missing: NO_NEWS,
      runbook: 'webhooks-forged',
      firstCommand: REFUSALS,
    },
    {
      id: 'WebhooksSlow',
      metric: metrics.api('Latency', stage, 'p99', 60),
      limit: limits.webhookLatencyMs,
      datapoints: [3, 5],
      severity: 'ticket',
      happened: 'Responses to webhooks take seconds.',
      impact: 'No one yet. After 5 seconds the response is an error, and then `delivered` events are missed.',
      recovered: 'Webhooks get their response in time again.',
      explains: ['webhook-errors'],
      missing: NO_TRAFFIC,
      runbook: 'webhooks-slow',
      firstCommand: 'logs webhook-access --since 30m',
    },
    {
      id: 'WebhooksThrottled',
      metric: metrics.access(ACCESS_METRICS.throttled, FIVE_MINUTES),
      limit: limits.throttled,
      datapoints: [1, 1],
      severity: 'ticket',
      happened: 'Webhooks got 429: more arrived than the gateway admits.',
      impact:
        'Clients of the API miss the `delivered` events among them until reconcile brings them; all others are retried.',
      recovered: 'No webhook got 429 for 5 minutes; reconcile recovers what was missed.',
      explains: ['lost-webhooks'],
      missing: NO_NEWS,
      runbook: 'webhooks-throttled',
      firstCommand: 'logs webhook-access --since 30m',
    },
  ];
}
