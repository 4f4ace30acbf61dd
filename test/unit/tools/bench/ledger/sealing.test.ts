import { measureSealing } from '../../../../../tools/bench/ledger/sealing.ts';

test('an event of ordinary mail takes at most 250 bytes in the archive', async () => {
  const { events, bytesPerEvent } = await measureSealing(1000);

  expect(events).toBe(1000);
  expect(bytesPerEvent).toBeGreaterThan(100);
  expect(bytesPerEvent).toBeLessThanOrEqual(250);
});
