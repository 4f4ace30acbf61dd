import type { AlarmRow } from '../monitoring/ledger-alarm.ts';
import { NO_TRAFFIC } from './missing-data.ts';
import type { AlarmSources } from './sources.ts';

const FIVE_MINUTES = 300;

/** Watches the read API, behind which the dashboard and the team's own services are. */
export function readingRows({ readApi, metrics, limits }: AlarmSources): AlarmRow[] {
  const { stage } = readApi.endpoint;
  return [
    {
      id: 'ReadApiErrors',
      metric: metrics.api('5xx', stage, 'Sum', FIVE_MINUTES),
      limit: limits.readApiErrors,
      // Clients repeat a request that got 503, which fixes a single failure.
      datapoints: [2, 3],
      severity: 'ticket',
      happened: 'Clients get errors (5xx) from the read API.',
      impact:
        'Clients of the API and the dashboard. Webhooks are stored all the same, unless the log names a secret: then they are refused within minutes.',
      recovered: 'The read API responds without errors again.',
      missing: NO_TRAFFIC,
      runbook: 'read-api-errors',
      firstCommand: 'logs read-api --since 30m --message "read failed"',
    },
    {
      id: 'ReadApiSlow',
      metric: metrics.api('Latency', stage, 'p99', 60),
      limit: limits.readApiLatencyMs,
      datapoints: [3, 5],
      severity: 'ticket',
      happened: 'Responses of the read API take seconds.',
      impact: 'Clients of the API and the dashboard wait. After 15 seconds the response is an error.',
      recovered: 'The read API responds in time again.',
      explains: ['read-api-errors'],
      missing: NO_TRAFFIC,
      runbook: 'read-api-slow',
      firstCommand: 'logs read-access --since 30m',
    },
  ];
}
