import { number } from '../answer.ts';
import { type PartsReporter, partsAsJson, partsAsText } from '../call-by-call.ts';
import { timeText } from '../time.ts';
import type { ReplayCounts } from './answer.ts';
import type { ReplayLine } from './lines.ts';
import { costOf, planLines } from './plan-lines.ts';

/** Tells of a replay as it goes. */
export interface Reporter extends PartsReporter {
  progress(domain: string, reached: number, sums: ReplayCounts): void;
  end(sums: ReplayCounts, complete: boolean): void;
}

export function createTextReporter(print: (line: string) => void, plan: boolean): Reporter {
  return {
    progress(domain, reached, { expected, missing, sent }) {
      const counts = `${number(expected)} events · ${number(missing)} missing${plan ? '' : ` · ${number(sent)} sent`}`;
      print(`${domain}  until ${timeText(reached)}  ${counts}`);
    },
    ...partsAsText(print),
    end(sums, complete) {
      if (plan) for (const line of planLines(sums)) print(line);
      else {
        const { expected, missing, sent } = sums;
        print(`Replayed: ${number(expected)} events, ${number(missing)} missing, ${number(sent)} sent to the queue.`);
      }
      if (!complete) print('This is not all of the time asked for.');
    },
  };
}

export function createJsonReporter(print: (line: string) => void, plan: boolean): Reporter {
  const tell = (line: ReplayLine) => print(JSON.stringify(line));
  return {
    progress: (domain, reached, sums) => tell({ event: 'progress', domain, reached: timeText(reached), ...sums }),
    ...partsAsJson(tell),
    end: (sums, complete) =>
      tell(plan ? { event: 'plan', complete, ...sums, cost: costOf(sums) } : { event: 'replayed', complete, ...sums }),
  };
}
