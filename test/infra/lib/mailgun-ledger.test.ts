import { App, NestedStack, Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { type CfnLogGroup, LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs';
import { ConfigError, MailgunLedger, type MailgunLedgerProps } from '../../../lib/mailgun-ledger.ts';
import { Synthesized } from '../../support/stacks/synthesized.ts';

// The construct, in the stack of another app.

const DOMAINS = [{ name: 'mg.north.example', region: 'eu' }] as const satisfies MailgunLedgerProps['domains'];

function foreignStack(name = 'Post'): Stack {
  const app = new App({ context: { 'aws:cdk:bundling-stacks': [] }, builtinCloudFormationValidation: false });
  return new Stack(app, name);
}

function withLedger(props: Partial<MailgunLedgerProps> = {}) {
  const stack = foreignStack();
  const ledger = new MailgunLedger(stack, 'Ledger', { domains: [...DOMAINS], ...props });
  return { stack, ledger };
}

const countsByType = (template: Template) => {
  const types = Object.values(template.toJSON().Resources as Record<string, { Type: string }>).map(({ Type }) => Type);
  return Object.fromEntries(types.toSorted().map((type) => [type, types.filter((each) => each === type).length]));
};

test('MailgunLedger builds the resources and outputs of a stack of cdk.json', () => {
  const template = Template.fromStack(withLedger().stack);
  const own = new Synthesized('dev');
  // Only cdk.json knows other environments.
  const { HeldElsewhere, ...outputs } = own.outputs;

  expect(countsByType(template)).toEqual(countsByType(own.template));
  expect(Object.keys(template.toJSON().Outputs).toSorted()).toEqual(Object.keys(outputs).toSorted());
  expect(HeldElsewhere?.Value).toMatch(/staging=/);
});

test('MailgunLedger protects its data by default', () => {
  Template.fromStack(withLedger().stack).hasResource('AWS::DynamoDB::Table', { DeletionPolicy: 'Retain' });
  Template.fromStack(withLedger({ protectData: false }).stack).hasResource('AWS::DynamoDB::Table', {
    DeletionPolicy: 'Delete',
  });
});

test('MailgunLedger states in every alarm how to reach its stack', () => {
  const alarms = Template.fromStack(withLedger().stack).findResources('AWS::CloudWatch::Alarm');
  const texts = Object.values(alarms).map(({ Properties }) => Properties.AlarmDescription);

  expect(texts.length).toBeGreaterThan(20);
  expect(texts.filter((text) => !/\nFirst: npx mailgun-ledger \S.* --stack Post$/.test(text))).toEqual([]);
});

test('MailgunLedger exposes the resources that an app builds on', () => {
  const { stack, ledger } = withLedger({ publish: { enabled: true, bus: 'mail' }, dashboard: { enabled: true } });
  const template = Template.fromStack(stack);
  const outputs = template.toJSON().Outputs;

  expect(stack.resolve([ledger.webhookUrl, ledger.apiUrl, ledger.dashboardUrl])).toEqual([
    outputs.WebhookUrl.Value,
    outputs.ApiUrl.Value,
    outputs.DashboardUrl.Value,
  ]);
  expect(stack.resolve([ledger.table.tableName, ledger.deadLetters.queueUrl, ledger.apiToken.secretArn])).toEqual([
    outputs.TableName.Value,
    outputs.DeadLettersUrl.Value,
    outputs.ApiTokenSecretArn.Value,
  ]);
  expect(stack.resolve([ledger.topics.page.topicArn, ledger.topics.ticket.topicArn])).toEqual([
    outputs.PageTopicArn.Value,
    outputs.TicketTopicArn.Value,
  ]);
  expect(ledger.eventBus?.eventBusName).toBe('mail');
  expect(ledger.alarms).toHaveLength(Object.keys(template.findResources('AWS::CloudWatch::Alarm')).length);
});

test('MailgunLedger exposes no bus and no dashboard unless they are enabled', () => {
  const { ledger } = withLedger();

  expect([ledger.eventBus, ledger.dashboardUrl]).toEqual([undefined, undefined]);
});

test('MailgunLedger reads the bus of another account from its ARN', () => {
  const bus = 'arn:aws:events:eu-west-1:444444444444:event-bus/mail';

  expect(withLedger({ publish: { enabled: true, bus } }).ledger.eventBus?.eventBusArn).toBe(bus);
});

test('MailgunLedger throws an error with every mistake in its props, by path', () => {
  const props = { domains: [], region: 'eu-west-1', processing: { timeoutSeconds: 0 } } as never;
  const said = () => new MailgunLedger(foreignStack(), 'Ledger', props);

  expect(said).toThrow(ConfigError);
  expect(said).toThrow('Post/Ledger.region: is not a key; valid keys: domains, eventTypes, ');
  expect(said).toThrow('Post/Ledger.domains: got []; must be "account" or a list of at least one');
  expect(said).toThrow('Post/Ledger.processing.timeoutSeconds: got 0; must be a whole number from 1 to 900');
});

test('MailgunLedger leaves other resources of the stack unchanged', () => {
  const { stack } = withLedger();
  new LogGroup(stack, 'Unlimited', { retention: RetentionDays.INFINITE });

  expect(() => Template.fromStack(stack)).not.toThrow();
});

test('MailgunLedger checks its own resources even if an app changes them', () => {
  const { stack, ledger } = withLedger();
  (ledger.node.findChild('Ingest').node.findChild('FunctionLogs').node.defaultChild as CfnLogGroup).retentionInDays =
    undefined;

  expect(() => Template.fromStack(stack)).toThrow('must have a retention');
});

test('MailgunLedger refuses a nested stack, whose name is unknown at synth', () => {
  const nested = new NestedStack(foreignStack(), 'Nested');

  expect(() => new MailgunLedger(nested, 'Ledger', { domains: [...DOMAINS] })).toThrow('must not be in a nested stack');
});
