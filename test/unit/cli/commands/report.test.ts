import { expect, test } from '@jest/globals';
import { dollarsOf } from '../../../../cli/commands/report.ts';

test.each([
  { name: 'a million events', read: { events: 1_000_000 }, dollars: 0.0625 },
  { name: 'a million objects', read: { objects: 1_000_000 }, dollars: 0.4 },
  { name: 'a million listings', read: { listings: 1_000_000 }, dollars: 5 },
  { name: 'ten gigabytes out of AWS', read: { bytes: 10e9 }, dollars: 0.9 },
])('the plan of a report counts $name', ({ read, dollars }) => {
  expect(dollarsOf({ ...{ events: 0, objects: 0, listings: 0, bytes: 0 }, ...read })).toBeCloseTo(dollars, 9);
});
