import { type DecidingEvent, decideStatus } from '../../../../lambdas/domain/status/decide-status.ts';
import { decideAgain } from '../../../../lambdas/shared/decide-again.ts';
import { deliveredEvent } from '../../../support/fixtures/webhooks.ts';

const delivered: DecidingEvent = { event: deliveredEvent(), atMs: 1, eventKey: 'delivered#1' };
const forged = { ...delivered, event: deliveredEvent({ event: 'complained' }), eventKey: 'complained#1' };
const orderOf = (...events: DecidingEvent[]) => decideStatus(events)?.order;

/** Statuses in which `isHeld` says whether a reset takes effect. */
function setUp(order: string | undefined, stored: DecidingEvent[], isHeld = () => true) {
  const written: string[] = [];
  const statuses = {
    readOrder: async () => (isHeld() ? (written.at(-1) ?? order) : order),
    siblings: async () => stored,
    resetStatus: async (_place: string, decided: { order: string }) => written.push(decided.order) > 0,
  };
  return { written, run: () => decideAgain(statuses, 'place') };
}

test('a status is decided by what is not distrusted, and a second run writes nothing', async () => {
  const { written, run } = setUp(orderOf(forged), [delivered, { ...forged, distrustedAtMs: 9 }]);
  expect([await run(), await run()]).toEqual([true, true]);
  expect(written).toEqual([orderOf(delivered)]);
});

test.each([
  ['whose event is not stored yet, or no longer', orderOf(forged), [delivered]],
  ['that is not there', undefined, [delivered]],
  ['of which no event is stored', orderOf(forged), []],
  ['that is right', orderOf(delivered), [delivered]],
])('a status %s is left', async (_name, order, stored) => {
  const { written, run } = setUp(order, stored);
  expect([await run(), written]).toEqual([true, []]);
});

test('a status that others change each time ends the attempts with false', async () => {
  const { written, run } = setUp(orderOf(forged), [delivered, { ...forged, distrustedAtMs: 9 }], () => false);
  expect([await run(), written.length]).toEqual([false, 5]);
});
