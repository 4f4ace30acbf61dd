import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type CfnResource, Stack } from 'aws-cdk-lib';
import { Annotations, Match, Template } from 'aws-cdk-lib/assertions';
import { CfnApi } from 'aws-cdk-lib/aws-apigatewayv2';
import { CfnAlarm, CfnCompositeAlarm } from 'aws-cdk-lib/aws-cloudwatch';
import { CfnPolicy } from 'aws-cdk-lib/aws-iam';
import { CfnEventSourceMapping, CfnFunction } from 'aws-cdk-lib/aws-lambda';
import { CfnLogGroup, CfnMetricFilter } from 'aws-cdk-lib/aws-logs';
import { configurationPage } from '../../../lib/config/configuration-page.ts';
import { buildStack, Synthesized } from '../../support/stacks/synthesized.ts';

describe.each([
  { env: 'dev', account: undefined, protectedStack: false },
  { env: 'staging', account: '222222222222', protectedStack: true },
  { env: 'prod', account: '333333333333', protectedStack: true },
])('$env', ({ env, account, protectedStack }) => {
  const stack = buildStack(env);

  test('is a stack named after its environment, in its account, protected from deletion as configured', () => {
    expect(stack.stackName).toBe(`mailgun-ledger-${env}`);
    expect(Stack.of(stack).terminationProtection).toBe(protectedStack);
    expect(/^\d+$/.test(stack.account) ? stack.account : undefined).toBe(account);
  });

  test('synthesizes without a warning', () => {
    const found = Annotations.fromStack(stack).findWarning('*', Match.anyValue());

    expect(found).toEqual([]);
  });

  test('is tagged with app, environment and version, whatever tags are configured', () => {
    const { version } = JSON.parse(readFileSync(join(import.meta.dirname, '../../../package.json'), 'utf8'));

    expect(buildStack(env, { tags: { team: 'mail', env: 'other' } }).tags.tagValues()).toEqual({
      app: 'mailgun-ledger',
      env,
      team: 'mail',
      version,
    });
  });
});

test('the stack uses the bootstrap of the account, or that of another qualifier', () => {
  const versionIn = (overlay: object) =>
    new Synthesized('prod', overlay).template.toJSON().Parameters?.BootstrapVersion?.Default;

  expect(versionIn({})).toBe('/cdk-bootstrap/hnb659fds/version');
  expect(versionIn({ bootstrapQualifier: 'mail' })).toBe('/cdk-bootstrap/mail/version');
});

test('every name and URL that an operator needs is an output', () => {
  expect(Object.keys(new Synthesized('prod').outputs).toSorted()).toEqual([
    'ApiKeySecretArn',
    'ApiTokenSecretArn',
    'ApiUrl',
    'DeadLettersUrl',
    'Domains',
    'ErasureKeySecretArn',
    'HealthDashboardUrl',
    'HeldElsewhere',
    'IngestFunctionName',
    'IngestLogGroup',
    'LedgerTimes',
    'PageTopicArn',
    'ProcessFunctionName',
    'ProcessLogGroup',
    'QueueUrl',
    'ReadAccessLogGroup',
    'ReadApiFunctionName',
    'ReadApiLogGroup',
    'ReconcileFunctionName',
    'ReconcileLogGroup',
    'RetentionDays',
    'SigningKeysSecretArn',
    'TableName',
    'TicketTopicArn',
    'WebhookAccessLogGroup',
    'WebhookEventTypes',
    'WebhookUrl',
  ]);
});

test('the outputs of URL, domains and types are usable without parsing', () => {
  const { WebhookUrl, ApiUrl, Domains, WebhookEventTypes } = new Synthesized('dev', {
    domains: [{ name: 'MG.example.com', region: 'us' }],
    eventTypes: ['delivered', 'permanent_fail'],
  }).outputs;

  const endpoint = (api: string) => ({ 'Fn::GetAtt': [api, 'ApiEndpoint'] });
  expect(WebhookUrl?.Value).toEqual({ 'Fn::Join': ['', [endpoint('WebhookApiHttpApi972241B7'), '/webhooks/mailgun']] });
  expect(ApiUrl?.Value).toEqual(endpoint('ReadApiHttpApi5E49EAA9'));
  expect(Domains?.Value).toBe('[{"name":"mg.example.com","region":"us"}]');
  expect(WebhookEventTypes?.Value).toBe('delivered,permanent_fail');
});

test('docs/generated/configuration.md is up to date with the schema', () => {
  const page = readFileSync(join(import.meta.dirname, '../../../docs/generated/configuration.md'), 'utf8');

  expect(page).toBe(configurationPage());
});

describe('synth fails', () => {
  const first = <T extends CfnResource>(stack: Stack, type: abstract new (...args: never[]) => T, path = ''): T =>
    stack.node.findAll().find((node): node is T => node instanceof type && node.node.path.includes(path))!;

  /** Returns a breach that changes properties of the first resource of a type. */
  const change =
    <T extends CfnResource>(type: abstract new (...args: never[]) => T, over: object, path = '') =>
    (stack: Stack) =>
      Object.assign(first(stack, type, path), over);
  const notify = (stack: Stack, ...actions: unknown[]) =>
    Object.assign(first(stack, CfnAlarm), { alarmActions: actions, okActions: actions });
  const count = (stack: Stack, over: object) =>
    Object.assign(first(stack, CfnMetricFilter), {
      metricTransformations: [{ metricName: 'M', metricNamespace: 'N', metricValue: '1', ...over }],
    });
  const policy = (action: string, resource: string) => ({
    Statement: [{ Effect: 'Allow', Action: action, Resource: resource }],
  });

  type MetricEntry = CfnAlarm.MetricDataQueryProperty;
  const withMetrics = (stack: Stack, change: (entries: MetricEntry[]) => unknown[]) => {
    const alarm = first(stack, CfnAlarm, 'WebhookErrors');
    Object.assign(alarm, { metrics: change(stack.resolve(alarm.metrics)) });
  };

  /** Breaches of the one rule on what an alarm measures. */
  const NOT_PLAIN: [name: string, breach: (stack: Stack) => void][] = [
    ['when an alarm has another statistic', change(CfnAlarm, { statistic: 'Average' }, 'OldestMessage')],
    ['when an alarm has two statistics', change(CfnAlarm, { extendedStatistic: 'p99' }, 'OldestMessage')],
    ['when an alarm watches nothing', change(CfnAlarm, { metricName: undefined }, 'OldestMessage')],
    ['when an alarm has another percentile', change(CfnAlarm, { extendedStatistic: 'p50' }, 'WebhooksSlow')],
    [
      'when a metric of an expression has another statistic',
      (stack) =>
        withMetrics(stack, ([expression, stat, ...stats]) => [
          expression,
          { ...stat, metricStat: { ...stat?.metricStat, stat: 'Average' } },
          ...stats,
        ]),
    ],
    [
      'when a metric of an expression is alarmed on itself',
      (stack) =>
        withMetrics(stack, ([expression, stat, ...stats]) => [expression, { ...stat, returnData: true }, ...stats]),
    ],
    [
      'when an expression is not what is alarmed on',
      (stack) => withMetrics(stack, ([expression, ...stats]) => [{ ...expression, returnData: false }, ...stats]),
    ],
    ['when several metrics have no expression', (stack) => withMetrics(stack, ([, ...stats]) => stats)],
    [
      'when an expression uses what the local stack does not evaluate',
      (stack) =>
        withMetrics(stack, ([expression, ...stats]) => [{ ...expression, expression: 'RATE(errors)' }, ...stats]),
    ],
    [
      'when an expression reads a metric that is not there',
      (stack) => withMetrics(stack, ([expression]) => [expression]),
    ],
    [
      'when an alarm has two expressions',
      (stack) => withMetrics(stack, ([expression, ...stats]) => [expression, { ...expression, id: 'e2' }, ...stats]),
    ],
  ];

  const BREACHES: [name: string, breach: (stack: Stack) => void, error: string][] = [
    [
      'when the webhook API responds to CORS requests',
      change(CfnApi, { corsConfiguration: { allowOrigins: ['*'] } }, 'WebhookApi'),
      'WebhookApi/Http/Api/Resource: must not have CORS configured',
    ],
    [
      'when every origin may read, with credentials or without',
      (stack) =>
        (first(stack, CfnFunction, 'ReadApi').environment = { variables: { ALLOWED_ORIGINS: 'https://a.internal,*' } }),
      'ReadApi/Function/Resource: must name each origin that may read',
    ],
    [
      'when one bad event would fail its batch',
      change(CfnEventSourceMapping, { functionResponseTypes: undefined }),
      'must report partial failures',
    ],
    [
      'when a deploy would switch process on while a table is restored',
      change(CfnEventSourceMapping, { enabled: true }, 'Process'),
      'that of process must not',
    ],
    [
      'when two functions share a role',
      (stack) =>
        Object.assign(first(stack, CfnFunction, 'Ingest'), { role: first(stack, CfnFunction, 'Process').role }),
      'Ingest/Function/Resource: must have a role of its own',
    ],
    [
      'when a function has no log group',
      change(CfnFunction, { loggingConfig: undefined }, 'Ingest'),
      'Ingest/Function/Resource: must have a log group of its own',
    ],
    ['when a log group never forgets', change(CfnLogGroup, { retentionInDays: undefined }), 'must have a retention'],
    [
      'when a role may do anything to something',
      change(CfnPolicy, { policyDocument: policy('dynamodb:*', 'arn:aws:dynamodb:::x') }),
      'must name its actions and resources',
    ],
    [
      'when a role may do something to anything',
      change(CfnPolicy, { policyDocument: policy('dynamodb:GetItem', '*') }),
      'must name its actions and resources',
    ],
    [
      'when an alarm has no missing-data rule',
      change(CfnAlarm, { treatMissingData: undefined }),
      'must treat missing data as',
    ],
    [
      'when an alarm treats missing data in a way that the local stack does not evaluate',
      change(CfnAlarm, { treatMissingData: 'missing' }),
      'must treat missing data as',
    ],
    [
      'when an alarm compares otherwise',
      change(CfnAlarm, { comparisonOperator: 'LessThanLowerOrGreaterThanUpperThreshold' }),
      'must compare by greater or less than its threshold',
    ],
    ['when an alarm has no action', change(CfnAlarm, { alarmActions: [] }), 'must have a severity'],
    [
      'when an alarm notifies another topic',
      (stack) => notify(stack, 'arn:aws:sns:eu-west-1:1:x'),
      'must have a severity',
    ],
    [
      'when an alarm notifies a resource that is not a topic',
      (stack) => notify(stack, { Ref: 'Table710B521B' }),
      'must have a severity',
    ],
    [
      'when an alarm has two severities',
      (stack) => notify(stack, { Ref: 'TopicsPage76C97084' }, { Ref: 'TopicsTicket85AFFA83' }),
      'must have a severity',
    ],
    ['when an alarm does not notify of its end', change(CfnAlarm, { okActions: [] }), 'must have a severity'],
    [
      'when an alarm has no runbook',
      change(CfnAlarm, { alarmDescription: 'It is.\nImpact: senders.' }),
      'must state what happened, its impact, its runbook and the first command',
    ],
    [
      'when the text of an alarm is longer than CloudWatch takes',
      (stack) => {
        const alarm = first(stack, CfnAlarm);
        Object.assign(alarm, { alarmDescription: `${'Much '.repeat(200)}${alarm.alarmDescription}` });
      },
      'must state what happened, its impact, its runbook and the first command',
    ],
    [
      'when alarms are composed',
      (stack) => new CfnCompositeAlarm(stack, 'Composed', { alarmRule: 'TRUE' }),
      'Composed: must not exist',
    ],
    [
      'when a metric filter compares texts',
      change(CfnMetricFilter, { filterPattern: '{ $.status = "4*" }' }),
      'must compare numbers and count ones',
    ],
    [
      'when a metric filter counts what is in the line',
      (stack) => count(stack, { metricValue: '$.latencyMs' }),
      'must compare numbers and count ones',
    ],
    [
      'when a metric filter counts lines that do not match',
      (stack) => count(stack, { defaultValue: 0 }),
      'must compare numbers and count ones',
    ],
    [
      'when a metric filter counts by what is in the line',
      (stack) => count(stack, { dimensions: [{ key: 'Route', value: '$.routeKey' }] }),
      'must compare numbers and count ones',
    ],
    ...NOT_PLAIN.map(([name, breach]): (typeof BREACHES)[number] => [
      name,
      breach,
      'must have one metric or one plain expression',
    ]),
  ];

  test.each(BREACHES)('%s', (_, breach, error) => {
    const stack = buildStack('dev');
    breach(stack);

    expect(() => Template.fromStack(stack)).toThrow(error);
  });
});
