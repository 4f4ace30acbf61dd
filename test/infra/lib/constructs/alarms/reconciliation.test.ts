import { deployedAlarm } from '../../../../support/alarms/deployed-alarm.ts';

const HOURS = 40;

/**
 * Returns the hours in which the ticket opens; `failedIn` gives the failed webhooks of an hour, with those that got an
 * error here.
 */
function openedIn(failedIn: (hour: number) => number, errorsIn: (hour: number) => number): number[] {
  const opened: number[] = [];
  let minute = 0;
  const alarm = deployedAlarm(
    'webhooks-not-arriving',
    (state) => state === 'ALARM' && opened.push(Math.floor(minute / 60)),
  );
  // A reading 70 minutes after the one before, of the hours that ended an hour and a half ago or earlier.
  for (; minute < HOURS * 60; minute += 1) {
    const hour = Math.floor(minute / 60);
    if (minute % 60 === 30) alarm.measure('errors', errorsIn(hour), minute);
    if (minute % 70 === 0) {
      const last = Math.floor((minute - 90) / 60) - 1;
      const first = Math.floor(minute / 60) - 6;
      let failed = 0;
      for (let each = Math.max(first, 0); each <= last; each += 1) failed += failedIn(each);
      alarm.measure('failed', failed, minute);
    }
    if (minute % 5 === 0) alarm.evaluateAt(minute + 1);
  }
  return opened;
}

const between = (from: number, to: number, count: number) => (hour: number) => (hour >= from && hour < to ? count : 0);

test.each([1, 2, 5, 12])('%i h of returned errors open no ticket, then or later', (hours) => {
  const outage = between(10, 10 + hours, 5);

  expect(openedIn(outage, outage)).toEqual([]);
});

test('webhooks that keep failing before they arrive open one ticket, whatever stray errors are returned', () => {
  const [opened, ...again] = openedIn(between(10, HOURS, 5), (hour) => (hour % 8 === 0 ? 1 : 0));

  expect(opened).toBeGreaterThan(10);
  expect(opened).toBeLessThan(24);
  expect(again).toEqual([]);
});
