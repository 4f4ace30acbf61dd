import { MAX_SLICE_SECONDS, secondPassSeconds } from '../../lambdas/contract.ts';
import { MAX_REQUEUES } from '../../lambdas/domain/ledger/requeue.ts';

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

/** Returns the watermark's age at which people must act: half of Mailgun's retention. */
export const watermarkLimitSeconds = ({ retentionSeconds }: LedgerChoice) => Math.floor(retentionSeconds / 2);

const MIN_RUN_SECONDS = 300;
/** Lambda's maximum. */
const MAX_RUN_SECONDS = 900;

/**
 * Returns the maximum duration of a run: until the next begins, so that a ledger that is behind catches up as fast as
 * possible.
 */
export const runLimitSeconds = ({ everySeconds }: Pick<LedgerChoice, 'everySeconds'>) =>
  Math.min(MAX_RUN_SECONDS, Math.max(MIN_RUN_SECONDS, everySeconds));

/** Returns how long a slice may stay open: all its waits, which double from one period on, plus two periods. */
export const openLimitSeconds = ({ everySeconds }: LedgerChoice) => (2 ** MAX_REQUEUES + 1) * everySeconds;

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
