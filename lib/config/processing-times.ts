import { DAY_SECONDS, MAX_RETRY_VISIBILITIES } from '../../lambdas/contract.ts';

// The times of queue and process depend on each other, so one place derives them from the few that are chosen, and none
// of the others can be tuned alone.

/** The settings of the queue and its consumer. */
interface ProcessingChoice {
  readonly timeoutSeconds: number;
  readonly batchingWindowSeconds: number;
  /** Hours that the table may be down without sending a healthy event to the DLQ. */
  readonly outageHours: number;
}

/** The times that follow from the settings. */
export interface ProcessingTimes {
  readonly visibilitySeconds: number;
  readonly maxReceiveCount: number;
  readonly queueRetentionSeconds: number;
  readonly deadLetterRetentionSeconds: number;
}

/** AWS requires this ratio to the function timeout, so that a throttled batch is not delivered twice. */
export const TIMEOUTS_PER_VISIBILITY = 6;
const MIN_OUTAGE_HOURS = 9;
/** The first attempts follow each other within minutes, and the last must still find the table back. */
const QUICK_TRIES = 10;
/** Limits of SQS. */
export const MAX_RECEIVES = 1000;
const MAX_RETENTION_SECONDS = 14 * DAY_SECONDS;

/** Returns how long a message that never succeeds stays in the queue before the DLQ. */
const longestStaySeconds = (times: ProcessingTimes) =>
  times.maxReceiveCount * times.visibilitySeconds * MAX_RETRY_VISIBILITIES;

export function processingTimes(choice: ProcessingChoice): ProcessingTimes {
  const visibilitySeconds = TIMEOUTS_PER_VISIBILITY * choice.timeoutSeconds + choice.batchingWindowSeconds;
  const maxReceiveCount = Math.ceil((choice.outageHours * 3600) / visibilitySeconds) + QUICK_TRIES;
  const staySeconds = maxReceiveCount * visibilitySeconds * MAX_RETRY_VISIBILITIES;
  return {
    visibilitySeconds,
    maxReceiveCount,
    // Two days more than the longest stay, for the time a message waits before it is first received.
    queueRetentionSeconds: (Math.ceil(staySeconds / DAY_SECONDS) + 2) * DAY_SECONDS,
    deadLetterRetentionSeconds: MAX_RETENTION_SECONDS,
  };
}

/** Returns a sentence for each rule that these times break. `compressed`: the local stack's short times. */
export function brokenTimeRules(choice: ProcessingChoice, times: ProcessingTimes, compressed: boolean): string[] {
  const shortestVisibility = TIMEOUTS_PER_VISIBILITY * choice.timeoutSeconds + choice.batchingWindowSeconds;
  const survivesHours = (times.maxReceiveCount * times.visibilitySeconds) / 3600;
  const rules: [holds: boolean, text: string][] = [
    [
      times.visibilitySeconds >= shortestVisibility,
      `visibility ${times.visibilitySeconds} s must be at least 6 x timeout + batching window = ${shortestVisibility} s`,
    ],
    [
      compressed || survivesHours >= MIN_OUTAGE_HOURS,
      `receive count x visibility = ${survivesHours.toFixed(1)} h must be at least ${MIN_OUTAGE_HOURS} h; raise outageHours`,
    ],
    [
      times.maxReceiveCount <= MAX_RECEIVES,
      `receive count ${times.maxReceiveCount} must be at most ${MAX_RECEIVES}; raise timeoutSeconds or lower outageHours`,
    ],
    [
      times.queueRetentionSeconds > longestStaySeconds(times),
      `queue retention ${times.queueRetentionSeconds} s must exceed the longest stay ${longestStaySeconds(times)} s, or a message expires unseen`,
    ],
    [
      times.deadLetterRetentionSeconds > times.queueRetentionSeconds,
      `dead-letter retention ${times.deadLetterRetentionSeconds} s must exceed queue retention ${times.queueRetentionSeconds} s (a dead letter keeps its age); lower outageHours`,
    ],
  ];
  return rules.filter(([holds]) => !holds).map(([, text]) => text);
}

/** Validity of a webhook's signature and of its claim. */
export interface SignatureTimes {
  readonly windowSeconds: number;
  readonly retryHorizonSeconds: number;
  readonly claimMarginSeconds: number;
}

/** Returns a sentence for each broken rule of the signature window. */
export function brokenSignatureRules(times: SignatureTimes): string[] {
  const rules: [holds: boolean, text: string][] = [
    [
      times.windowSeconds > times.retryHorizonSeconds,
      `signature window ${times.windowSeconds} s must exceed Mailgun's retry horizon ${times.retryHorizonSeconds} s, or late retries are refused`,
    ],
    [
      times.claimMarginSeconds > 0,
      `claim margin ${times.claimMarginSeconds} s must be above 0, or a signature outlives the claim on its token`,
    ],
  ];
  return rules.filter(([holds]) => !holds).map(([, text]) => text);
}
