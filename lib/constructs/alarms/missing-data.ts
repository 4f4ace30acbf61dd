import { TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';

// How alarms treat missing data, with the reason that each gives. Where an expression needs a number, its row fills a
// metric by `FILL(m, 0)`. Each row of this folder names one; `lib/checks/alarm-rules.ts` refuses any other.

/** Missing data is good: most counts are written only when there is something to count. */
export const quiet = (because: string) => ({ treat: TreatMissingData.NOT_BREACHING, because });

/**
 * Keeps the state, because no data means that nothing could be judged. `missing` would notify no one, and `breaching`
 * would page for an environment without an API key.
 */
export const unjudged = (because: string) => ({ treat: TreatMissingData.IGNORE, because });

/** Missing data is the fault itself: every run writes the metric. */
export const stopped = (because: string) => ({ treat: TreatMissingData.BREACHING, because });

export const NO_TRAFFIC = quiet('without requests there is nothing to report');
export const QUIET_QUEUE = quiet('SQS stops reporting on a queue that stays empty, which is good');
export const NO_NEWS = quiet('it is written only when there is something to report');
