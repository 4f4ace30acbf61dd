import { readDeliverEnv } from '../../../../../lambdas/deliver/env.ts';
import { paceOf } from '../../../../../lib/constructs/receiver.ts';
import { arnOf, Synthesized, variablesReadBy } from '../../../../support/stacks/synthesized.ts';

const publish = { enabled: true, recipients: true };
const CRM = { name: 'crm', url: 'https://crm.mailgun-ledger.internal/hooks', events: ['suppression.changed'] };
const AUDIT = {
  name: 'audit',
  url: 'https://audit.mailgun-ledger.internal/',
  events: { 'detail-type': ['MessageStatusChanged'], detail: { status: ['FAILED'], recipient: [{ exists: true }] } },
  recipients: true,
  ratePerSecond: 100,
};
const off = new Synthesized('prod', { publish });
const on = new Synthesized('prod', { publish, receivers: [CRM, AUDIT] });
const withoutAddresses = new Synthesized('prod', { publish, receivers: [CRM] });

const queueId = (name: string) => on.idOf('AWS::SQS::Queue', `Deliver${name}Queue`);
const dlqId = (name: string) => on.idOf('AWS::SQS::Queue', `Deliver${name}DeadLetters`);
const secretId = (name: string) => on.idOf('AWS::SecretsManager::Secret', `Deliver${name}Secret`);
const lambda = on.named('AWS::Lambda::Function', 'DeliverFunction').Properties;

test('a template without receivers has no deliver function, whether it publishes or not', () => {
  expect(Object.keys(off.resources).filter((id) => id.startsWith('Deliver'))).toEqual([]);
  expect(off.ofType('AWS::Events::Rule')).toEqual([]);
  expect(Object.keys(off.outputs).filter((name) => /^(Deliver|Receivers)/.test(name))).toEqual([]);
});

test('receivers change only the variables and permissions of publish and the read API', () => {
  const isOwn = (id: string) => /^(Deliver|PublishFunction|ReadApiFunction)/.test(id);
  const rest = (stack: Synthesized) => Object.fromEntries(Object.entries(stack.resources).filter(([id]) => !isOwn(id)));
  const added = Object.keys(rest(on)).filter((id) => off.resources[id] === undefined);

  const kept = Object.fromEntries(Object.entries(rest(on)).filter(([id]) => !added.includes(id)));
  expect(Object.keys(kept)).toEqual(Object.keys(rest(off)));
  expect(added.every((id) => on.resources[id]?.Type === 'AWS::CloudWatch::Alarm')).toBe(true);
  expect(JSON.parse(on.variablesOf('Publish').RECEIVERS)).toEqual([
    { name: 'crm', filter: { 'detail-type': ['SuppressionChanged'] } },
    { name: 'audit', filter: AUDIT.events },
  ]);
});

describe('the queue of each receiver', () => {
  test.each(['crm', 'audit'])(
    '%s has a DLQ after at least the attempts of deliver, and the DLQ keeps two weeks',
    (name) => {
      const queue = on.resources[queueId(name)]?.Properties;

      expect(queue.RedrivePolicy).toEqual({ deadLetterTargetArn: arnOf(dlqId(name)), maxReceiveCount: 1000 });
      expect(queue.MessageRetentionPeriod).toBe(14 * 86_400);
      expect(queue.VisibilityTimeout).toBeGreaterThanOrEqual(6 * lambda.Timeout);
      expect(on.resources[dlqId(name)]?.Properties.MessageRetentionPeriod).toBe(14 * 86_400);
    },
  );

  test.each([
    { name: 'crm', type: 'SuppressionChanged', detail: {} },
    { name: 'audit', type: 'MessageStatusChanged', detail: AUDIT.events.detail },
  ])('$name is filled by a rule with its pattern on events of this ledger alone, and a DLQ for failed sends', (row) => {
    const { name, type, detail } = row;
    const { EventPattern, Targets } = on.named('AWS::Events::Rule', `Deliver${name}Rule`).Properties;

    expect(EventPattern).toEqual({
      source: ['mailgun-ledger'],
      'detail-type': [type],
      detail: { ledger: ['mailgun-ledger-prod'], ...detail },
    });
    expect(on.variablesOf('Publish').LEDGER_NAME).toBe('mailgun-ledger-prod');
    expect(Targets).toEqual([
      { Id: 'Target0', Arn: arnOf(queueId(name)), DeadLetterConfig: { Arn: arnOf(dlqId(name)) } },
    ]);
  });

  test.each([
    { name: 'crm', batch: 5, concurrency: 2 },
    { name: 'audit', batch: 10, concurrency: 10 },
  ])('$name has its own event source', ({ name, batch, concurrency }) => {
    const sources = on.ofType('AWS::Lambda::EventSourceMapping').map(({ Properties }) => Properties);
    const source = sources.find(({ EventSourceArn }) => EventSourceArn['Fn::GetAtt']?.[0] === queueId(name));

    expect(source).toMatchObject({
      BatchSize: batch,
      ScalingConfig: { MaximumConcurrency: concurrency },
      FunctionResponseTypes: ['ReportBatchItemFailures'],
    });
  });

  test('a deploy enables the triggers of publish and deliver, and leaves that of process as an operator set it', () => {
    const enabled = on
      .ofType('AWS::Lambda::EventSourceMapping')
      .map(({ Properties }) => Properties.Enabled ?? 'as set');

    expect(enabled.toSorted()).toEqual(['as set', true, true, true]);
  });
});

test.each([1, 2, 3, 7, 10, 11, 25, 99, 100, 400])(
  'a limit of %i requests a second holds, and a batch takes seconds',
  (ratePerSecond) => {
    const { maxConcurrency, batchSize, paceMs } = paceOf({ ratePerSecond });

    expect((maxConcurrency * 1000) / paceMs).toBeLessThanOrEqual(ratePerSecond);
    expect(batchSize * paceMs).toBeLessThanOrEqual(2000);
    expect(maxConcurrency).toBeGreaterThanOrEqual(2);
  },
);

describe('the deliver function', () => {
  const { Variables } = lambda.Environment;

  test('gets only the variables that it reads and the one for source maps', () => {
    expect(Object.keys(Variables).toSorted()).toEqual([...variablesReadBy(readDeliverEnv), 'NODE_OPTIONS'].toSorted());
    expect(Variables).toMatchObject({
      RETRY_SECONDS: '5,300,1800,7200,18000,36000,50400',
      DISABLE_AFTER_HOURS: '120',
      TIMEOUT_SECONDS: '15',
      LOOPBACK: 'no',
    });
  });

  test('has exactly the expected permissions', () => {
    const table = arnOf('Table710B521B');

    const receivers = ['audit', 'crm'];

    expect(on.grantsOf('Deliver')).toEqual([
      [['logs:CreateLogStream', 'logs:PutLogEvents'], arnOf(lambda.LoggingConfig.LogGroup.Ref)],
      ['dynamodb:GetItem', table, ['DELIVERY#*', 'RECEIVER#*']],
      ['dynamodb:PutItem', table, ['RECEIVER#*']],
      ['dynamodb:UpdateItem', table, ['DELIVERY#*']],
      ['dynamodb:BatchGetItem', table, ['ERASED#*']],
      [
        [
          ...['sqs:ChangeMessageVisibility', 'sqs:DeleteMessage', 'sqs:GetQueueAttributes', 'sqs:GetQueueUrl'],
          'sqs:ReceiveMessage',
        ],
        receivers.map((name) => arnOf(queueId(name))),
      ],
      ['sqs:SendMessage', receivers.flatMap((name) => [arnOf(dlqId(name)), arnOf(queueId(name))])],
      [
        'secretsmanager:GetSecretValue',
        [
          ...receivers.map((name) => ({ Ref: secretId(name) })),
          { Ref: on.idOf('AWS::SecretsManager::Secret', 'SecretsErasureKey') },
        ],
      ],
    ]);
  });

  test('may read erasure markers only where a receiver gets addresses', () => {
    const actions = withoutAddresses.actionsOf('Deliver');
    expect(actions).toContain('dynamodb:GetItem');
    expect(actions).not.toContain('dynamodb:BatchGetItem');
  });
});

describe('a read API of a stack with receivers', () => {
  test('knows the queues of the receivers, but not their URLs or secrets', () => {
    const refs = /\{"Ref":"([^"]+)"\}/g;
    const text = JSON.stringify(on.variablesOf('ReadApi').RECEIVERS);
    expect([...text.matchAll(refs)].map(([, id]) => id)).toEqual(
      ['crm', 'audit'].flatMap((name) => [queueId(name), dlqId(name)]),
    );
    expect(text).not.toMatch(/mailgun-ledger.internal|Secret/);
  });

  test('may read the depth of the queues', () => {
    expect(on.grantsOf('ReadApi')).toContainEqual([
      'sqs:GetQueueAttributes',
      [
        'EventsDeadLetters8A90034E',
        'EventsQueue7396B467',
        ...['audit', 'crm'].flatMap((name) => [dlqId(name), queueId(name)]),
      ]
        .toSorted()
        .map(arnOf),
    ]);
  });

  test('is unchanged without receivers', () => {
    expect(off.variablesOf('ReadApi').RECEIVERS).toBeUndefined();
  });
});

test("a receiver's secret is generated at deploy time, in the form of Standard Webhooks", () => {
  const { GenerateSecretString, SecretString } = on.resources[secretId('crm')]?.Properties ?? {};

  expect(SecretString).toBeUndefined();
  // 44 letters and digits: base64 of 33 bytes, within the 24 to 64 of the specification.
  expect(GenerateSecretString).toEqual({
    SecretStringTemplate: '{}',
    GenerateStringKey: 'current',
    PasswordLength: 44,
    ExcludePunctuation: true,
  });
});

test('the longest settings of five receivers fit into an environment of 4 KB and an output', () => {
  const receivers = Array.from({ length: 5 }, (_, nth) => ({
    name: `${nth}`.padStart(32, 'n'),
    url: `https://${'h'.repeat(60)}.${'h'.repeat(60)}.mailgun-ledger.internal/`.padEnd(160, 'p'),
    events: ['suppression.changed'],
    recipients: true,
    ratePerSecond: 400,
  }));
  const stack = new Synthesized('prod', { publish, receivers });
  // Longest value of a reference on AWS.
  const longest = (name: string) =>
    JSON.stringify(stack.variablesOf(name))
      .replaceAll(/\{"Ref":"[^"]+"\}/g, 'r'.repeat(125))
      .replaceAll(/\{"Fn::Join":\["",\[|\]\]\}/g, '')
      .replaceAll('\\', '');
  expect(longest('Deliver').length).toBeLessThan(4096);
  expect(longest('ReadApi').length).toBeLessThan(4096);
});
