import { TargetUnavailableError } from '../../errors.ts';
import { number, type Output } from '../../output.ts';
import { PRICES } from '../../planning/prices.ts';
import { type PartLine, type PartsReporter, partsAsJson, partsAsText } from '../../resumable.ts';
import { timeText } from '../../time.ts';

/** The result of one call of the reconcile function. */
export interface ReplayResult extends ReplayCounts {
  readonly state: string;
  readonly done: boolean;
  readonly nextFromEpochSeconds: number;
  readonly reason?: string;
  readonly progress?: unknown;
}

export interface ReplayCounts {
  readonly slices: number;
  readonly newSlices: number;
  readonly changedSlices: number;
  readonly expected: number;
  readonly missing: number;
  readonly sent: number;
  readonly stuck: number;
  readonly unreachable: number;
}

export const NO_COUNTS: ReplayCounts = {
  slices: 0,
  newSlices: 0,
  changedSlices: 0,
  expected: 0,
  missing: 0,
  sent: 0,
  stuck: 0,
  unreachable: 0,
};

const COUNTS = Object.keys(NO_COUNTS) as (keyof ReplayCounts)[];

/** Checks the result: the stack may be of another version than this command. */
export function parseResult(value: unknown): ReplayResult {
  const result = value as ReplayResult | null;
  const isNumber = (name: keyof ReplayResult) => typeof result?.[name] === 'number';
  if (typeof result?.state === 'string' && [...COUNTS, 'nextFromEpochSeconds' as const].every(isNumber)) return result;
  throw new TargetUnavailableError('the stack cannot replay; deploy this version first');
}

/** The lines of `replay --json`. */
export type ReplayLine =
  | ({ event: 'progress'; domain: string; reached: string } & ReplayCounts)
  | PartLine
  /** From now on changes are published as later than all before. */
  | { event: 'noted' }
  | ({ event: 'replayed'; complete: boolean } & ReplayCounts)
  /** `cost`: at most. */
  | ({ event: 'plan'; complete: boolean; cost: ReplayCost } & ReplayCounts);

// At most: an event of 1 kB with all its items and index entries, a slice with many tags, and the pass that settles it.
const WRITES_PER_SENT = 4;
const WRITES_PER_SLICE = 6;
const READS_PER_EVENT = 0.1;
const READS_PER_MISSING = 4;
const READS_PER_SLICE = 10;
/** Taken, received and deleted. */
const QUEUE_REQUESTS_PER_SENT = 3;

/** The most that a replay uses, in units that are paid for, and its price in dollars. */
export interface ReplayCost {
  readonly writes: number;
  readonly reads: number;
  readonly queueRequests: number;
  readonly dollars: number;
}

export function costOf({ slices, expected, missing, sent }: ReplayCounts): ReplayCost {
  const writes = sent * WRITES_PER_SENT + slices * WRITES_PER_SLICE;
  const reads = Math.ceil(expected * READS_PER_EVENT + missing * READS_PER_MISSING + slices * READS_PER_SLICE);
  const queueRequests = sent * QUEUE_REQUESTS_PER_SENT + slices;
  const { perWriteUnit, perReadUnit, perQueueRequest } = PRICES;
  const dollars = writes * perWriteUnit + reads * perReadUnit + queueRequests * perQueueRequest;
  return { writes, reads, queueRequests, dollars };
}

/** Returns the plan as text. */
function planLines(counts: ReplayCounts): string[] {
  const { slices, newSlices, changedSlices, expected, missing, sent, stuck } = counts;
  const { writes, reads, queueRequests, dollars } = costOf(counts);
  return [
    'Plan: nothing was written, and nothing was sent.',
    `  events        ${number(expected)}`,
    `  missing       ${number(missing)}`,
    `  would send    ${number(sent)} to the queue${stuck > 0 ? `, and not the ${number(stuck)} that are stuck` : ''}`,
    `  would change  ${number(newSlices)} slices written for the first time, ${number(changedSlices)} otherwise, ` +
      `${number(slices - newSlices - changedSlices)} only looked at once more`,
    `  would cost    at most $${dollars.toFixed(4)}: ${number(writes)} writes, ${number(reads)} reads, ` +
      `${number(queueRequests)} queue requests (prices of ${PRICES.region}, ${PRICES.date})`,
  ];
}

/** Reports a replay as it goes. */
export interface ReplayReporter extends PartsReporter {
  /** Reports that the begin of a restore is noted. */
  noted(): void;
  progress(domain: string, reached: number, sums: ReplayCounts): void;
  end(sums: ReplayCounts, complete: boolean): void;
}

/** Prints the result to standard output, and how it goes to standard error. */
export function createTextReporter({ print, printError }: Output, plan: boolean): ReplayReporter {
  return {
    noted: () => print('Noted: changes are published as later than all before. Process may run again.'),
    progress(domain, reached, { expected, missing, sent }) {
      const counts = `${number(expected)} events · ${number(missing)} missing${plan ? '' : ` · ${number(sent)} sent`}`;
      printError(`${domain}  until ${timeText(reached)}  ${counts}`);
    },
    ...partsAsText({ print, printError }),
    end(sums, complete) {
      if (plan) for (const line of planLines(sums)) print(line);
      else {
        const { expected, missing, sent } = sums;
        print(`Replayed: ${number(expected)} events, ${number(missing)} missing, ${number(sent)} sent to the queue.`);
      }
      if (!complete) print('Not all of the time range was replayed.');
    },
  };
}

export function createJsonReporter({ print }: Output, plan: boolean): ReplayReporter {
  const emit = (line: ReplayLine) => print(JSON.stringify(line));
  return {
    noted: () => emit({ event: 'noted' }),
    progress: (domain, reached, sums) => emit({ event: 'progress', domain, reached: timeText(reached), ...sums }),
    ...partsAsJson(emit),
    end: (sums, complete) =>
      emit(plan ? { event: 'plan', complete, ...sums, cost: costOf(sums) } : { event: 'replayed', complete, ...sums }),
  };
}
