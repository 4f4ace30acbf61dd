import { isRecord } from '../local-stack/template/template.ts';
import { compressedLimits, compressedWatermarkSeconds } from './options/compressed-limits.ts';
import { type ReconcileChoice, reconcileOverlay } from './options/reconcile-choice.ts';
import { PLACEHOLDERS } from './options/run-values.ts';

/** Configuration merged over that of `dev`. */
export type ConfigOverlay = Readonly<Record<string, unknown>>;

/** Configuration choices of a run. */
export interface ConfigurationChoice {
  readonly domains: readonly string[];
  readonly reconcile: ReconcileChoice;
  readonly metricPeriodSeconds: number;
  readonly publish?: PublishChoice | undefined;
  /** True if slices are sealed into an archive. */
  readonly archive?: boolean | undefined;
  /** URLs of receivers, each of which gets every change. */
  readonly receivers?: readonly string[] | undefined;
  /** Merged over all other choices, except how changes are published. */
  readonly overlay?: ConfigOverlay;
}

export interface PublishChoice {
  /** True if events name their recipients. */
  readonly recipients?: boolean;
  /** Seconds for which publishing a change is retried. */
  readonly retrySeconds?: number;
}

/**
 * Returns the run's configuration: waits are shortened, everything else is as deployed. Placeholders stand for values
 * of a single run.
 */
export function configOverlay(choice: ConfigurationChoice, devOrigins: readonly string[]): ConfigOverlay {
  const { domains, reconcile, metricPeriodSeconds, publish, receivers = [], archive = false } = choice;
  const usual = {
    domains: domains.map((name) => ({ name, region: 'us' })),
    origins: [...devOrigins, PLACEHOLDERS.dashboardUrl],
    processing: { timeoutSeconds: TIMEOUT_SECONDS, outageHours: 1 },
    reconcile: reconcileOverlay(reconcile, PLACEHOLDERS),
    ...(archive && { seal: { enabled: true } }),
    ...(receivers.length > 0 && receiversOverlay(receivers)),
    alarms: {
      limits: {
        ...compressedLimits(metricPeriodSeconds, reconcile.everySeconds),
        watermarkAgeSeconds: compressedWatermarkSeconds(reconcile),
      },
    },
  };
  return { ...layOver(usual, choice.overlay), ...(publish && { publish: { enabled: true, ...publish } }) };
}

/**
 * Longer than the three attempts of a call, so that on a busy machine a batch says which of its events failed, and is
 * not killed with all others of its process.
 */
const TIMEOUT_SECONDS = 4;

/** Seconds between attempts; hours when deployed. */
const RETRY_SECONDS = [1, 2, 5, 10, 20, 40, 60];

function receiversOverlay(urls: readonly string[]): ConfigOverlay {
  return {
    receivers: urls.map((url, index) => ({
      name: `receiver-${index + 1}`,
      url,
      events: ['message.status.changed', 'suppression.changed'],
      recipients: true,
      ratePerSecond: 50,
    })),
    delivery: { retrySeconds: RETRY_SECONDS, timeoutSeconds: 5 },
  };
}

/** Returns true if a function consumes the table's stream. */
export function publishes({ publish }: ConfigOverlay): boolean {
  return isRecord(publish) && publish.enabled === true;
}

/** Merges objects recursively; replaces other values. */
function layOver(under: ConfigOverlay, over: ConfigOverlay = {}): ConfigOverlay {
  const merged = Object.entries(over).map(([key, value]) => {
    const below = under[key];
    return [key, isRecord(below) && isRecord(value) ? layOver(below, value) : value];
  });
  return { ...under, ...Object.fromEntries(merged) };
}
