import type { AlarmRow } from '../monitoring/ledger-alarm.ts';
import { NO_TRAFFIC } from './missing-data.ts';
import type { AlarmSources } from './sources.ts';

/**
 * Long enough to keep the alarm on: its end is a notice too, which would fail and set it off again if notify cannot
 * start at all.
 */
const PERIOD_SECONDS = 3600;

/** Returns no row where the environment brings no notices. */
export function noticeRows({ notify, metrics, limits }: AlarmSources): AlarmRow[] {
  if (notify === undefined) return [];
  return [
    {
      id: 'NotifyErrors',
      metric: metrics.function('Errors', notify, 'Sum', PERIOD_SECONDS),
      limit: limits.notifyErrors,
      datapoints: [1, 1],
      severity: 'page',
      happened: 'Alarms do not reach every chat and on-call service.',
      impact: 'People who rely on these services miss other alarms; the addresses of the topics get them.',
      recovered: 'No notice has failed for an hour.',
      missing: NO_TRAFFIC,
      runbook: 'notify-errors',
      firstCommand: 'logs notify --since 2h',
    },
  ];
}
