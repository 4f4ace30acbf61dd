import type { Random } from '../random.ts';
import type { DeliveryPlan, Repeat, Trouble } from './delivery.ts';
import { RETRY_MINUTES } from './retry-minutes.ts';
import type { Encoding } from './webhook.ts';

/** How badly the way to the receiver treats its events; the chances lie in [0, 1]. */
export interface DeliveryFaults {
  /** Events are held back for up to this long, so that later ones overtake them. */
  readonly reorderMs: number;
  readonly repeatChance: number;
  /** The chance of a first attempt that fails although Mailgun will retry it. */
  readonly troubleChance: number;
  /** The chance of a first attempt that fails whatever it carries; a `delivered` is then lost permanently. */
  readonly dropChance: number;
}

/** Draws how one event travels. */
export function drawDeliveryPlan(
  event: string,
  encoding: Encoding,
  deliveryFaults: DeliveryFaults,
  random: Random,
): DeliveryPlan {
  const dropped = random.chance(deliveryFaults.dropChance);
  const isRetried = event !== 'delivered';
  // A legacy form has no time but that of its signature, so signed again it would be another event.
  const mayResign = encoding === 'json';
  return {
    // Most events overtake their neighbours only; some come late enough to be overtaken by a whole timeline.
    delayMs: random.next() * deliveryFaults.reorderMs * (random.chance(0.3) ? 1 : 0.1),
    retryMinutes: random.pick<readonly number[]>([
      RETRY_MINUTES.manual,
      RETRY_MINUTES.helpCentre,
      RETRY_MINUTES.measured,
    ]),
    tokenOnRetry: mayResign && random.chance(0.5) ? 'fresh' : 'same',
    troubles: dropped
      ? ['request-lost']
      : isRetried && random.chance(deliveryFaults.troubleChance)
        ? troubles(random)
        : [],
    // A copy of a dropped `delivered` would be the retry that Mailgun never makes.
    repeats:
      !(dropped && !isRetried) && random.chance(deliveryFaults.repeatChance)
        ? repeats(mayResign, deliveryFaults.reorderMs, random)
        : [],
  };
}

function troubles(random: Random): Trouble[] {
  return Array.from({ length: random.pick([1, 1, 2]) }, () => random.pick<Trouble>(['request-lost', 'answer-lost']));
}

/** At the same moment or a little later, with the token of the first or signed again. */
function repeats(mayResign: boolean, withinMs: number, random: Random): Repeat[] {
  return Array.from({ length: random.pick([1, 1, 1, 2]) }, () => ({
    afterMs: random.chance(0.4) ? 0 : random.below(withinMs),
    token: mayResign && random.chance(0.3) ? 'fresh' : 'same',
  }));
}
