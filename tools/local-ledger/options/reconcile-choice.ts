/** Reconciliation settings of a run. */
export interface ReconcileChoice {
  readonly source: 'events' | 'logs';
  readonly everySeconds: number;
  readonly settleSeconds: number;
  readonly sliceSeconds: number;
  readonly retentionSeconds: number;
  /** Undefined: the stack's start with the twin, the first webhook with another Mailgun. */
  readonly fromEpochSeconds: number | undefined;
  /** Another Mailgun in place of the twin, and its API key. */
  readonly mailgunUrl: string | undefined;
  readonly apiKey: string | undefined;
}

/** The settings without options. */
export const USUAL_RECONCILE: ReconcileChoice = {
  source: 'events',
  // Slices of 15 minutes become 15 seconds.
  everySeconds: 15,
  // Longer than Mailgun's compressed retries: webhooks had their chance before anything counts as missing.
  settleSeconds: 8,
  sliceSeconds: 3,
  retentionSeconds: 120,
  fromEpochSeconds: undefined,
  mailgunUrl: undefined,
  apiKey: undefined,
};

/** Returns the retention in seconds: the second pass, at half of it, stays within it for long slices and settle times. */
export const usualRetentionSeconds = (settleSeconds: number, sliceSeconds: number) =>
  Math.max(USUAL_RECONCILE.retentionSeconds, 3 * (settleSeconds + sliceSeconds));

/** The twin and the start that settings default to. */
interface TwinPlace {
  readonly twinUrl: string;
  readonly startEpochSeconds: number;
}

/** Returns the settings in the form of the stack's configuration. */
export function reconcileOverlay(choice: ReconcileChoice, { twinUrl, startEpochSeconds }: TwinPlace) {
  const { source, everySeconds, settleSeconds, sliceSeconds, retentionSeconds, mailgunUrl } = choice;
  // Before its first webhook a ledger knows nothing, and the very first may be dropped.
  const start = mailgunUrl === undefined ? startEpochSeconds : undefined;
  const fromEpochSeconds = choice.fromEpochSeconds ?? start;
  return {
    source,
    everySeconds,
    settleSeconds,
    sliceSeconds,
    retentionSeconds,
    mailgunUrl: mailgunUrl ?? twinUrl,
    ...(fromEpochSeconds !== undefined && { fromEpochSeconds }),
  };
}
