import fc from '../support/property.ts';
import { shareOf } from '../support/share.ts';
import { passingPlan, wrongAfterPasses } from './worlds/passing-worlds.ts';

const WORLDS = shareOf(300);

test(
  'what no pass listed is unconfirmed and what one listed is not, however close to a pass they were stored',
  async () => {
    await fc.assert(
      fc.asyncProperty(passingPlan, async (plan) => {
        expect(await wrongAfterPasses(plan)).toEqual([]);
      }),
      { numRuns: WORLDS },
    );
  },
  WORLDS * 2000,
);
