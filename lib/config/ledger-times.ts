import { DAY_SECONDS, MAX_SLICE_SECONDS, secondPassSeconds } from '../../lambdas/contract.ts';

/** The settings of reconciliation. */
export interface LedgerChoice {
  readonly everySeconds: number;
  readonly settleSeconds: number;
  readonly sliceSeconds: number;
  /** Seconds that Mailgun keeps events. */
  readonly retentionSeconds: number;
  readonly mailgunUrl?: string | undefined;
}

const MIN_SETTLE_SECONDS = 1800;

const MIN_RUN_SECONDS = 300;
/** Lambda's maximum. */
const MAX_RUN_SECONDS = 900;

/**
 * Returns the maximum duration of a run: until the next begins, so that a ledger that is behind catches up as fast as
 * possible.
 */
export const runLimitSeconds = ({ everySeconds }: Pick<LedgerChoice, 'everySeconds'>) =>
  Math.min(MAX_RUN_SECONDS, Math.max(MIN_RUN_SECONDS, everySeconds));

/** Returns a sentence for each rule that these times break. `compressed`: the local stack's short times. */
export function brokenLedgerRules(choice: LedgerChoice, compressed: boolean): string[] {
  const { everySeconds, settleSeconds, sliceSeconds, retentionSeconds, mailgunUrl } = choice;
  const reachSeconds = secondPassSeconds(retentionSeconds) + sliceSeconds + settleSeconds;
  const rules: [holds: boolean, text: string][] = [
    [
      compressed || settleSeconds >= MIN_SETTLE_SECONDS,
      `settle ${settleSeconds} s must be at least ${MIN_SETTLE_SECONDS} s, since Mailgun indexes late`,
    ],
    [
      reachSeconds < retentionSeconds,
      `second pass + slice + settle = ${reachSeconds} s must be less than Mailgun's retention ${retentionSeconds} s`,
    ],
    [
      MAX_SLICE_SECONDS % sliceSeconds === 0,
      `slice ${sliceSeconds} s must divide the hour, so that slices add up to hours`,
    ],
    [
      compressed || everySeconds % 60 === 0,
      `every ${everySeconds} s must be whole minutes; the schedule knows no shorter unit`,
    ],
    [compressed || mailgunUrl === undefined, 'mailgunUrl is only for the local stack; it must come from an overlay'],
  ];
  return rules.filter(([holds]) => !holds).map(([, text]) => text);
}

/** Returns a line for each broken rule of how long the table keeps what it holds. */
export function brokenRetentionRules(
  eventDays: number,
  { statusDays, isArchived }: { statusDays: number; isArchived: boolean },
  reconcile: LedgerChoice | undefined,
): string[] {
  const lines: string[] = [];
  if (statusDays < eventDays)
    lines.push(`retentionDays.statuses: got ${statusDays}; must be at least the ${eventDays} days of events`);
  if (reconcile === undefined || !isArchived) return lines;
  const { retentionSeconds, sliceSeconds, settleSeconds } = reconcile;
  // One day to notice that slices are not sealed, which an alarm reports.
  const sealedSeconds = secondPassSeconds(retentionSeconds) + sliceSeconds + settleSeconds + DAY_SECONDS;
  if (eventDays * DAY_SECONDS <= sealedSeconds)
    lines.push(
      `retentionDays.events: got ${eventDays}; must exceed ${(sealedSeconds / DAY_SECONDS).toFixed(1)} days, by when a slice is archived`,
    );
  return lines;
}
