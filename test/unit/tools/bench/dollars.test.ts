import { expect, test } from '@jest/globals';
import { PRICES } from '../../../../cli/planning/prices.ts';
import { BASELINE, baselineByItemSize, costsOf, MONTH_DAYS } from '../../../../tools/bench/dollars.ts';
import { writtenResults } from '../../../../tools/bench/page.ts';

const results = writtenResults();
const { storage } = results;
const perGigabyte = PRICES.perTableGigabyteMonth + PRICES.perBackupGigabyteMonth;

const costs = (bytes = storage.bytes) => costsOf({ ...results, storage: { ...storage, bytes } });

test('a byte more in every event costs 400 days of the table without an archive and 90 with one, in statuses 400', () => {
  const sums = [
    costs(),
    costs({ ...storage.bytes, events: storage.bytes.events + 1 }),
    costs({ ...storage.bytes, statuses: storage.bytes.statuses + 1 }),
  ].map(({ sums: [, atTen] }) => atTen);
  const [before, larger, largerStatus] = sums;
  const ofDays = (days: number, price = perGigabyte) => 0.01 * (days / MONTH_DAYS) * price;
  const added = (sum: typeof before) =>
    (['dollarsPerMonth', 'archivedDollars', 'unbackedDollars'] as const).map(
      (name) => (sum?.[name] ?? 0) - (before?.[name] ?? 0),
    );

  expect(before?.millionsPerMonth).toBe(BASELINE.millionsPerMonth);
  for (const [sum, days] of [
    [larger, 90],
    [largerStatus, 400],
  ] as const) {
    const [tableOnly, archived, unbacked] = added(sum);
    expect(tableOnly).toBeCloseTo(ofDays(400), 9);
    expect(archived).toBeCloseTo(ofDays(days), 9);
    expect(unbacked).toBeCloseTo(ofDays(days, PRICES.perTableGigabyteMonth), 9);
  }
});

test('the baseline by the bytes that AWS bills differs by its storage alone', () => {
  const { events, statuses, others } = storage.bytes;
  const overcounted = ((BASELINE.tableBytes - events - statuses - others) / 1e9) * 10e6;

  expect(baselineByItemSize(costs(), storage)).toBeCloseTo(
    BASELINE.dollars - overcounted * (400 / MONTH_DAYS) * perGigabyte,
    9,
  );
});
