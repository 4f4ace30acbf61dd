import { TargetUnavailableError } from '../../errors.ts';
import { number } from '../../output.ts';
import { PRICES } from '../../planning/prices.ts';
import { type PartLine, type PartsReporter, partsAsJson, partsAsText } from '../../resumable.ts';
import { timeText } from '../../time.ts';

/** The lines of `publish --json`. */
export type PublishLine =
  /** Not all changes before `completeFrom` can be published. */
  | { event: 'partial'; completeFrom: string; retentionDays: number }
  | ({ event: 'progress'; domain: string; reached: string } & PublishSums)
  | PartLine
  | ({ event: 'published'; complete: boolean } & PublishSums)
  /** `cost`: at most. */
  | ({ event: 'plan'; complete: boolean; cost: ReturnType<typeof costOf> } & PublishSums);

/** The result of one call of the publish function. */
export interface PublishResult extends PublishSums {
  readonly state: string;
  readonly done: boolean;
  readonly nextFromMs: number;
  readonly reason?: string;
}

export interface PublishSums {
  /** Stored events looked at. */
  readonly events: number;
  readonly statuses: number;
  readonly suppressions: number;
  readonly refused: number;
}

export const NO_SUMS: PublishSums = { events: 0, statuses: 0, suppressions: 0, refused: 0 };

const SUMS = Object.keys(NO_SUMS) as (keyof PublishSums)[];

/** Checks the result: the stack may be of another version than this command. */
export function parseResult(value: unknown): PublishResult {
  const answer = value as PublishResult | null;
  const isNumber = (name: keyof PublishResult) => typeof answer?.[name] === 'number';
  if (typeof answer?.state === 'string' && [...SUMS, 'nextFromMs' as const].every(isNumber)) return answer;
  throw new TargetUnavailableError('the stack runs another version; deploy this version first');
}

/** How the report looks; `rate` in events a second. */
interface ReportOptions {
  readonly plan: boolean;
  readonly json: boolean;
  readonly rate: number;
}

/** Reports a republication as it goes. */
export interface Reporter extends PartsReporter {
  /** The table no longer holds all events of the time; it does from `retainedFrom` (epoch seconds) on. */
  partial(retentionDays: number, retainedFrom: number): void;
  progress(domain: string, reachedMs: number, sums: PublishSums): void;
  end(sums: PublishSums, complete: boolean): void;
}

/** For each event looked at: its entry in the index, and at most its status and its suppressions. */
const READS_PER_EVENT = 2;

/** The most that it takes. */
function costOf({ events, statuses, suppressions }: PublishSums, rate: number) {
  const published = statuses + suppressions;
  const reads = events * READS_PER_EVENT;
  const dollars = published * PRICES.perPublishedEvent + reads * PRICES.perReadUnit;
  return { published, reads, dollars, seconds: Math.ceil(published / rate) };
}

export function createReporter(print: (line: string) => void, args: ReportOptions): Reporter {
  return args.json ? jsonReporter(print, args) : textReporter(print, args);
}

const reachedText = (ms: number) => timeText(Math.floor(ms / 1000));

function textReporter(print: (line: string) => void, { plan, rate }: ReportOptions): Reporter {
  return {
    partial: (days, retainedFrom) =>
      print(
        `The table keeps events for ${number(days)} days: of what was decided before ${timeText(retainedFrom)}, not all can be published.`,
      ),
    progress(domain, reachedMs, { events, statuses, suppressions }) {
      const counts = `${number(statuses)} statuses · ${number(suppressions)} suppressions`;
      print(`${domain}  until ${reachedText(reachedMs)}  ${number(events)} events · ${counts}`);
    },
    ...partsAsText(print),
    end(sums, complete) {
      const what = `${number(sums.statuses)} statuses and ${number(sums.suppressions)} suppressions`;
      if (plan) {
        const { dollars, reads, seconds } = costOf(sums, rate);
        print('Plan: nothing was published.');
        print(`  would publish  ${what} (of ${number(sums.events)} events read), in about ${number(seconds)} s`);
        print(
          `  would cost     at most $${dollars.toFixed(4)}, reads (${number(reads)}) included ` +
            `(prices of ${PRICES.region}, ${PRICES.date})`,
        );
      } else print(`Published: ${what}.`);
      if (!complete) print('Not everything was published.');
    },
  };
}

function jsonReporter(print: (line: string) => void, { plan, rate }: ReportOptions): Reporter {
  const emit = (line: PublishLine) => print(JSON.stringify(line));
  return {
    partial: (retentionDays, retainedFrom) =>
      emit({ event: 'partial', completeFrom: timeText(retainedFrom), retentionDays }),
    progress: (domain, reachedMs, sums) =>
      emit({ event: 'progress', domain, reached: reachedText(reachedMs), ...sums }),
    ...partsAsJson(emit),
    end: (sums, complete) =>
      emit(
        plan
          ? { event: 'plan', complete, ...sums, cost: costOf(sums, rate) }
          : { event: 'published', complete, ...sums },
      ),
  };
}
