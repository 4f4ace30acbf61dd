import { DAY_SECONDS, secondPassSeconds } from '../../lambdas/contract.ts';
import type { EnvironmentConfig } from './config-schema.ts';

/** Defaults with and without an archive. */
const USUAL_EVENT_DAYS = { archived: 90, tableOnly: 400 } as const;

type RetentionChoice = Pick<EnvironmentConfig, 'retentionDays' | 'seal'>;

/** Days that the table keeps events. */
export const eventDays = ({ retentionDays, seal }: RetentionChoice): number =>
  retentionDays.events ?? (seal.enabled ? USUAL_EVENT_DAYS.archived : USUAL_EVENT_DAYS.tableOnly);

/** Returns a line for each broken rule of retentions. */
export function brokenRetentionRules(
  choice: RetentionChoice,
  reconcile: EnvironmentConfig['reconcile'] | undefined,
): string[] {
  const { statuses } = choice.retentionDays;
  const events = eventDays(choice);
  const lines: string[] = [];
  if (statuses < events)
    lines.push(`retentionDays.statuses: got ${statuses}; must be at least the ${events} days of events`);
  if (reconcile === undefined || !choice.seal.enabled) return lines;
  const { retentionSeconds, sliceSeconds, settleSeconds } = reconcile;
  // One day to notice that slices are not sealed, which an alarm reports.
  const sealedSeconds = secondPassSeconds(retentionSeconds) + sliceSeconds + settleSeconds + DAY_SECONDS;
  if (events * DAY_SECONDS <= sealedSeconds)
    lines.push(
      `retentionDays.events: got ${events}; must exceed ${(sealedSeconds / DAY_SECONDS).toFixed(1)} days, by when a slice is archived`,
    );
  return lines;
}
