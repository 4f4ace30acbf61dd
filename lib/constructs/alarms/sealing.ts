import { SEAL_METRICS } from '../../../lambdas/contract.ts';
import { runPeriodSeconds } from '../../config/derived-defaults.ts';
import type { AlarmRow } from '../monitoring/ledger-alarm.ts';
import { stopped } from './missing-data.ts';
import type { AlarmSources } from './sources.ts';

/** Returns no row where the environment has no archive. */
export function sealingRows(sources: AlarmSources): AlarmRow[] {
  const { seals, metrics, limits } = sources;
  if (!seals) return [];
  const periodSeconds = runPeriodSeconds(sources);
  return [
    {
      id: 'SealBehind',
      metric: metrics.own(SEAL_METRICS.wait, 'Maximum', periodSeconds),
      limit: limits.sealBehindSeconds,
      datapoints: [2, 2],
      severity: 'ticket',
      happened: 'Slices wait to be sealed, or seal does not run, or its bucket is not the one of the archive.',
      recovered: 'Every slice that can be sealed is sealed.',
      impact:
        'No one yet. Certificates end before these slices, and events older than the table keeps are lost to the archive.',
      missing: stopped('every run writes this metric, so its absence is the fault itself'),
      runbook: 'seal-behind',
      firstCommand: 'logs seal --since 2h',
    },
  ];
}
