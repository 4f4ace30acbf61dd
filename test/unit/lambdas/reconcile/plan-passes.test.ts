import type { Slice } from '../../../../lambdas/domain/ledger/slice.ts';
import { emptyTally, slicePassed } from '../../../../lambdas/domain/ledger/tally.ts';
import { advanced, type PlanRules } from '../../../../lambdas/reconcile/plan-passes.ts';

const SLICE = 900;
const SECOND = 3600;
const DOMAIN = 'mg.example.com';
/** Now, the slices that end by 7200 are past their second pass. */
const RULES: PlanRules = {
  nowMs: (7200 + SECOND) * 1000,
  ignoreWaits: false,
  settleSeconds: 1800,
  retentionSeconds: 2 * SECOND,
};

function passed(start: number, { isFinal = false, missing = 0 } = {}): Slice {
  const tally = { ...emptyTally(), missing: missing > 0 ? { opened: missing } : {} };
  const pass = { startedAtMs: 0, nowMs: 0, unlisted: false, isOld: isFinal };
  return slicePassed({ start, end: start + SLICE, domain: DOMAIN }, undefined, tally, pass);
}

const place = (start: number, slice?: Slice) => ({ start, end: start + SLICE, ...(slice && { slice }) });

function move(
  [position, second]: [number, number],
  { places = [], olds = [] }: { places?: ReturnType<typeof place>[]; olds?: Slice[] },
  passedNow: number[],
): [number, number] {
  const moved = advanced({ position, second }, { places, olds }, RULES, (start) => passedNow.includes(start));
  return [moved.position, moved.second];
}

describe('the watermark of first passes', () => {
  test.each([
    ['moves over slices passed now or before', [place(9000), place(9900, passed(9900)), place(10_800)], 11_700],
    ['stops before the first that was not passed', [place(9000), place(9900), place(10_800)], 9900],
    ['stays where nothing is due', [], 9000],
  ])('%s', (_name, places, position) => {
    expect(move([9000, 9000], { places }, [9000, 10_800])).toEqual([position, 9000]);
  });
});

describe('the watermark of second passes', () => {
  test.each([
    [
      'moves over slices passed now, before, or unsettled',
      [passed(4500), passed(5400, { isFinal: true }), passed(6300, { missing: 1 })],
      7200,
    ],
    ['stops before the first that was not passed', [passed(4500), passed(5400), passed(6300, { isFinal: true })], 5400],
    ['stops before a slice whose second pass is not due', [passed(4500), passed(7200)], 5400],
  ])('%s', (_name, olds, second) => {
    expect(move([9000, 4500], { olds }, [4500, 7200])).toEqual([9000, second]);
  });

  test.each([
    ['moves with the first, over slices first passed so late', [4500, 5400], 6300],
    ['stays before a slice that is not passed', [5400], 4500],
  ])('%s', (_name, passedNow, second) => {
    const places = [place(4500), place(5400)];
    expect(move([4500, 4500], { places }, passedNow)).toEqual([second, second]);
  });

  test('does not move over a first pass before the second one is due', () => {
    expect(move([7200, 7200], { places: [place(7200)] }, [7200])).toEqual([8100, 7200]);
  });

  test('does not move over a slice that an earlier run passed for the first time', () => {
    expect(move([4500, 4500], { places: [place(4500, passed(4500))] }, [])).toEqual([5400, 4500]);
  });
});
