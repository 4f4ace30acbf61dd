import { retryDelaySeconds } from '../../../../../lambdas/process/retry-delay.ts';
import { deployedAlarm } from '../../../../support/alarms/deployed-alarm.ts';
import { Synthesized } from '../../../../support/stacks/synthesized.ts';

const VISIBILITY_SECONDS = Number(
  new Synthesized('prod')
    .ofType('AWS::Lambda::Function')
    .map(({ Properties }) => Properties.Environment?.Variables?.VISIBILITY_SECONDS)
    .find((seconds) => seconds !== undefined),
);

interface Outage {
  /** Seconds at which an event arrives. */
  readonly arrivals: readonly number[];
  /** From second 0 on every attempt fails until then. */
  readonly endsAt: number;
  readonly minutes: number;
}

/** The minutes in which events-retried goes off, and those in which it is well again. */
function pages({ arrivals, endsAt, minutes }: Outage): { on: number[]; off: number[] } {
  const seen: { on: number[]; off: number[] } = { on: [], off: [] };
  let now = 0;
  const alarm = deployedAlarm('events-retried', (state) => {
    if (state === 'ALARM') seen.on.push(now);
    else if (seen.on.length > 0) seen.off.push(now);
  });
  const failures = arrivals.flatMap((arrival) => {
    const times: number[] = [];
    for (let at = arrival, count = 1; at < endsAt; count += 1) {
      times.push(at);
      at += retryDelaySeconds(count, VISIBILITY_SECONDS);
    }
    return times;
  });
  const byMinute = Map.groupBy(failures, (at) => Math.floor(at / 60));
  for (now = 1; now <= minutes; now += 1) {
    for (const _ of byMinute.get(now - 1) ?? []) alarm.measure('retried', 1, now - 1);
    alarm.evaluateAt(now);
  }
  return seen;
}

const HOUR = 3600;
const every = (seconds: number, until: number) =>
  Array.from({ length: Math.ceil(until / seconds) }, (_, nth) => nth * seconds);

describe('events-retried', () => {
  test.each([0, 17, 31, 40, 58])('does not page for one event that keeps failing, from second %i of a minute', (at) => {
    expect(pages({ arrivals: [at], endsAt: 9 * HOUR, minutes: 9 * 60 }).on).toEqual([]);
  });

  test('does not page for failures of 6 minutes', () => {
    expect(pages({ arrivals: every(10, 6 * 60), endsAt: 6 * 60, minutes: 90 }).on).toEqual([]);
  });

  test('pages once in an outage, after 8 minutes, and ends within 25 minutes of the last failure', () => {
    const { on, off } = pages({ arrivals: every(10, 3 * HOUR), endsAt: 2 * HOUR, minutes: 4 * 60 });

    expect(on).toEqual([8]);
    expect(off).toEqual([expect.any(Number)]);
    expect(off[0]).toBeLessThanOrEqual(120 + 25);
  });

  test.each([2, 5, 10, 20, 30])(
    'pages once where an event arrives every %i minutes, however far apart its retries',
    (minutes) => {
      const { on, off } = pages({ arrivals: every(minutes * 60, 8 * HOUR), endsAt: 8 * HOUR, minutes: 10 * 60 });

      expect(on).toHaveLength(1);
      expect(off).toHaveLength(1);
      expect(off[0]).toBeGreaterThan(8 * 60);
    },
  );
});
