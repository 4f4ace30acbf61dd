import { planFor } from '../../../cli/planning/capacity.ts';
import { DEFAULT_STACK, plannedStack, type SimulatedStack } from './settings.ts';
import { type Load, type SimulationResult, simulate } from './simulate.ts';

const HOUR = 3600;
const DAY = 24 * HOUR;
const SEED = 22;

interface Scenario {
  readonly name: string;
  readonly stack: SimulatedStack;
  readonly load: Load;
}

const steady = (perSecond: number): Load => ({ perSecond: () => perSecond, seconds: DAY, seed: SEED });

/** A burst of 10,000 a second for a minute, after an hour at 100. */
const burst: Load = {
  perSecond: (at) => (at >= HOUR && at < HOUR + 60 ? 10_000 : 100),
  seconds: 2 * HOUR,
  seed: SEED,
};

/** A month at 100 a second on average, with a daily peak and quiet weekends. */
const month: Load = {
  perSecond(at) {
    const isWeekend = Math.floor(at / DAY) % 7 >= 5;
    const dayWave = 1 - 0.8 * Math.cos((2 * Math.PI * (at % DAY)) / DAY);
    return 100 * dayWave * (isWeekend ? 0.3 : 1.28);
  },
  seconds: 30 * DAY,
  seed: SEED,
};

export const SCENARIOS = {
  few: { name: 'a day of 1 a second', stack: DEFAULT_STACK, load: steady(1) },
  hundred: { name: 'a day of 100 a second, planned', stack: plannedStack(planFor(100)), load: steady(100) },
  month: {
    name: 'a month of waves, 100 a second on the average, planned for its peak of 230',
    stack: plannedStack(planFor(230)),
    load: month,
  },
  burst: { name: 'a minute of 10,000 a second over 100', stack: DEFAULT_STACK, load: burst },
  plannedBurst: { name: 'the same, planned for 10,000', stack: plannedStack(planFor(10_000)), load: burst },
  target: {
    name: 'a day of 10,000 a second on one domain, planned',
    stack: plannedStack(planFor(10_000)),
    load: steady(10_000),
  },
  oneShard: {
    name: 'the same with one shard',
    stack: { ...plannedStack(planFor(10_000)), shards: 1 },
    load: { ...steady(10_000), seconds: 6 * HOUR },
  },
} satisfies Record<string, Scenario>;

export type ScenarioName = keyof typeof SCENARIOS;

/** Runs every scenario. */
export function outcomes(): Record<ScenarioName, SimulationResult> {
  const run = ([name, { stack, load }]: [string, Scenario]) => [
    name,
    simulate(stack, load, load.seconds > DAY ? HOUR : 30),
  ];
  return Object.fromEntries(Object.entries(SCENARIOS).map(run));
}
