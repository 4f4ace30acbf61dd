import {
  type AlarmText,
  alarmDescription,
  parseAlarmDescription,
} from '../../../../lambdas/domain/alarm-description.ts';

const TEXT: AlarmText = {
  happened: 'Events are in the dead-letter queue.',
  impact: 'Clients of the API miss these events. They are kept for 14 days.',
  explains: ['stuck', 'open-slice'],
  recovered: 'The dead-letter queue is empty again.',
  runbook: 'https://wiki.example.com/runbook.md#dead-letters',
  first: 'npm run ledger -- logs process --since 30m --message "message failed" --env prod',
};

test('an alarm description has one statement a line, in the order of need', () => {
  expect(alarmDescription(TEXT).split('\n')).toEqual([
    'Events are in the dead-letter queue.',
    'Impact: Clients of the API miss these events. They are kept for 14 days.',
    'Explains: stuck, open-slice, if on as well.',
    'When OK: The dead-letter queue is empty again.',
    'Runbook: https://wiki.example.com/runbook.md#dead-letters',
    'First: npm run ledger -- logs process --since 30m --message "message failed" --env prod',
  ]);
});

test.each([[TEXT.explains], [['stuck']], [[]]])(
  'parsing an alarm description returns what was written, explaining %j',
  (explains) => {
    const text = { ...TEXT, explains };

    expect(parseAlarmDescription(alarmDescription(text))).toEqual(text);
  },
);

test.each([
  ['nothing', ''],
  ['no impact', alarmDescription(TEXT).replace(/\nImpact: .*/, '')],
  ['no recovery', alarmDescription(TEXT).replace(/\nWhen OK: .*/, '')],
  ['a runbook without a heading', alarmDescription({ ...TEXT, runbook: 'docs/runbook.md' })],
  ['another command', alarmDescription({ ...TEXT, first: 'call an engineer' })],
  ['a line too many', `${alarmDescription(TEXT)}\nand more`],
])('a text with %s is not an alarm description', (_, text) => {
  expect(parseAlarmDescription(text)).toBeUndefined();
});
