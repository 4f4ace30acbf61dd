import type { Witness } from '../../../../../lambdas/domain/ledger/witness.ts';
import { createLedger } from '../../../../../lambdas/read-api/reports/ledger.ts';
import { ledgerDeps, minutelyLedger } from '../../../../support/fixtures/minutely-ledger.ts';
import { DOMAIN, NOW_MS } from '../../../../support/fixtures/webhooks.ts';
import fc from '../../../../support/property.ts';

const HOUR = Math.floor(NOW_MS / 3_600_000) * 3600;

/** A ledger of two hours: an event every minute, one of which is missing permanently in the second hour. */
async function openLedger() {
  const { nowMs, book } = await minutelyLedger(HOUR, 120, 100);
  const clock = { ms: nowMs };
  const counted: { witness: Witness | undefined } = { witness: undefined };
  const ledger = createLedger({ ...ledgerDeps(book, () => counted.witness), now: () => clock.ms });
  return { book, clock, counted, ledger };
}
const all = { domain: DOMAIN, from: HOUR, to: HOUR + 9000 };

const SLICE = {
  ...{ domain: DOMAIN, expected: {}, stored: {}, missing: {}, recovered: {}, polled: {}, late: {}, lost: {} },
  ...{ unconfirmed: {}, altered: {}, stuck: 0, short: 0, accepted: 0, passes: 1, unlisted: false, finalAt: null },
};
const missingOf = (state: string | undefined) => (state === 'open' ? { opened: 1 } : {});

describe('the ledger', () => {
  test('shows slices and their sums as in the schema', async () => {
    const { ledger } = await openLedger();
    const result = await ledger(all);
    expect(result).toMatchObject({
      totals: { expected: 120, stored: 119, unaccounted: 1, unconfirmed: 0, undecided: 0, due: 0 },
      completeness: 'incomplete',
    });
    expect(result.slices).toHaveLength(8);
    expect(result.slices[6]).toEqual({
      domain: DOMAIN,
      start: HOUR + 5400,
      end: HOUR + 6300,
      state: 'open',
      expected: expect.any(Object),
      stored: expect.any(Object),
      missing: { opened: 1 },
      recovered: {},
      unconfirmed: {},
      undecided: {},
      polled: {},
      late: { opened: 1 },
      lost: {},
      altered: {},
      stuck: 0,
      short: 0,
      accepted: 0,
      passes: 1,
    });
  });

  test('shows nothing as due after the end of a former domain, and does not call that time complete', async () => {
    const { nowMs, book } = await minutelyLedger(HOUR, 120, -1);
    const ends = new Map([[DOMAIN, HOUR + 7200]]);
    const clock = { ms: nowMs + 36_000_000 };
    const ledger = createLedger({ ...ledgerDeps(book), ends, now: () => clock.ms });
    const to = HOUR + 18_000;
    const others = createLedger({ ...ledgerDeps(book), now: () => clock.ms });
    expect((await others({ ...all, to })).totals.due).toBeGreaterThan(0);
    const { totals, completeness } = await ledger({ ...all, to });
    expect([totals.due, completeness]).toEqual([0, 'unknown']);
    expect((await ledger({ ...all, to: HOUR + 7200 })).completeness).toBe('complete');
  });

  test("shows Mailgun's own counts of whole hours, and judges unlisted time by them", async () => {
    const { book, counted, ledger } = await openLedger();
    const first = { start: HOUR, counts: { delivered: 1 }, failedWebhooks: 0 };
    counted.witness = { since: HOUR, until: HOUR + 3600, hours: [first] };
    const before = await ledger(all);
    expect(before.witness).toMatchObject([{ domain: DOMAIN, start: HOUR, mailgun: { delivered: 1 } }]);
    expect(before.slices.filter(({ witness }) => witness !== undefined)).toEqual([]);

    for await (const slice of book.list(DOMAIN, HOUR, HOUR + 3600)) {
      await book.write({ ...slice, unlisted: true, version: slice.version + 1 }, slice);
    }
    first.counts = { delivered: 1000 };
    const { slices, witness } = await ledger(all);
    const [{ lacks = 0 } = {}] = witness;
    expect(lacks).toBeGreaterThan(900);
    expect(slices.map((slice) => slice.witness)).toEqual([
      ...Array(4).fill(`lacks ${lacks}`),
      ...Array(slices.length - 4).fill(undefined),
    ]);
    counted.witness = { since: HOUR, until: HOUR + 3600, hours: [] };
    expect((await ledger(all)).slices[0]?.witness).toBe('agrees');
  });

  test('includes from and excludes to', async () => {
    const { ledger } = await openLedger();
    const { slices } = await ledger({ domain: DOMAIN, from: HOUR + 900, to: HOUR + 1800 });
    expect(slices.map(({ start, state }) => [start, state])).toEqual([[HOUR + 900, 'settled']]);
  });

  test('shows which slices are due, with unknown completeness', async () => {
    const { clock, ledger } = await openLedger();
    clock.ms += 1_800_000;
    const { slices, totals, completeness } = await ledger({ ...all, from: HOUR + 7200, to: HOUR + 20_000 });
    expect(slices.map(({ start, state }) => [start - HOUR, state])).toEqual([
      [7200, 'due'],
      [8100, 'due'],
    ]);
    expect({ totals, completeness }).toMatchObject({ totals: { due: 2 }, completeness: 'unknown' });
  });

  test('counts what is due in the requested time alone', async () => {
    const { clock, ledger } = await openLedger();
    clock.ms += 1_800_000;
    const settled = await ledger({ domain: DOMAIN, from: HOUR, to: HOUR + 3600 });
    expect([settled.totals.due, settled.completeness]).toEqual([0, 'complete']);
    const later = await ledger({ domain: DOMAIN, from: HOUR + 7800, to: HOUR + 20_000 });
    expect([later.totals.due, later.slices.map(({ start }) => start - HOUR)]).toEqual([1, [8100]]);
  });

  test('a time that was compared ahead of the watermark is complete, and every slice of another is due', async () => {
    const slice = fc.constantFrom('due', 'settled', 'open', 'unlisted');
    await fc.assert(
      fc.asyncProperty(
        fc.array(slice, { minLength: 6, maxLength: 6 }),
        fc.integer({ min: 0, max: 5 }),
        fc.tuple(fc.integer({ min: 0, max: 5399 }), fc.integer({ min: 0, max: 5399 })),
        async (states, position, times) => {
          const [from, to] = times.toSorted((a, b) => a - b) as [number, number];
          const starts = states.flatMap((state, nth) => (state === 'due' ? [] : [nth * 900]));
          const slices = {
            async *list(_domain: string, first: number, end: number) {
              for (const start of starts.filter((each) => each >= first - HOUR && each < end - HOUR)) {
                yield {
                  ...SLICE,
                  start: HOUR + start,
                  end: HOUR + start + 900,
                  missing: missingOf(states[start / 900]),
                  unlisted: states[start / 900] === 'unlisted',
                };
              }
            },
          };
          const ledger = createLedger({
            ...ledgerDeps({} as never),
            slices: slices as never,
            ledger: { readWatermarks: async () => ({ position: HOUR + position * 900, second: HOUR }) },
            now: () => (HOUR + 5400 + 1800) * 1000,
          });
          const found = await ledger({ domain: DOMAIN, from: HOUR + from, to: HOUR + to + 1 });

          const touched = states.filter((_, nth) => nth * 900 <= to && (nth + 1) * 900 > from);
          const isDue = (state: unknown, nth: number) => state === 'due' && nth >= position;
          const due = states.filter((state, nth) => isDue(state, nth) && nth * 900 >= from && nth * 900 <= to);
          expect(found.totals.due).toBe(due.length);
          expect(found.slices.filter(({ state }) => state === 'due')).toHaveLength(due.length);
          const gap = touched.findIndex((state) => state === 'due' || state === 'unlisted');
          expect(found.completeness).toBe(
            touched.includes('open') ? 'incomplete' : gap === -1 ? 'complete' : 'unknown',
          );
          const gapStart = HOUR + (Math.floor(from / 900) + gap) * 900;
          expect(found.comparedTo).toBe(gap === -1 ? HOUR + to + 1 : gap === 0 ? null : gapStart);
        },
      ),
    );
  });

  test('is unknown for time before the ledger began', async () => {
    const { ledger } = await openLedger();
    const settled = { domain: DOMAIN, from: HOUR, to: HOUR + 3600 };
    expect((await ledger(settled)).completeness).toBe('complete');
    expect((await ledger({ ...settled, from: HOUR - 3600 })).completeness).toBe('unknown');
    expect((await ledger({ ...settled, from: HOUR - 864_000, to: HOUR })).completeness).toBe('unknown');
    expect((await ledger({ ...settled, from: HOUR + 300 })).completeness).toBe('complete');
  });

  test('is unknown if a slice was never compared, and incomplete if a listing has shrunk', async () => {
    const { book, ledger } = await openLedger();
    const settled = { domain: DOMAIN, from: HOUR, to: HOUR + 3600 };
    const slice = book.slices.get(`${DOMAIN} ${HOUR}`)!;
    slice.unlisted = true;
    expect((await ledger(settled)).completeness).toBe('unknown');
    Object.assign(slice, { unlisted: false, short: 1 });
    expect((await ledger(settled)).completeness).toBe('incomplete');
  });

  test('shows events that Mailgun does not list as undecided until the second pass, then as unconfirmed', async () => {
    const { book, ledger } = await openLedger();
    const settled = { domain: DOMAIN, from: HOUR, to: HOUR + 900 };
    const slice = book.slices.get(`${DOMAIN} ${HOUR}`)!;
    const doubts = async () => {
      const { slices, totals } = await ledger(settled);
      return [slices[0]?.unconfirmed, slices[0]?.undecided, totals.unconfirmed, totals.undecided];
    };

    Object.assign(slice, { unconfirmed: { opened: 2 }, finalAt: null });
    expect(await doubts()).toEqual([{}, { opened: 2 }, 0, 2]);
    Object.assign(slice, { isJudgedEarly: true });
    expect(await doubts()).toEqual([{ opened: 2 }, {}, 2, 0]);
    Object.assign(slice, { isJudgedEarly: undefined, finalAt: NOW_MS });
    expect(await doubts()).toEqual([{ opened: 2 }, {}, 2, 0]);
  });

  test('is unknown for a domain without a ledger', async () => {
    const { ledger } = await openLedger();
    expect(await ledger({ ...all, domain: 'other.example.com' })).toEqual({
      slices: [],
      totals: { expected: 0, stored: 0, unaccounted: 0, unconfirmed: 0, undecided: 0, due: 0 },
      completeness: 'unknown',
      comparedTo: null,
      listing: { fellBackAt: null, announced: null },
      witness: [],
    });
  });
});
