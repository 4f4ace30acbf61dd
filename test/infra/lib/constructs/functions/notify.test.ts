import { readNotifyEnv } from '../../../../../lambdas/notify/env.ts';
import { Synthesized, variablesReadBy } from '../../../../support/stacks/synthesized.ts';

const publish = { enabled: true };
const receivers = [{ name: 'crm', url: 'https://crm.mailgun-ledger.internal/', events: ['suppression.changed'] }];
const off = new Synthesized('prod');
const on = new Synthesized('prod', { alarms: { notify: true } });
const withReceivers = new Synthesized('prod', { alarms: { notify: true }, publish, receivers });

test('notify is off by default, and then adds nothing to the template', () => {
  expect(Object.keys(off.resources).filter((id) => id.startsWith('Notify'))).toEqual([]);
  expect(Object.keys(off.outputs).filter((name) => name.startsWith('Notify'))).toEqual([]);
});

test('enabling notify adds its own resources and an alarm, and changes only what shows alarms', () => {
  const rest = (stack: Synthesized) =>
    Object.entries(stack.resources).filter(
      // The read API shows the states of all alarms, by their names.
      ([id, { Type }]) => !/^(Notify|AlarmsNotify|ReadApiFunction)/.test(id) && Type !== 'AWS::CloudWatch::Dashboard',
    );

  expect(Object.fromEntries(rest(on))).toEqual(Object.fromEntries(rest(off)));
  expect(Object.keys(on.outputs).filter((name) => off.outputs[name] === undefined)).toEqual([
    'NotifyFunctionName',
    'NotifyLogGroup',
    'NotifyTargetsSecretArn',
  ]);
});

test('a failed notice pages addresses that do not depend on notices', () => {
  const [page] = on.named('AWS::CloudWatch::Alarm', 'AlarmsNotifyErrors').Properties.AlarmActions;
  const direct = on
    .ofType('AWS::SNS::Subscription')
    .filter(({ Properties }) => Properties.TopicArn.Ref === page.Ref && Properties.Protocol !== 'lambda');

  expect(direct).toHaveLength(1);
});

test('both topics invoke notify, and may do so', () => {
  const topics = Object.entries(on.resources).flatMap(([id, { Type }]) => (Type === 'AWS::SNS::Topic' ? [id] : []));
  const own = Object.entries(on.resources).filter(([id]) => id.startsWith('Notify'));
  const topicsOf = (type: string, property: string) =>
    own.flatMap(([, { Type, Properties }]) => (Type === type ? [Properties[property].Ref] : []));

  expect(topics).toHaveLength(2);
  expect(topicsOf('AWS::SNS::Subscription', 'TopicArn').toSorted()).toEqual(topics.toSorted());
  expect(topicsOf('AWS::Lambda::Permission', 'SourceArn').toSorted()).toEqual(topics.toSorted());
});

describe('the notify function', () => {
  test('gets only the variables that it reads and the one for source maps', () => {
    const { NODE_OPTIONS: _, ...variables } = withReceivers.variablesOf('Notify');

    expect(Object.keys(variables).toSorted()).toEqual(variablesReadBy(readNotifyEnv));
    expect(variables.RECEIVER_NAMES).toBe('crm');
  });

  const actionsOf = (stack: Synthesized) => stack.actionsOf('Notify').filter((action) => !action.startsWith('logs:'));

  test('may read its targets, and the state of receivers only in a stack with receivers', () => {
    expect(actionsOf(on)).toEqual(['secretsmanager:GetSecretValue']);
    expect(actionsOf(withReceivers)).toEqual(['secretsmanager:GetSecretValue', 'dynamodb:GetItem']);
  });

  test('has no target before an operator sets one', () => {
    expect(on.named('AWS::SecretsManager::Secret', 'NotifyTargets').Properties.SecretString).toBe('[]');
  });
});
