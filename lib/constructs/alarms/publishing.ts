import type { AlarmRow } from '../monitoring/ledger-alarm.ts';
import { QUIET_QUEUE, quiet } from './missing-data.ts';
import type { AlarmSources } from './sources.ts';

/** Returns no row where the environment does not publish. */
export function publishingRows({ publishing, metrics, limits }: AlarmSources): AlarmRow[] {
  if (publishing === undefined) return [];
  return [
    {
      id: 'PublishLag',
      metric: metrics.function('IteratorAge', publishing.function, 'Maximum', 300),
      limit: limits.publishLagSeconds * 1000,
      datapoints: [1, 1],
      severity: 'ticket',
      happened: 'Changes are published hours late.',
      impact: 'Subscribers of the event bus act on old statuses. After 24 hours they lose changes.',
      recovered: 'Publishing has caught up.',
      explains: ['publish-failures'],
      missing: quiet('Lambda reports no age while the stream is empty'),
      runbook: 'publish-lag',
      firstCommand: 'logs publish --since 2h',
    },
    {
      id: 'PublishFailures',
      metric: metrics.held(publishing.failures, 60),
      limit: limits.publishFailures,
      datapoints: [1, 1],
      severity: 'ticket',
      happened: 'Changes could not be published.',
      impact: 'Subscribers of the event bus miss these changes until they are republished.',
      recovered: 'The failure queue is empty.',
      missing: QUIET_QUEUE,
      runbook: 'publish-failures',
      firstCommand: 'logs publish --since 2h',
    },
  ];
}
