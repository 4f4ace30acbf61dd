import fc from '../support/property.ts';
import { shareOf } from '../support/share.ts';
import { contradictions, domainWorldPlan } from './worlds/domain-worlds.ts';

const WORLDS = shareOf(25);

test('whichever domains leave and come back, no run says less of what is wrong than the ledger holds', async () => {
  await fc.assert(
    fc.asyncProperty(domainWorldPlan, async (plan) => {
      expect(await contradictions(plan)).toEqual([]);
    }),
    { numRuns: WORLDS },
  );
});
