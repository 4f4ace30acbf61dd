import { ROLLBACK_ALARMS, rollbackOptions } from '../../../../lib/checks/rollback-options.ts';
import { Synthesized } from '../../../support/stacks/synthesized.ts';

const PREFIX = 'arn:aws:cloudwatch:eu-west-1:333333333333:alarm:';

test("every alarm that rolls back a deploy exists, and there are at most CloudFormation's five", () => {
  const options = rollbackOptions(new Synthesized('prod').template.toJSON(), PREFIX);

  expect(options).toEqual([
    ...ROLLBACK_ALARMS.toSorted().map((name) => `--rollback-trigger-alarm-arns=${PREFIX}mailgun-ledger-prod-${name}`),
    '--monitoring-time-minutes=10',
  ]);
  expect(ROLLBACK_ALARMS.length).toBeLessThanOrEqual(5);
});

test('before the first deploy no alarm is named, for CloudFormation fails a deploy that names one it cannot find', () => {
  expect(rollbackOptions({}, PREFIX)).toEqual([]);
});
