import { MAX_REQUEUES } from '../../lambdas/domain/ledger/requeue.ts';
import type { LedgerChoice } from './ledger-times.ts';

// Settings whose default follows from other settings; the default of every other one is in the schema.

/** The settings that decide how long the table keeps events. */
export interface RetentionChoice {
  readonly retentionDays: { readonly events?: number | undefined; readonly statuses: number };
  readonly seal: { readonly enabled: boolean };
}

/** The settings that decide times of alarms. */
interface AlarmChoice {
  readonly times: Pick<LedgerChoice, 'everySeconds' | 'retentionSeconds'>;
  readonly limits: {
    readonly watermarkAgeSeconds?: number | undefined;
    readonly openSliceSeconds?: number | undefined;
    readonly runPeriodSeconds?: number | undefined;
  };
}

const EVENT_DAYS = { archived: 90, tableOnly: 400 } as const;
/** All waits of an open slice, which double from one period between runs on, plus two periods. */
const OPEN_PERIODS = 2 ** MAX_REQUEUES + 1;
/** Two runs, so that a slightly late one leaves no gap. */
const RUNS_IN_PERIOD = 2;
/**
 * A count of failed webhooks reaches back 7 hours and is up to 2 hours old, where one reading failed. So the least of
 * this time counts no failure whose response had left the access log of the same time.
 */
const FAILED_WEBHOOKS_HOURS = 9;

/** These defaults in words, for the configuration page. */
export const DERIVED_DEFAULTS = {
  eventDays: `${EVENT_DAYS.archived} with \`seal.enabled\`, else ${EVENT_DAYS.tableOnly}`,
  watermarkAgeSeconds: 'half of `reconcile.retentionSeconds`',
  openSliceSeconds: `${OPEN_PERIODS} times \`reconcile.everySeconds\``,
  runPeriodSeconds: `twice \`reconcile.everySeconds\`, and ${FAILED_WEBHOOKS_HOURS} hours for webhooks-not-arriving`,
} as const;

/** Returns the days that the table keeps events. */
export const eventDays = ({ retentionDays, seal }: RetentionChoice): number =>
  retentionDays.events ?? (seal.enabled ? EVENT_DAYS.archived : EVENT_DAYS.tableOnly);

/** Returns the watermark's age at which people must act. */
export const watermarkLimitSeconds = ({ limits, times }: AlarmChoice): number =>
  limits.watermarkAgeSeconds ?? Math.floor(times.retentionSeconds / 2);

/** Returns how long a slice may stay open. */
export const openLimitSeconds = ({ limits, times }: AlarmChoice): number =>
  limits.openSliceSeconds ?? OPEN_PERIODS * times.everySeconds;

/** Returns the period of alarms on what runs of reconcile or seal report, in whole minutes. */
export const runPeriodSeconds = ({ limits, times }: AlarmChoice): number =>
  limits.runPeriodSeconds ?? RUNS_IN_PERIOD * Math.ceil(times.everySeconds / 60) * 60;

/** Returns the period in which Mailgun's failed webhooks are compared with the responses here. */
export const failedWebhooksPeriodSeconds = ({ limits }: Pick<AlarmChoice, 'limits'>): number =>
  limits.runPeriodSeconds ?? FAILED_WEBHOOKS_HOURS * 3600;
