import { App } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import {
  encodeHeldElsewhere,
  parseHeldElsewhere,
} from '../../../../../lambdas/domain/webhooks/domains-held-elsewhere.ts';
import { readIngestEnv } from '../../../../../lambdas/ingest/env.ts';
import { readProcessEnv } from '../../../../../lambdas/process/env.ts';
import { readReadApiEnv } from '../../../../../lambdas/read-api/env.ts';
import { readReconcileEnv } from '../../../../../lambdas/reconcile/env.ts';
import { parseConfig } from '../../../../../lib/config/config.ts';
import { MailgunLedgerStack } from '../../../../../lib/mailgun-ledger-stack.ts';
import measured from '../../../../../tools/bench/results.json' with { type: 'json' };
import {
  arnOf,
  buildStack,
  type Resource,
  Synthesized,
  variablesReadBy,
} from '../../../../support/stacks/synthesized.ts';

const stack = buildStack('prod');
const prod = new Synthesized('prod');

const TABLE = arnOf('Table710B521B');
const QUEUE = arnOf('EventsQueue7396B467');
const DEAD_LETTERS = arnOf('EventsDeadLetters8A90034E');
const API_KEY = prod.idOf('AWS::SecretsManager::Secret', 'SecretsApiKey');
const ERASURE_KEY = prod.idOf('AWS::SecretsManager::Secret', 'SecretsErasureKey');
const ALARM_NAMES = prod.ofType('AWS::CloudWatch::Alarm').map(({ Properties }) => Properties.AlarmName);
/** In the account and region of prod. */
const alarmArn = (name: string) => `arn:aws:cloudwatch:eu-west-1:333333333333:alarm:${name}`;

/** Variables that functions have only where the configuration needs them; the read API its erasure key by the archive. */
const OPTIONAL: readonly string[] = [
  'DAY_SHARDS',
  'BOUNCE_CLASSES',
  'RECEIVERS',
  'ARCHIVE_BUCKET',
  'WATCHED_PROVIDERS',
  'OF_ACCOUNT',
  'MIN_JUDGED_MAILS',
];

const FUNCTIONS = [
  {
    name: 'Ingest',
    path: 'Ingest/Function/Resource',
    reads: readIngestEnv,
    variables: {
      LEDGER_NAME: 'mailgun-ledger-prod',
      TABLE_NAME: { Ref: 'Table710B521B' },
      QUEUE_URL: { Ref: 'EventsQueue7396B467' },
      SIGNING_KEYS_SECRET_ARN: { Ref: 'SecretsSigningKeys20695C0E' },
      DOMAINS: 'mg.mailgun-ledger.internal',
    },
    may: [
      ['dynamodb:PutItem', TABLE, ['CLAIM#*']],
      ['dynamodb:UpdateItem', TABLE, ['MSG#*', 'NOMSG#*']],
      ['dynamodb:GetItem', TABLE, ['MSG#*', 'NOMSG#*', 'LEDGER']],
      ['sqs:SendMessage', QUEUE],
      ['secretsmanager:GetSecretValue', { Ref: 'SecretsSigningKeys20695C0E' }],
    ],
  },
  {
    name: 'Process',
    path: 'Process/Function/Resource',
    reads: readProcessEnv,
    variables: {
      LEDGER_NAME: 'mailgun-ledger-prod',
      TABLE_NAME: { Ref: 'Table710B521B' },
      QUEUE_URL: { Ref: 'EventsQueue7396B467' },
      DEAD_LETTERS_URL: { Ref: 'EventsDeadLetters8A90034E' },
      ERASURE_KEY_SECRET_ARN: { Ref: ERASURE_KEY },
      VISIBILITY_SECONDS: '181',
      RETENTION_DAYS: '400',
      STATUS_DAYS: '400',
      SECOND_PASS_SECONDS: '43200',
    },
    may: [
      [['dynamodb:BatchGetItem', 'dynamodb:GetItem', 'dynamodb:Query'], TABLE],
      ['dynamodb:PutItem', TABLE, ['MSG#*', 'NOMSG#*', 'OPEN#*', 'LEDGER']],
      ['dynamodb:UpdateItem', TABLE, ['MSG#*', 'NOMSG#*', 'SUP#*']],
      ['dynamodb:DeleteItem', TABLE, ['MSG#*', 'NOMSG#*']],
      [
        [
          'sqs:ChangeMessageVisibility',
          'sqs:DeleteMessage',
          'sqs:GetQueueAttributes',
          'sqs:GetQueueUrl',
          'sqs:ReceiveMessage',
        ],
        QUEUE,
      ],
      ['sqs:SendMessage', DEAD_LETTERS],
      ['secretsmanager:GetSecretValue', { Ref: ERASURE_KEY }],
    ],
  },
  {
    name: 'ReadApi',
    path: 'ReadApi/Function/Resource',
    reads: readReadApiEnv,
    variables: {
      LEDGER_NAME: 'mailgun-ledger-prod',
      TABLE_NAME: { Ref: 'Table710B521B' },
      QUEUE_URL: { Ref: 'EventsQueue7396B467' },
      DEAD_LETTERS_URL: { Ref: 'EventsDeadLetters8A90034E' },
      API_TOKEN_SECRET_ARN: { Ref: 'SecretsApiTokenB8AA259C' },
      JWT_ISSUER: '',
      JWT_AUDIENCE: '',
      ALLOWED_ORIGINS: 'https://mail.mailgun-ledger.internal',
      ALLOW_CREDENTIALS: 'false',
      ALARMS: ALARM_NAMES.map((name) => name.replace('mailgun-ledger-prod-', '')).join(','),
      DOMAINS: 'mg.mailgun-ledger.internal',
      SLICE_SECONDS: '900',
      SETTLE_SECONDS: '1800',
      RETENTION_DAYS: '400',
    },
    may: [
      [['dynamodb:BatchGetItem', 'dynamodb:GetItem'], TABLE],
      [
        'dynamodb:Query',
        [TABLE, { 'Fn::Join': ['', [TABLE, '/index/byDay']] }, { 'Fn::Join': ['', [TABLE, '/index/byRecipient']] }],
      ],
      ['sqs:GetQueueAttributes', [DEAD_LETTERS, QUEUE]],
      ['secretsmanager:GetSecretValue', { Ref: 'SecretsApiTokenB8AA259C' }],
      ['cloudwatch:DescribeAlarms', ALARM_NAMES.map(alarmArn).toSorted()],
    ],
  },
  {
    name: 'Reconcile',
    path: 'Reconcile/Function/Resource',
    reads: readReconcileEnv,
    variables: {
      LEDGER_NAME: 'mailgun-ledger-prod',
      TABLE_NAME: { Ref: 'Table710B521B' },
      QUEUE_URL: { Ref: 'EventsQueue7396B467' },
      API_KEY_SECRET_ARN: { Ref: API_KEY },
      ERASURE_KEY_SECRET_ARN: { Ref: ERASURE_KEY },
      DOMAINS: 'mg.mailgun-ledger.internal=eu',
      HELD_ELSEWHERE: encodeHeldElsewhere(
        { dev: ['mg.example.com'], staging: ['mg-staging.mailgun-ledger.internal'] },
        100,
      ),
      EVENT_TYPES: 'accepted,delivered,opened,clicked,unsubscribed,complained,permanent_fail,temporary_fail',
      WEBHOOK_URL: {
        'Fn::Join': ['', [{ 'Fn::GetAtt': ['WebhookApiHttpApi972241B7', 'ApiEndpoint'] }, '/webhooks/mailgun']],
      },
      SOURCE: 'events',
      EVERY_SECONDS: '900',
      SETTLE_SECONDS: '1800',
      SLICE_SECONDS: '900',
      RETENTION_SECONDS: '86400',
      FROM_EPOCH_SECONDS: '',
      MAILGUN_URL: '',
      BACKLOG_MESSAGES: '50',
      PARALLEL: '8',
    },
    may: [
      [['dynamodb:BatchGetItem', 'dynamodb:GetItem'], TABLE],
      [
        'dynamodb:PutItem',
        TABLE,
        ['LEDGER', 'LEDGER#*', 'OPEN#*', 'DOUBT#*', 'SLICE#*', 'PART#*', 'SENT#*', 'WITNESS#*'],
      ],
      ['dynamodb:UpdateItem', TABLE, ['LEDGER', 'LEDGER#*', 'SENT#*', 'MSG#*', 'NOMSG#*']],
      ['dynamodb:DeleteItem', TABLE, ['LEDGER', 'OPEN#*', 'DOUBT#*']],
      ['dynamodb:Query', [TABLE, { 'Fn::Join': ['', [TABLE, '/index/byDay']] }]],
      [['sqs:GetQueueAttributes', 'sqs:SendMessage'], QUEUE],
      ['secretsmanager:GetSecretValue', [{ Ref: API_KEY }, { Ref: ERASURE_KEY }]],
    ],
  },
];

test('the template has exactly the expected functions', () => {
  expect(prod.ofType('AWS::Lambda::Function')).toHaveLength(FUNCTIONS.length);
});

test('reconcile has the memory that its largest measured slice took, and more where it compares more at once', () => {
  const { reconciliation, largeSlices } = measured;
  const slices = Math.max(...largeSlices.slices.map(({ now }) => now.megabytes));
  const idle = Math.min(...reconciliation.map(({ megabytes }) => megabytes));
  const memoryOf = (synthesized: Synthesized) =>
    synthesized.named('AWS::Lambda::Function', 'ReconcileFunction').Properties.MemorySize;
  expect(memoryOf(prod)).toBeGreaterThan(slices + idle);
  expect(memoryOf(new Synthesized('prod', { reconcile: { parallel: 64 } }))).toBe(3008);
});

describe.each(FUNCTIONS)('$name', ({ name, path, reads, variables, may }) => {
  const lambda = prod.named('AWS::Lambda::Function', `${name}Function`);
  const roleId = lambda.Properties.Role['Fn::GetAtt'][0];

  test('runs on Node 24, on arm64', () => {
    const MemorySize = name === 'Reconcile' ? 1024 : 512;
    expect(lambda.Properties).toMatchObject({ Runtime: 'nodejs24.x', Architectures: ['arm64'], MemorySize });
  });

  test('has the construct path by which the local stack names it', () => {
    expect(stack.node.findAll().filter((node) => node.node.path === `mailgun-ledger-prod/${path}`)).toHaveLength(1);
  });

  test('gets only the variables that it reads and the one for source maps', () => {
    expect(prod.variablesOf(name)).toEqual({ ...variables, NODE_OPTIONS: '--enable-source-maps' });
    const isLeftOut = (each: string) =>
      OPTIONAL.includes(each) || (name === 'ReadApi' && each === 'ERASURE_KEY_SECRET_ARN');
    expect(variablesReadBy(reads).filter((each) => !isLeftOut(each))).toEqual(Object.keys(variables).toSorted());
  });

  test('writes JSON to its own log group, which expires', () => {
    const { LogFormat, SystemLogLevel, LogGroup } = lambda.Properties.LoggingConfig;

    expect({ LogFormat, SystemLogLevel }).toEqual({ LogFormat: 'JSON', SystemLogLevel: 'WARN' });
    expect(LogGroup.Ref).toMatch(new RegExp(`^${name}FunctionLogs`));
    expect(prod.resources[LogGroup.Ref]?.Properties.RetentionInDays).toBe(30);
  });

  test('has its own role with exactly the expected permissions', () => {
    const policies = prod.ofType('AWS::IAM::Policy').filter(({ Properties }) => Properties.Roles[0].Ref === roleId);
    const effects = policies.flatMap(({ Properties }) =>
      Properties.PolicyDocument.Statement.map(({ Effect }: { Effect: string }) => Effect),
    );
    const log = [['logs:CreateLogStream', 'logs:PutLogEvents'], arnOf(lambda.Properties.LoggingConfig.LogGroup.Ref)];

    expect(prod.resources[roleId]?.Properties.ManagedPolicyArns).toBeUndefined();
    expect(prod.resources[roleId]?.Properties.Policies).toBeUndefined();
    expect(prod.grantsOf(name)).toEqual([log, ...may]);
    expect(new Set(effects)).toEqual(new Set(['Allow']));
  });
});

describe('the schedule of reconcile', () => {
  const schedule = prod.ofType('AWS::Scheduler::Schedule')[0]!.Properties;
  const reconcile = arnOf(Object.keys(prod.resources).find((id) => /^ReconcileFunction[0-9A-F]{8}$/.test(id))!);

  test('invokes reconcile every 15 minutes, without retries', () => {
    expect(schedule).toMatchObject({ ScheduleExpression: 'rate(15 minutes)', FlexibleTimeWindow: { Mode: 'OFF' } });
    expect(schedule.Target).toMatchObject({ Arn: reconcile, RetryPolicy: { MaximumRetryAttempts: 0 } });
    expect(prod.ofType('AWS::Lambda::EventInvokeConfig').map(({ Properties }) => Properties)).toEqual([
      expect.objectContaining({ MaximumRetryAttempts: 0 }),
    ]);
  });

  test('has a role that may only invoke reconcile, and waits for its policy', () => {
    const roleId = schedule.Target.RoleArn['Fn::GetAtt'][0];
    const policies = prod.ofType('AWS::IAM::Policy').filter(({ Properties }) => Properties.Roles[0].Ref === roleId);
    const [policyId] = Object.entries(prod.resources).find(([, each]) => each === policies[0]) ?? [];
    const { DependsOn } = prod.ofType('AWS::Scheduler::Schedule')[0]!;

    expect(DependsOn).toContain(policyId);
    expect(policies.flatMap(({ Properties }) => Properties.PolicyDocument.Statement)).toEqual([
      { Effect: 'Allow', Action: 'lambda:InvokeFunction', Resource: reconcile },
    ]);
  });

  test('has a role that only the scheduler of this account assumes', () => {
    const role = prod.resources[schedule.Target.RoleArn['Fn::GetAtt'][0]]!;

    expect(role.Properties.AssumeRolePolicyDocument.Statement).toEqual([
      expect.objectContaining({
        Principal: { Service: 'scheduler.amazonaws.com' },
        Condition: { StringEquals: { 'aws:SourceAccount': '333333333333' } },
      }),
    ]);
  });

  test('is as short as an overlay sets it, also in seconds', () => {
    const expressions = [2, 60].map((everySeconds) => {
      const stack = new Synthesized('dev', { reconcile: { everySeconds } });
      return stack.ofType('AWS::Scheduler::Schedule')[0]!.Properties.ScheduleExpression;
    });

    expect(expressions).toEqual(['rate(2 seconds)', 'rate(1 minute)']);
  });
});

test('process takes batches that may fail in part, with a concurrency cap that leaves executions to ingest', () => {
  const [source, ...others] = prod.ofType('AWS::Lambda::EventSourceMapping');

  expect(others).toEqual([]);
  expect(source?.Properties).toMatchObject({
    EventSourceArn: QUEUE,
    BatchSize: 10,
    MaximumBatchingWindowInSeconds: 1,
    FunctionResponseTypes: ['ReportBatchItemFailures'],
    ScalingConfig: { MaximumConcurrency: 5 },
  });
});

test('no function reserves executions by default, since new accounts have few; ingest and the read API may', () => {
  const reservedIn = (environment: Synthesized) =>
    environment
      .ofType('AWS::Lambda::Function')
      .flatMap(({ Properties }) => Properties.ReservedConcurrentExecutions ?? [])
      .toSorted();

  expect(reservedIn(prod)).toEqual([]);
  expect(reservedIn(new Synthesized('prod', { executions: { ingest: 200, read: 20 } }))).toEqual([20, 200]);
});

describe('a read API with JWTs', () => {
  const jwt = { issuer: 'https://login.mailgun-ledger.internal/', audience: 'mailgun-ledger' };
  const withJwt = new Synthesized('prod', { readApi: { credentials: true, jwt } });

  test('knows issuer and audience, and no token', () => {
    expect(withJwt.variablesOf('ReadApi')).toMatchObject({
      API_TOKEN_SECRET_ARN: '',
      JWT_ISSUER: jwt.issuer,
      JWT_AUDIENCE: jwt.audience,
      ALLOW_CREDENTIALS: 'true',
    });
  });

  test('tells the command line so', () => {
    expect(withJwt.outputs.JwtIssuer?.Value).toBe(jwt.issuer);
  });

  test('may read no secret', () => {
    const usual = prod.actionsOf('ReadApi').filter((action) => action !== 'secretsmanager:GetSecretValue');
    expect(withJwt.actionsOf('ReadApi')).toEqual(usual);
  });
});

test('every function that uses the day index, and the command line, knows its shards', () => {
  const shards = [{ from: '2027-01-01', count: 8 }];
  const overlay = { shards, publish: { enabled: true }, seal: { enabled: true } };
  const stack = new Synthesized('prod', overlay);
  const knowing = Object.entries(stack.resources)
    .filter(([, { Properties }]) => Properties?.Environment?.Variables?.DAY_SHARDS === JSON.stringify(shards))
    .map(([id]) => id.replace(/Function.*/, ''));

  expect(knowing.sort()).toEqual(['Process', 'Publish', 'ReadApi', 'Reconcile', 'Seal']);
  expect(stack.outputs.DayShards?.Value).toBe(JSON.stringify(shards));
});

test.each([
  ['neither token nor JWT', { API_TOKEN_SECRET_ARN: '' }],
  ['an issuer without audience', { JWT_ISSUER: 'https://login.example.com' }],
  ['an audience without issuer', { JWT_AUDIENCE: 'a' }],
])('the read API fails to start with %s', (_, over) => {
  const whole = { LEDGER_NAME: 'l', TABLE_NAME: 't', API_TOKEN_SECRET_ARN: 'arn', ALLOW_CREDENTIALS: 'false' };
  const queues = { QUEUE_URL: 'q', DEAD_LETTERS_URL: 'd' };
  const rest = { DOMAINS: 'd', SLICE_SECONDS: '1', SETTLE_SECONDS: '1', RETENTION_DAYS: '1', ...queues };
  expect(readReadApiEnv({ ...whole, ...rest }).auth).toEqual({ tokenSecretArn: 'arn' });
  expect(() => readReadApiEnv({ ...whole, ...rest, ...over })).toThrow('is not set');
});

test('the read API queries its alarms by their full names', () => {
  expect(readReadApiEnv({ ...prod.variablesOf('ReadApi'), API_TOKEN_SECRET_ARN: 'arn' }).alarms).toEqual(ALARM_NAMES);
});

test.each([
  [60, 300],
  [600, 600],
  [900, 900],
  [3600, 900],
])('reconcile on a schedule of %i s may run for at most %i s', (everySeconds, timeout) => {
  const stack = new Synthesized('prod', { reconcile: { everySeconds } });
  expect(stack.named('AWS::Lambda::Function', 'ReconcileFunction').Properties.Timeout).toBe(timeout);
});

describe('the 4,096 bytes of environment that a function takes', () => {
  const name = 'e'.repeat(32);
  const nth = (n: number) => `mail-${n}.example.com`;
  const domains = (count: number, from = 0) =>
    Array.from({ length: count }, (_, n) => ({ name: nth(from + n + 100), region: 'us' }));
  const receivers = (count: number) =>
    Array.from({ length: count }, (_, n) => ({
      name: `receiver-${n}`,
      url: `https://crm.example.com/${'h'.repeat(130)}`,
      events: ['suppression.changed'],
    }));
  const whole = {
    region: 'ap-southeast-1',
    publish: { enabled: true },
    seal: { enabled: true },
    dashboard: { enabled: true },
    alarms: { notify: true, page: ['a@acme.internal'], providers: ['gmail', 'yahoo', 'outlook'] },
    readApi: { jwt: { issuer: `https://login.acme.internal/${'i'.repeat(100)}`, audience: 'mailgun-ledger' } },
  };
  const synth = (over: object, others: object = {}) => {
    const app = new App({ context: { 'aws:cdk:bundling-stacks': [] }, builtinCloudFormationValidation: false });
    const environments = { [name]: { ...whole, ...over }, ...others };
    return Template.fromStack(new MailgunLedgerStack(app, parseConfig({ environments, env: name }))).toJSON();
  };

  test('hold the longest lists of the configuration, with every function and alarm, beside large environments', () => {
    const others = { prod: { domains: domains(100, 100) }, staging: { domains: domains(100, 200) } };
    const { Resources } = synth({ domains: domains(72), receivers: receivers(1) }, others);
    const variables = (prefix: string) => {
      const [, found] =
        Object.entries<Resource>(Resources).find(
          ([id, { Type }]) => id.startsWith(`${prefix}Function`) && Type === 'AWS::Lambda::Function',
        ) ?? [];
      return found?.Properties.Environment.Variables;
    };

    expect(variables('ReadApi').ALARMS.split(',').length).toBeGreaterThan(45);
    const holderOf = parseHeldElsewhere(variables('Reconcile').HELD_ELSEWHERE);
    // Only one of the two fits beside as many of its own.
    expect([nth(200), nth(299)].map(holderOf)).toEqual(['prod', 'prod']);
    expect(holderOf(nth(300))).toBeUndefined();
  });

  test('fail at synth, not in the middle of a deploy, where receivers and domains need more', () => {
    expect(() => synth({ domains: domains(72), receivers: receivers(5) })).toThrow(
      /ReadApi\/Function\/Resource: must have at most 4096 bytes of environment/,
    );
    expect(() => synth({ domains: domains(10), receivers: receivers(5) })).not.toThrow();
  });
});
