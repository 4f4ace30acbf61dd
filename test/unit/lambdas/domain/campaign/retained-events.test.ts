import {
  completeFrom,
  mailCompleteFrom,
  retainedFromOf,
} from '../../../../../lambdas/domain/campaign/retained-events.ts';

const slice = (start: number, isEmpty = false) => ({ start, end: start + 900, isEmpty });
const SLICES = [0, 900, 1800, 2700, 3600].map((start) => slice(start));

test('the table holds what it received within its retention minus an hour', () => {
  expect(retainedFromOf(100 * 86_400_000 + 1, 90)).toBe(10 * 86_400 + 3601);
});

test.each<{
  name: string;
  from?: number;
  retainedFrom?: number;
  slices?: typeof SLICES;
  archived: number[];
  is?: number;
}>([
  { name: 'all is held where the table reaches back', from: 3000, retainedFrom: 3000, archived: [] },
  { name: 'without an archive, what the table holds', archived: [], is: 3000 },
  { name: 'with every slice in the archive, all', archived: [0, 900, 1800, 2700] },
  { name: 'the slice in which the table ends must be archived too', archived: [0, 900, 1800], is: 3000 },
  { name: 'back to a slice that is missing', archived: [0, 1800, 2700], is: 1800 },
  { name: 'over a slice without events', slices: SLICES.with(1, slice(900, true)), archived: [0, 1800, 2700] },
  { name: 'back to time that was never compared', slices: SLICES.toSpliced(1, 1), archived: [0, 1800, 2700], is: 1800 },
  {
    name: 'back to time that was never compared, over its beginning',
    from: 1000,
    slices: SLICES.toSpliced(1, 1),
    archived: [0, 1800, 2700],
    is: 1800,
  },
  { name: 'where there was no ledger before', from: -90_000, archived: [0, 900, 1800, 2700] },
  { name: 'where there is no ledger', slices: [], archived: [] },
  { name: 'a slice that began before counts', from: 100, archived: [0, 900, 1800, 2700] },
])('readable campaign events: $name', ({ from = 0, retainedFrom = 3000, slices = SLICES, archived, is }) => {
  expect(completeFrom(from, retainedFrom, slices, new Set(archived))).toBe(is);
});

test.each<{ name: string; accepted: number; from?: number; archived?: number[]; is?: number }>([
  { name: 'an acceptance that is missing may have left the table before', accepted: 1, is: 3000 },
  { name: 'where every mail has its acceptance, nothing is missing', accepted: 2 },
  { name: 'the archive holds it', accepted: 1, archived: [0, 900, 1800, 2700] },
  { name: 'what is not held since then counts first', from: 2000, accepted: 2, is: 3000 },
])('what the table holds of mail: $name', ({ accepted, from = 3000, archived = [], is }) => {
  const times = { from, lookBack: 0, retainedFrom: 3000 };
  expect(mailCompleteFrom(times, SLICES, new Set(archived), { mails: 2, accepted })).toBe(is);
});
