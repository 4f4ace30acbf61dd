import type { SimulatedStack } from './settings.ts';
import { type Limit, simulate } from './simulate.ts';

const MAX_PER_SECOND = 50_000;
const STEPS = 16;
const SECONDS = 600;

/** Returns the lowest steady rate, in webhooks a second, at which a stack reaches a limit within `seconds`. */
export function rateThatMeets(limit: Limit, stack: SimulatedStack, seconds = SECONDS): number {
  let [below, above] = [0, MAX_PER_SECOND];
  for (let step = 0; step < STEPS; step += 1) {
    const middle = (below + above) / 2;
    const { met } = simulate(stack, { perSecond: () => middle, seconds, until: limit });
    if (met.has(limit)) above = middle;
    else below = middle;
  }
  return above;
}
