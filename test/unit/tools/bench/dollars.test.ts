import { PRICES } from '../../../../cli/planning/prices.ts';
import { BASELINE, baselineByItemSize, costsOf, MONTH_DAYS, sum } from '../../../../tools/bench/dollars.ts';
import { writtenResults } from '../../../../tools/bench/page.ts';
import { meetsEveryTarget, targetsOf } from '../../../../tools/bench/report.ts';

const results = writtenResults();
const { storage } = results;
const { perTableGigabyteMonth, perBackupGigabyteMonth } = PRICES;

const costs = (bytes = storage.bytes) => costsOf({ ...results, storage: { ...storage, bytes } });

/** With a byte more in a kind of item, or in its entries. */
const withByteIn = (kind: 'events' | 'statuses', part: 'items' | 'entries') => {
  const bytes = storage.bytes[kind];
  return costs({ ...storage.bytes, [kind]: { ...bytes, [part]: bytes[part] + 1 } });
};

test.each([
  { kind: 'events', part: 'items', archivedDays: 90, backup: perBackupGigabyteMonth },
  { kind: 'statuses', part: 'items', archivedDays: 400, backup: perBackupGigabyteMonth },
  { kind: 'events', part: 'entries', archivedDays: 90, backup: 0 },
] as const)(
  'an additional byte in $part of $kind costs 400 days of the table, $archivedDays with an archive, and recovery only of items',
  ({ kind, part, archivedDays, backup }) => {
    const [before, larger] = [costs(), withByteIn(kind, part)].map(({ sums: [, atTen] }) => atTen);
    const added = (name: 'dollarsPerMonth' | 'archivedDollars' | 'unbackedDollars') =>
      (larger?.[name] ?? 0) - (before?.[name] ?? 0);
    const ofDays = (days: number, price: number) => 0.01 * (days / MONTH_DAYS) * price;

    expect(before?.millionsPerMonth).toBe(BASELINE.millionsPerMonth);
    expect(added('dollarsPerMonth')).toBeCloseTo(ofDays(400, perTableGigabyteMonth + backup), 9);
    expect(added('archivedDollars')).toBeCloseTo(ofDays(archivedDays, perTableGigabyteMonth + backup), 9);
    expect(added('unbackedDollars')).toBeCloseTo(ofDays(archivedDays, perTableGigabyteMonth), 9);
  },
);

test('the baseline by the bytes that AWS bills differs by its storage and its recovery alone', () => {
  const { items, entries } = BASELINE.stored;
  const gigabyteMonths = (bytes: number) => (bytes / 1e9) * 10e6 * (400 / MONTH_DAYS);

  expect(baselineByItemSize(costs())).toBeCloseTo(
    BASELINE.dollars -
      gigabyteMonths(BASELINE.tableBytes - items - entries) * perTableGigabyteMonth -
      gigabyteMonths(BASELINE.tableBytes - items) * perBackupGigabyteMonth,
    9,
  );
});

test('the cost target is measured by the bill that it names, with the share by the bytes of AWS beside it', () => {
  const archived = costs().sums.find(({ millionsPerMonth }) => millionsPerMonth === BASELINE.millionsPerMonth);
  const row = targetsOf(results).find(({ what }) => what.includes(BASELINE.commit));
  const [printed, byOneRuler] = [BASELINE.dollars, baselineByItemSize(costs())].map((bill) =>
    ((archived?.archivedDollars ?? 0) / bill).toFixed(2),
  );

  expect(row?.what).toContain(`the bill that ${BASELINE.commit} printed`);
  expect(row?.measured).toBe(`${printed}; ${byOneRuler} of its bill by AWS's bytes`);
  expect(row?.met).toBe(Number(printed) <= 0.55);
});

test('one missed target is enough to miss the targets', () => {
  const { handlers } = results;
  const missed = { ...results, handlers: { ...handlers, ingestToFloor: { ...handlers.ingestToFloor, median: 9 } } };
  const isMissed = (row: { met: boolean }) => !row.met;

  expect(meetsEveryTarget(results)).toBe(!targetsOf(results).some(isMissed));
  expect(targetsOf(missed).every(isMissed)).toBe(false);
  expect(meetsEveryTarget(missed)).toBe(false);
});

test('each reason of a refusal and of a dead letter is a metric with a monthly cost, outside all sums', () => {
  const { fixed, sums } = costs();
  const usual = sum(fixed.slice(0, -1));

  expect(fixed.at(-1)).toEqual({
    what: 'metrics by reason of refusals and dead letters, if all occur',
    amount: '18',
    dollars: 18 * PRICES.perMetricMonth,
  });
  const [atOne = 0, atTen = 0] = sums.map(({ dollarsPerMonth }) => dollarsPerMonth - usual);
  expect(atTen).toBeCloseTo(10 * atOne, 9);
});
