import { lifeEvent, OUTCOME_NAMES } from './worlds/life-events.ts';
import { eventId, World } from './worlds/world.ts';

const MINUTE_SECONDS = 60;
const ROTATED_AT_MINUTE = 10;
const MINUTES = 40;
const RETRY_MINUTES = [5, 10, 15];

test.each([0, 1, 2, 3, 4, 5])(
  'the key changes under traffic, the secret %i min later: every refusal is a 401, every event is stored',
  async (lateMinutes) => {
    const world = new World();
    const waiting = new Map<number, ReturnType<typeof lifeEvent>[]>();
    let refused = 0;
    for (let minute = 0; minute < MINUTES + 35; minute += 1) {
      if (minute === ROTATED_AT_MINUTE) world.rotateMailgunKey();
      if (minute === ROTATED_AT_MINUTE + lateMinutes) world.setSecret();
      const fresh =
        minute < MINUTES ? OUTCOME_NAMES.map((outcome, n) => lifeEvent(outcome, minute, 0, minute * 10 + n)) : [];
      for (const event of [...fresh, ...(waiting.get(minute) ?? [])]) {
        const result = await world.deliver(event);
        if (result?.ok) continue;
        expect(result).toMatchObject({ ok: false, reason: 'unauthorized' });
        refused += 1;
        for (const later of RETRY_MINUTES) {
          waiting.set(minute + later, [...(waiting.get(minute + later) ?? []), event]);
        }
      }
      world.advance(MINUTE_SECONDS, 0);
    }
    await world.drain();

    expect(refused > 0).toBe(lateMinutes > 0);
    expect(world.acknowledged.size).toBe(MINUTES * OUTCOME_NAMES.length);
    expect([...world.attempted.keys()].filter((key) => !world.ledger.events.has(key))).toEqual([]);
    expect(world.ledger.events.size).toBe(world.attempted.size);
  },
);

test('webhooks signed by the old key before the rotation are acknowledged after it', async () => {
  const world = new World();
  const event = lifeEvent('bounced', 0, 0, 0);
  const signature = world.sign();
  world.rotateMailgunKey();
  world.setSecret();
  world.advance(3600, 0);

  expect(await world.repost({ event, signature })).toEqual({ ok: true });
  await world.drain();
  expect(world.ledger.events.has(eventId(event))).toBe(true);
});
