/** What a run of the stack chooses about reconciliation. */
export interface ReconcileChoice {
  readonly source: 'events' | 'logs';
  readonly everySeconds: number;
  readonly settleSeconds: number;
  readonly sliceSeconds: number;
  readonly retentionSeconds: number;
  /** Undefined: with the twin where the stack starts, with another Mailgun at the first webhook. */
  readonly fromEpochSeconds: number | undefined;
  /** Another Mailgun than the twin, and its key. */
  readonly mailgunUrl: string | undefined;
  readonly apiKey: string | undefined;
}

/** The choice without options. */
export const USUAL_RECONCILE: ReconcileChoice = {
  source: 'events',
  // Quarters of an hour become quarters of a minute.
  everySeconds: 15,
  // Longer than Mailgun's retries take here: webhooks have had their chance before anything is called missing.
  settleSeconds: 8,
  sliceSeconds: 3,
  retentionSeconds: 120,
  fromEpochSeconds: undefined,
  mailgunUrl: undefined,
  apiKey: undefined,
};

/** The second pass, after half of it, stays within reach of longer slices and settle times. */
export const usualRetentionSeconds = (settleSeconds: number, sliceSeconds: number) =>
  Math.max(USUAL_RECONCILE.retentionSeconds, 3 * (settleSeconds + sliceSeconds));

/** What a choice that says nothing else comes to. */
export interface TwinPlace {
  readonly twinUrl: string;
  readonly startEpochSeconds: number;
}

/** The choice as the stack's configuration spells it. */
export function reconcileOverlay(choice: ReconcileChoice, { twinUrl, startEpochSeconds }: TwinPlace) {
  const { source, everySeconds, settleSeconds, sliceSeconds, retentionSeconds, mailgunUrl } = choice;
  // Before its first webhook a ledger knows nothing, and the first of all may be dropped.
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
