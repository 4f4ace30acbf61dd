import { createRandom } from '../../../../../tools/mailgun-twin/random.ts';
import {
  type DeliveryFaults,
  drawDeliveryPlan,
} from '../../../../../tools/mailgun-twin/webhooks/draw-delivery-plan.ts';

const FAULTS: DeliveryFaults = { reorderMs: 1000, repeatChance: 0.5, troubleChance: 0.5, dropChance: 0 };

const plans = (event: string, encoding: 'json' | 'urlencoded', deliveryFaults: DeliveryFaults) => {
  const random = createRandom(7);
  return Array.from({ length: 200 }, () => drawDeliveryPlan(event, encoding, deliveryFaults, random));
};

test('the same seed draws the same plan', () => {
  const draw = (seed: number) => drawDeliveryPlan('opened', 'json', FAULTS, createRandom(seed));

  expect(draw(3)).toEqual(draw(3));
  expect(draw(3)).not.toEqual(draw(4));
});

test('a delivered event has no faults unless drops are requested', () => {
  expect(plans('delivered', 'json', FAULTS).flatMap(({ troubles }) => troubles)).toEqual([]);
});

test('an event that is retried meets lost requests and lost responses', () => {
  const troubles = plans('opened', 'json', FAULTS).flatMap((plan) => plan.troubles);

  expect(new Set(troubles)).toEqual(new Set(['request-lost', 'response-lost']));
});

describe('when every first delivery is dropped', () => {
  const all = { ...FAULTS, dropChance: 1 };

  test.each(['delivered', 'opened'])('the first request of %s is lost', (event) => {
    expect(plans(event, 'json', all).every(({ troubles }) => troubles[0] === 'request-lost')).toBe(true);
  });

  test('a dropped delivered event has no copy', () => {
    expect(plans('delivered', 'json', all).flatMap(({ repeats }) => repeats)).toEqual([]);
  });
});

test('a legacy form is never signed again, because its time is that of its signature', () => {
  const tokens = plans('opened', 'urlencoded', FAULTS).flatMap(({ tokenOnRetry, repeats }) => [
    tokenOnRetry,
    ...repeats.map(({ token }) => token),
  ]);

  expect(new Set(tokens)).toEqual(new Set(['same']));
});

test('some events are held back long enough to be overtaken, none longer than agreed', () => {
  const delays = plans('opened', 'json', FAULTS).map(({ delayMs }) => delayMs);

  expect(Math.max(...delays)).toBeLessThanOrEqual(1000);
  expect(delays.some((delay) => delay > 500)).toBe(true);
  expect(delays.filter((delay) => delay <= 100).length).toBeGreaterThan(100);
});
