import { ROLLBACK_ALARMS, rollbackOptions } from '../../../../lib/checks/rollback-options.ts';
import { Synthesized } from '../../../support/stacks/synthesized.ts';

const [REGION, ACCOUNT] = ['eu-west-1', '333333333333'];
const PREFIX = `arn:aws:cloudwatch:${REGION}:${ACCOUNT}:alarm:`;

test("every alarm that rolls back a deploy exists, and there are at most CloudFormation's five", () => {
  const options = rollbackOptions(new Synthesized('prod').template.toJSON(), REGION, ACCOUNT);

  expect(options).toEqual([
    ...ROLLBACK_ALARMS.toSorted().map((name) => `--rollback-trigger-alarm-arns=${PREFIX}mailgun-ledger-prod-${name}`),
    '--monitoring-time-minutes=10',
  ]);
  expect(ROLLBACK_ALARMS.length).toBeLessThanOrEqual(5);
});

test.each([
  ['cn-north-1', 'aws-cn'],
  ['us-gov-west-1', 'aws-us-gov'],
])('an alarm in %s is of the partition %s', (region, partition) => {
  const name = 'mailgun-ledger-prod-dead-letters';
  const Resources = { A: { Type: 'AWS::CloudWatch::Alarm', Properties: { AlarmName: name } } };

  const [option] = rollbackOptions({ Resources }, region, ACCOUNT);

  expect(option).toBe(`--rollback-trigger-alarm-arns=arn:${partition}:cloudwatch:${region}:${ACCOUNT}:alarm:${name}`);
});

test('before the first deploy no alarm is named, for CloudFormation fails a deploy that names one it cannot find', () => {
  expect(rollbackOptions({}, REGION, ACCOUNT)).toEqual(['--rollback-trigger-alarm-arns=none']);
});
