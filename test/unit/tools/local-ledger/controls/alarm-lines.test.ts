import { alarmDescription } from '../../../../../lambdas/domain/alarm-description.ts';
import { alarmLines } from '../../../../../tools/local-ledger/controls/alarm-lines.ts';
import type { AlarmNews } from '../../../../../tools/local-stack/alarms/start-alarms.ts';

const DESCRIPTION = alarmDescription({
  happened: 'Events wait.',
  impact: 'Clients see old statuses.',
  explains: ['open-slice'],
  recovered: 'Events are stored again.',
  runbook: 'docs/runbook.md#oldest-message',
  first: 'npm run ledger -- status --local',
});
const AT_MS = Date.parse('2026-11-28T03:12:11Z');
const news = (over: Partial<AlarmNews>): AlarmNews => ({
  name: 'stack-oldest-message',
  description: DESCRIPTION,
  from: 'OK',
  to: 'ALARM',
  reason: 'x',
  atMs: AT_MS,
  fromSinceMs: undefined,
  ...over,
});

test('an alarm is printed with impact, what it explains, runbook and command', () => {
  expect(alarmLines(news({}))).toEqual([
    '  ✖  03:12:11  stack-oldest-message is ALARM: Events wait.',
    '     impact    Clients see old statuses.',
    '     explains  open-slice',
    '     runbook   docs/runbook.md#oldest-message',
    '     first     npm run ledger -- status --local',
  ]);
});

test.each([
  [AT_MS - 95_000, 'after 95 s: Events are stored again.'],
  [AT_MS - 240_000, 'after 4 min: Events are stored again.'],
])('the end of an alarm is printed with its duration and what is ok again', (fromSinceMs, text) => {
  expect(alarmLines(news({ from: 'ALARM', to: 'OK', fromSinceMs }))).toEqual([
    `  ✔  03:12:11  stack-oldest-message is OK ${text}`,
  ]);
});

test('an alarm with another text is printed by name', () => {
  expect(alarmLines(news({ description: 'by hand' }))).toEqual(['  ✖  03:12:11  stack-oldest-message is ALARM']);
});
