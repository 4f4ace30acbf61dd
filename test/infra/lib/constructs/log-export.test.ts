import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Synthesized } from '../../../support/stacks/synthesized.ts';

const EVERYTHING = JSON.parse(readFileSync(join(import.meta.dirname, '../../../../.ci/everything.json'), 'utf8'));
const DESTINATION = 'arn:aws:logs:eu-west-1:444444444444:destination:mail-logs';

const exportsOf = (stack: Synthesized) =>
  stack.ofType('AWS::Logs::SubscriptionFilter').map(({ Properties }) => Properties);

test('every line of every log group is sent to the stream, by a role that may only do that', () => {
  const stack = new Synthesized('prod', EVERYTHING);
  const groups = Object.entries(stack.resources).filter(([, { Type }]) => Type === 'AWS::Logs::LogGroup');
  const { Properties: role } = stack.named('AWS::IAM::Role', 'LogExportRole');

  expect(exportsOf(stack).map(({ LogGroupName }) => LogGroupName.Ref)).toEqual(groups.map(([id]) => id));
  for (const filter of exportsOf(stack)) {
    expect(filter).toMatchObject({ FilterPattern: '', DestinationArn: EVERYTHING.exportLogsTo });
    expect(filter.RoleArn['Fn::GetAtt'][0]).toMatch(/^LogExportRole/);
  }
  expect(JSON.stringify(role.AssumeRolePolicyDocument)).toContain('aws:SourceArn');
  expect(role.Policies).toHaveLength(1);
  expect(role.Policies[0].PolicyDocument.Statement).toEqual([
    {
      Effect: 'Allow',
      Action: ['firehose:PutRecord', 'firehose:PutRecordBatch'],
      Resource: EVERYTHING.exportLogsTo,
    },
  ]);
});

test('a destination of another account needs no role, and no log is exported by default', () => {
  const filters = exportsOf(new Synthesized('prod', { exportLogsTo: DESTINATION }));

  expect(filters.length).toBeGreaterThan(0);
  for (const filter of filters) expect(filter).not.toHaveProperty('RoleArn');
  expect(exportsOf(new Synthesized('prod'))).toEqual([]);
});
