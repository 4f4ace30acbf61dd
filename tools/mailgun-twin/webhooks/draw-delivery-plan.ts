import type { Random } from '../random.ts';
import type { DeliveryPlan, Repeat, Trouble } from './delivery.ts';
import { drawRetryMinutes, isRetried } from './retries.ts';
import type { Encoding } from './webhook.ts';

/** Faults between twin and receiver; chances are in [0, 1]. */
export interface DeliveryFaults {
  /** Maximum delay, by which later events overtake. */
  readonly reorderMs: number;
  readonly repeatChance: number;
  /** Chance that the first attempt of a retried event fails. */
  readonly troubleChance: number;
  /** Chance that the first attempt of any event fails; one that is not retried is then lost permanently. */
  readonly dropChance: number;
}

/** Draws the delivery of one event at random. */
export function drawDeliveryPlan(
  event: string,
  encoding: Encoding,
  deliveryFaults: DeliveryFaults,
  random: Random,
): DeliveryPlan {
  const dropped = random.chance(deliveryFaults.dropChance);
  // A legacy form's only time is that of its signature: signed again, it would be another event.
  const mayResign = encoding === 'json';
  return {
    // Most events overtake only their neighbours; some are late enough for a whole timeline.
    delayMs: random.next() * deliveryFaults.reorderMs * (random.chance(0.3) ? 1 : 0.1),
    retryMinutes: drawRetryMinutes(random),
    tokenOnRetry: mayResign && random.chance(0.5) ? 'fresh' : 'same',
    troubles: dropped
      ? ['request-lost']
      : isRetried(event) && random.chance(deliveryFaults.troubleChance)
        ? troubles(random)
        : [],
    // A copy of a dropped event that is not retried would be a retry.
    repeats:
      !(dropped && !isRetried(event)) && random.chance(deliveryFaults.repeatChance)
        ? repeats(mayResign, deliveryFaults.reorderMs, random)
        : [],
  };
}

function troubles(random: Random): Trouble[] {
  return Array.from({ length: random.pick([1, 1, 2]) }, () => random.pick<Trouble>(['request-lost', 'response-lost']));
}

/** Returns copies at the same moment or slightly later, with the same token or signed again. */
function repeats(mayResign: boolean, withinMs: number, random: Random): Repeat[] {
  return Array.from({ length: random.pick([1, 1, 1, 2]) }, () => ({
    afterMs: random.chance(0.4) ? 0 : random.below(withinMs),
    token: mayResign && random.chance(0.3) ? 'fresh' : 'same',
  }));
}
