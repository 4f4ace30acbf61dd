import { deployedAlarm } from '../../../../support/alarms/deployed-alarm.ts';

/** Returns true if webhook-errors goes off within half an hour in which these metrics have a value in each minute. */
function goesOff(values: Readonly<Record<string, number>>): boolean {
  const states: string[] = [];
  const alarm = deployedAlarm('webhook-errors', (state) => states.push(state));
  for (let minute = 0; minute < 30; minute += 1) {
    for (const [id, value] of Object.entries(values)) alarm.measure(id, value, minute);
    alarm.evaluateAt(minute + 1);
  }
  return states.includes('ALARM');
}

describe('webhook-errors', () => {
  test.each([
    ['errors without a lack of a key', { errors: 1 }],
    ['errors while a key that cannot be read is held', { errors: 1, keyless: 2 }],
    ['a key that was never in use and cannot be read', { errors: 1, unreadable: 1 }],
    ['a key that is unset, where the table does not say if it was in use', { errors: 1, unset: 1 }],
  ])('goes off for %s', (_, values) => {
    expect(goesOff(values)).toBe(true);
  });

  test.each([
    ['no errors', { keyless: 1 }],
    ['a key that was never set', { errors: 1, unset: 1, unconfigured: 1 }],
    ['a key that is gone, which has an alarm of its own', { errors: 1, unset: 1, keyless: 1 }],
    ['a key that functions cannot read any more', { errors: 1, unreadable: 1, keyless: 1 }],
  ])('does not go off for %s', (_, values) => {
    expect(goesOff(values)).toBe(false);
  });
});
