import { checkHistory } from '../../torture/history.ts';

test('checkHistory distinguishes lost, unexpected, doubled and recovered events', () => {
  const result = checkHistory({
    attempted: new Set(['kept', 'lost', 'doubled', 'recovered', 'refused']),
    acknowledged: new Set(['kept', 'lost', 'doubled']),
    stored: ['kept', 'doubled', 'doubled', 'recovered', 'forged'],
  });
  expect(result).toEqual({
    attempted: 5,
    acknowledged: 3,
    stored: 4,
    lost: ['lost'],
    unexpected: ['forged'],
    doubled: ['doubled'],
    recovered: ['recovered'],
  });
});
