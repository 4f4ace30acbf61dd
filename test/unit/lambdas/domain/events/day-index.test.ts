import { dayPartition, INDEXED_TYPES } from '../../../../../lambdas/domain/events/day-index.ts';

const MIDNIGHT_MS = Date.UTC(2026, 1, 2);

test.each([...INDEXED_TYPES])('%s events have a partition of their own', (event) => {
  expect(dayPartition('mg.example.com', MIDNIGHT_MS, { event })).toBe(`mg.example.com#2026-02-02#${event}`);
});

test('the indexed types are those that Mailgun lists for messages', () => {
  expect(INDEXED_TYPES).toEqual([
    'accepted',
    'clicked',
    'complained',
    'delivered',
    'failed',
    'opened',
    'rejected',
    'stored',
    'unsubscribed',
  ]);
});

test.each([
  ['any other type', 'mg.example.com', MIDNIGHT_MS, 'some_new_event', 'mg.example.com#2026-02-02#other'],
  ['upper case', 'mg.example.com', MIDNIGHT_MS, 'CLICKED', 'mg.example.com#2026-02-02#clicked'],
  ['the last moment of the day before', '-', MIDNIGHT_MS - 1, 'failed', '-#2026-02-01#failed'],
])('dayPartition: %s', (_name, domain, timeMs, event, expected) => {
  expect(dayPartition(domain, timeMs, { event })).toBe(expected);
});

test('a domain that contains a separator of our keys is hashed', () => {
  expect(dayPartition('a#b', MIDNIGHT_MS, { event: 'x' })).toMatch(/^sha256:[0-9a-f]{64}#2026-02-02#other$/);
});
