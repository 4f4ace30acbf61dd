import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { Synthesized } from '../support/synthesized.ts';

const dev = new Synthesized('dev');
const prod = new Synthesized('prod');

const RUNBOOK = readFileSync(join(import.meta.dirname, '../../docs/runbook.md'), 'utf8');
const HEADINGS = [...RUNBOOK.matchAll(/^## (.+)$/gm)].map((match) => match[1]);

const PAGE = { Ref: 'TopicsPage76C97084' };
const TICKET = { Ref: 'TopicsTicket85AFFA83' };
const attribute = (id: string, name: string) => ({ 'Fn::GetAtt': [id, name] });

interface ExpectedAlarm {
  runbook: string;
  tells: object;
  metric: unknown[];
  dimensions: object;
  above?: number[];
  below?: number[];
  missing?: string;
}

const ALARMS: ExpectedAlarm[] = [
  {
    runbook: 'dead-letters',
    tells: TICKET,
    metric: ['AWS/SQS', 'ApproximateNumberOfMessagesVisible', 'Maximum', 60],
    dimensions: { QueueName: attribute('EventsDeadLetters8A90034E', 'QueueName') },
    above: [0, 1, 1],
  },
  {
    runbook: 'oldest-message',
    tells: PAGE,
    metric: ['AWS/SQS', 'ApproximateAgeOfOldestMessage', 'Maximum', 60],
    dimensions: { QueueName: attribute('EventsQueue7396B467', 'QueueName') },
    above: [300, 3, 5],
  },
  {
    runbook: 'events-retried',
    tells: PAGE,
    metric: ['MailgunLedger', 'Retried', 'Sum', 300],
    dimensions: { Ledger: 'mailgun-ledger-prod' },
    above: [0, 3, 3],
  },
  {
    runbook: 'webhook-errors',
    tells: PAGE,
    metric: ['AWS/ApiGateway', '5xx', 'Sum', 300],
    dimensions: { ApiId: { Ref: 'WebhookApiHttpApi972241B7' }, Stage: '$default' },
    above: [0, 2, 3],
  },
  {
    runbook: 'process-errors',
    tells: TICKET,
    metric: ['AWS/Lambda', 'Errors', 'Sum', 300],
    dimensions: { FunctionName: { Ref: 'ProcessFunction4423FA37' } },
    above: [0, 1, 1],
  },
  {
    runbook: 'reconcile-stopped',
    tells: PAGE,
    metric: ['MailgunLedger', 'ReconcileRun', 'Sum', 1800],
    dimensions: { Ledger: 'mailgun-ledger-prod' },
    below: [1, 2, 2],
    missing: 'breaching',
  },
  {
    runbook: 'cursor-too-old',
    tells: PAGE,
    metric: ['MailgunLedger', 'CursorAgeSeconds', 'Maximum', 1800],
    dimensions: { Ledger: 'mailgun-ledger-prod' },
    above: [43_200, 1, 1],
  },
  {
    runbook: 'lost-webhooks',
    tells: PAGE,
    metric: ['MailgunLedger', 'LostWebhooks', 'Sum', 300],
    dimensions: { Ledger: 'mailgun-ledger-prod' },
    above: [0, 1, 1],
  },
  {
    runbook: 'open-slice',
    tells: TICKET,
    metric: ['MailgunLedger', 'OpenSliceAgeSeconds', 'Maximum', 1800],
    dimensions: { Ledger: 'mailgun-ledger-prod' },
    above: [29_700, 1, 1],
  },
  {
    runbook: 'stuck',
    tells: PAGE,
    metric: ['MailgunLedger', 'Stuck', 'Maximum', 1800],
    dimensions: { Ledger: 'mailgun-ledger-prod' },
    above: [0, 1, 1],
  },
  {
    runbook: 'unconfirmed',
    tells: PAGE,
    metric: ['MailgunLedger', 'Unconfirmed', 'Sum', 300],
    dimensions: { Ledger: 'mailgun-ledger-prod' },
    above: [0, 1, 1],
  },
];

const alarmsOf = (stack: Synthesized) => stack.ofType('AWS::CloudWatch::Alarm').map(({ Properties }) => Properties);

test('there are exactly the alarms described here', () => {
  const names = alarmsOf(prod).map(({ AlarmName }) => AlarmName);

  expect(names.toSorted()).toEqual(ALARMS.map(({ runbook }) => `mailgun-ledger-prod-${runbook}`).toSorted());
});

test('dev has the same alarms as prod', () => {
  const watched = (stack: Synthesized) => alarmsOf(stack).map(({ MetricName, Threshold }) => [MetricName, Threshold]);

  expect(watched(dev)).toEqual(watched(prod));
});

describe.each(ALARMS)('$runbook', ({ runbook, tells, metric, dimensions, above, below, missing }) => {
  const alarm = alarmsOf(prod).find(({ AlarmName }) => AlarmName === `mailgun-ledger-prod-${runbook}`);
  const text = typeof alarm.AlarmDescription === 'string' ? alarm.AlarmDescription : flatten(alarm.AlarmDescription);

  test('watches its metric against its limit', () => {
    expect([alarm.Namespace, alarm.MetricName, alarm.Statistic, alarm.Period]).toEqual(metric);
    expect(
      Object.fromEntries(alarm.Dimensions.map((each: { Name: string; Value: unknown }) => [each.Name, each.Value])),
    ).toEqual(dimensions);
    expect(alarm.ComparisonOperator).toBe(below ? 'LessThanThreshold' : 'GreaterThanThreshold');
    expect([alarm.Threshold, alarm.DatapointsToAlarm, alarm.EvaluationPeriods]).toEqual(below ?? above);
  });

  test('tells those it is for when it begins and when it ends', () => {
    expect(alarm.AlarmActions).toEqual([tells]);
    expect(alarm.OKActions).toEqual([tells]);
  });

  test('is quiet where nothing is reported, unless that is the fault itself', () => {
    expect(alarm.TreatMissingData).toBe(missing ?? 'notBreaching');
  });

  test('says who is hurt, where the runbook is and what to type first, within the 1024 characters there are', () => {
    expect(text).toMatch(/^\S.*\.\nImpact: \S.*\.\nRunbook: docs\/runbook\.md#[\w-]+\nFirst: aws \S+/);
    expect(text.length).toBeLessThan(1024);
  });

  test('has its own heading in the runbook, with all five parts', () => {
    const anchor = /Runbook: \S+#([\w-]+)/.exec(text)?.[1];
    const section = RUNBOOK.split(/^## /m).find((part) => part.startsWith(`${anchor}\n`)) ?? '';

    expect(anchor).toBe(runbook);
    for (const part of ['Means', 'Who is hurt', 'Check', 'Fix', 'Stop worrying'])
      expect(section).toContain(`**${part}`);
  });
});

test('the runbook has no heading without an alarm', () => {
  expect(HEADINGS.toSorted()).toEqual(ALARMS.map(({ runbook }) => runbook).toSorted());
});

test('every output that the runbook asks for exists', () => {
  const asked = [...RUNBOOK.matchAll(/\$\((?:output|arn) (\w+)\)/g)].map((match) => match[1]!);

  expect(asked.length).toBeGreaterThan(5);
  expect(Object.keys(prod.outputs)).toEqual(expect.arrayContaining(asked));
});

describe('the topics', () => {
  test.each([
    ['Page', PAGE, 'on-call@mailgun-ledger.internal'],
    ['Ticket', TICKET, 'mail-team@mailgun-ledger.internal'],
  ])('%s: CloudWatch of this account may publish, over TLS only, and the address is subscribed', (id, ref, address) => {
    const statements = prod.named('AWS::SNS::TopicPolicy', `Topics${id}`).Properties.PolicyDocument.Statement;

    expect(statements).toEqual([
      expect.objectContaining({
        Effect: 'Deny',
        Action: 'sns:Publish',
        Condition: { Bool: { 'aws:SecureTransport': 'false' } },
      }),
      expect.objectContaining({
        Effect: 'Allow',
        Principal: { Service: 'cloudwatch.amazonaws.com' },
        Action: 'sns:Publish',
        Resource: ref,
        Condition: { StringEquals: { 'aws:SourceAccount': '333333333333' } },
      }),
    ]);
    expect(prod.named('AWS::SNS::Subscription', `Topics${id}`).Properties).toEqual({
      Protocol: 'email',
      Endpoint: address,
      TopicArn: ref,
    });
  });

  test('are under no key that would shut CloudWatch out', () => {
    expect(prod.ofType('AWS::SNS::Topic').map(({ Properties }) => Properties?.KmsMasterKeyId)).toEqual([
      undefined,
      undefined,
    ]);
  });

  test('tell a URL by HTTPS', () => {
    const stack = new Synthesized('dev', { alarms: { page: ['https://pager.example.com/hook'] } });

    expect(stack.ofType('AWS::SNS::Subscription').map(({ Properties }) => Properties)).toEqual([
      { Protocol: 'https', Endpoint: 'https://pager.example.com/hook', TopicArn: PAGE },
    ]);
  });
});

/** Renders references as names of about the length they will have. */
function flatten(join: { 'Fn::Join': [string, unknown[]] }): string {
  const [separator, parts] = join['Fn::Join'];
  const text = (part: unknown) =>
    typeof part === 'string' ? part : 'https://sqs.eu-west-1.amazonaws.com/'.padEnd(120, 'x');
  return parts.map(text).join(separator);
}
