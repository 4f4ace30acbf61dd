import fc from '../support/property.ts';
import { shareOf } from '../support/share.ts';
import { disagreements, live, worldPlan } from './worlds/reconcile-worlds.ts';

const WORLDS = shareOf(300);

test(
  'whatever faults listing and runs have, every slice ends as a plain comparison of two sets',
  async () => {
    await fc.assert(
      fc.asyncProperty(worldPlan, async (plan) => {
        expect(await disagreements(await live(plan))).toEqual([]);
      }),
      { numRuns: WORLDS },
    );
    console.log(`${WORLDS} worlds agree with their oracle`);
  },
  WORLDS * 2000,
);
