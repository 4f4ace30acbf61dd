import type { Clock } from '../../mailgun-twin/clock.ts';
import type { Twin } from '../../mailgun-twin/twin.ts';
import type { Phase, Reporter } from './report/reporter.ts';
import { tally } from './tally.ts';

const REPORT_EVERY_MS = 2_000;

/** Makes a function that reports, every two seconds, how far the deliveries have come while some work goes on. */
export function createWatch(twin: Twin, clock: Clock, reporter: Reporter) {
  const { compression } = twin;
  const beganAt = clock.now();
  return async <T>(phase: Phase, work: Promise<T>): Promise<T> => {
    reporter.phase(phase);
    const report = () => reporter.progress(phase, ((clock.now() - beganAt) * compression) / 1000, tally(twin.events));
    const timer = setInterval(report, REPORT_EVERY_MS);
    try {
      const result = await work;
      report();
      return result;
    } finally {
      clearInterval(timer);
    }
  };
}
