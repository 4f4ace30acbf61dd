import { number } from '../answer.ts';
import { type PartsReporter, partsAsJson, partsAsText } from '../call-by-call.ts';
import { PRICES } from '../prices.ts';
import { timeText } from '../time.ts';
import type { PublishSums } from './answer.ts';
import type { PublishArguments } from './arguments.ts';
import type { PublishLine } from './lines.ts';

/** Tells of a republication as it goes. */
export interface Reporter extends PartsReporter {
  progress(domain: string, reachedMs: number, sums: PublishSums): void;
  end(sums: PublishSums, complete: boolean): void;
}

/** For each event looked at: its place in the index, and at most its status and its suppressions. */
const READS_PER_EVENT = 2;

/** What it takes at most. */
function costOf({ events, statuses, suppressions }: PublishSums, rate: number) {
  const published = statuses + suppressions;
  const reads = events * READS_PER_EVENT;
  const dollars = published * PRICES.perPublishedEvent + reads * PRICES.perReadUnit;
  return { published, reads, dollars, seconds: Math.ceil(published / rate) };
}

export function createReporter(print: (line: string) => void, args: PublishArguments): Reporter {
  return args.json ? jsonReporter(print, args) : textReporter(print, args);
}

const reachedText = (ms: number) => timeText(Math.floor(ms / 1000));

function textReporter(print: (line: string) => void, { plan, rate }: PublishArguments): Reporter {
  return {
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
        print(`  would publish  ${what} (of ${number(sums.events)} events looked at), in about ${number(seconds)} s`);
        print(
          `  would cost     at most $${dollars.toFixed(4)}, reads (${number(reads)}) included ` +
            `(prices of ${PRICES.region}, ${PRICES.date})`,
        );
      } else print(`Published: ${what}.`);
      if (!complete) print('This is not all that was asked for.');
    },
  };
}

function jsonReporter(print: (line: string) => void, { plan, rate }: PublishArguments): Reporter {
  const tell = (line: PublishLine) => print(JSON.stringify(line));
  return {
    progress: (domain, reachedMs, sums) =>
      tell({ event: 'progress', domain, reached: reachedText(reachedMs), ...sums }),
    ...partsAsJson(tell),
    end: (sums, complete) =>
      tell(
        plan
          ? { event: 'plan', complete, ...sums, cost: costOf(sums, rate) }
          : { event: 'published', complete, ...sums },
      ),
  };
}
