import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseAlarmDescription } from '../../../../lambdas/domain/alarm-description.ts';
import { providerStanding } from '../../../../lambdas/domain/recipients/provider-limits.ts';
import { Synthesized } from '../../../support/stacks/synthesized.ts';

const dev = new Synthesized('dev');
const prod = new Synthesized('prod');
/** With every part that has alarms of its own. */
const whole = new Synthesized('prod', {
  publish: { enabled: true },
  receivers: ['crm', 'audit'].map((name) => ({
    name,
    url: `https://${name}.mailgun-ledger.internal/`,
    events: ['suppression.changed'],
  })),
  seal: { enabled: true },
  alarms: { notify: true },
});

const RUNBOOK = readFileSync(join(import.meta.dirname, '../../../../docs/runbook.md'), 'utf8');
const HEADINGS = [...RUNBOOK.matchAll(/^## (.+)$/gm)].map((match) => match[1]);
/** Headings before those of the alarms. */
const BEFORE_THE_ALARMS = ['Where to start', 'By symptom', 'Changed by hand'];
/** Headings of rows that only an environment that watches mailbox providers has. */
const PROVIDERS = ['complaints-at-provider', 'bounces-at-provider', 'policy-at-provider'];

const PAGE = { Ref: 'TopicsPage76C97084' };
const TICKET = { Ref: 'TopicsTicket85AFFA83' };
const attribute = (id: string, name: string) => ({ 'Fn::GetAtt': [id, name] });

interface ExpectedMetric {
  metric: unknown[];
  dimensions: object;
}

interface ExpectedAlarm extends Partial<ExpectedMetric> {
  runbook: string;
  /** Where several alarms share a heading. */
  name?: string;
  topic: object;
  /** In place of the one metric. */
  expression?: string;
  of?: Record<string, ExpectedMetric>;
  above?: number[];
  below?: number[];
  missing?: string;
}

const own = (name: string, statistic: string, period: number, reason?: string): ExpectedMetric => ({
  metric: ['MailgunLedger', name, statistic, period],
  dimensions: { Ledger: 'mailgun-ledger-prod', ...(reason && { Reason: reason }) },
});
const access = (name: string, period: number): ExpectedMetric => ({
  metric: ['MailgunLedger/mailgun-ledger-prod', name, 'Sum', period],
  dimensions: {},
});
const queue = (id: string, name: string): ExpectedMetric => ({
  metric: ['AWS/SQS', name, 'Maximum', 60],
  dimensions: { QueueName: attribute(id, 'QueueName') },
});
const api = (name: string, statistic: string, period: number, Ref = 'WebhookApiHttpApi972241B7'): ExpectedMetric => ({
  metric: ['AWS/ApiGateway', name, statistic, period],
  dimensions: { ApiId: { Ref }, Stage: '$default' },
});
const READ_API = 'ReadApiHttpApi5E49EAA9';
const index = (name: string, indexName: string): ExpectedMetric => ({
  metric: ['AWS/DynamoDB', name, 'Sum', 300],
  dimensions: { TableName: { Ref: 'Table710B521B' }, GlobalSecondaryIndexName: indexName },
});
const errorsOf = (Ref: string, period: number): ExpectedMetric => ({
  metric: ['AWS/Lambda', 'Errors', 'Sum', period],
  dimensions: { FunctionName: { Ref } },
});
/** A queue whose alarm counts messages in flight too. */
const heldBy = (id: string) => ({
  expression: 'visible + hidden',
  of: {
    visible: queue(id, 'ApproximateNumberOfMessagesVisible'),
    hidden: queue(id, 'ApproximateNumberOfMessagesNotVisible'),
  },
});
const table = (name: string, operation?: string): ExpectedMetric => ({
  metric: ['AWS/DynamoDB', name, 'Sum', 300],
  dimensions: { TableName: { Ref: 'Table710B521B' }, ...(operation && { Operation: operation }) },
});

const ALARMS: ExpectedAlarm[] = [
  {
    runbook: 'webhook-errors',
    topic: PAGE,
    expression:
      'IF(FILL(unconfigured, 0) + FILL(keyless, 0) * (FILL(unset, 0) + FILL(unreadable, 0)) > 0, 0, FILL(errors, 0))',
    of: {
      errors: api('5xx', 'Sum', 300),
      unconfigured: own('Unconfigured', 'Sum', 300),
      keyless: own('SigningKeyUnusable', 'Sum', 300),
      unset: own('Refused', 'Sum', 300, 'signing-key-unset'),
      unreadable: own('Refused', 'Sum', 300, 'signing-key-unreadable'),
    },
    above: [0, 2, 3],
  },
  {
    runbook: 'unauthorized',
    topic: PAGE,
    expression: 'IF(FILL(acknowledged, 0) > 0, 0, FILL(unauthorized, 0))',
    of: {
      unauthorized: own('Refused', 'Sum', 300, 'unauthorized'),
      acknowledged: access('Acknowledged', 300),
    },
    above: [0, 3, 5],
  },
  { runbook: 'signing-key-unusable', topic: PAGE, ...own('SigningKeyUnusable', 'Sum', 300), above: [0, 2, 3] },
  { runbook: 'token-reused', topic: PAGE, ...own('Refused', 'Sum', 300, 'token-reused'), above: [0, 1, 1] },
  {
    runbook: 'webhooks-refused',
    topic: TICKET,
    expression: 'FILL(stale, 0) + FILL(foreign, 0)',
    of: { stale: own('Refused', 'Sum', 300, 'stale'), foreign: own('Refused', 'Sum', 300, 'foreign-domain') },
    above: [0, 1, 1],
  },
  {
    runbook: 'webhooks-forged',
    topic: TICKET,
    expression: 'FILL(unauthorized, 0) + FILL(body, 0) + FILL(shape, 0) + FILL(size, 0)',
    of: {
      unauthorized: own('Refused', 'Sum', 300, 'unauthorized'),
      body: own('Refused', 'Sum', 300, 'malformed-body'),
      shape: own('Refused', 'Sum', 300, 'malformed-webhook'),
      size: own('Refused', 'Sum', 300, 'body-too-large'),
    },
    above: [3000, 1, 1],
  },
  { runbook: 'webhooks-slow', topic: TICKET, ...api('Latency', 'p99', 60), above: [3000, 3, 5] },
  { runbook: 'webhooks-throttled', topic: TICKET, ...access('Throttled', 300), above: [0, 1, 1] },
  { runbook: 'dead-letters', topic: TICKET, ...heldBy('EventsDeadLetters8A90034E'), above: [0, 1, 1] },
  {
    runbook: 'oldest-message',
    topic: PAGE,
    ...queue('EventsQueue7396B467', 'ApproximateAgeOfOldestMessage'),
    above: [300, 3, 5],
  },
  {
    runbook: 'events-retried',
    topic: PAGE,
    expression: 'FILL(retried, 0)',
    of: { retried: own('Retried', 'Sum', 60) },
    above: [0, 8, 30],
  },
  { runbook: 'implausible-times', topic: TICKET, ...own('ImplausibleTime', 'Sum', 300), above: [0, 1, 1] },
  { runbook: 'process-errors', topic: TICKET, ...errorsOf('ProcessFunction4423FA37', 300), above: [0, 1, 1] },
  {
    runbook: 'table-throttled',
    topic: TICKET,
    expression:
      'FILL(reads, 0) + FILL(writes, 0) + FILL(byRecipientReads, 0) + FILL(byRecipientWrites, 0) + FILL(byDayReads, 0) + FILL(byDayWrites, 0)',
    of: {
      reads: table('ReadThrottleEvents'),
      writes: table('WriteThrottleEvents'),
      byRecipientReads: index('ReadThrottleEvents', 'byRecipient'),
      byRecipientWrites: index('WriteThrottleEvents', 'byRecipient'),
      byDayReads: index('ReadThrottleEvents', 'byDay'),
      byDayWrites: index('WriteThrottleEvents', 'byDay'),
    },
    above: [0, 2, 3],
  },
  {
    runbook: 'table-errors',
    topic: TICKET,
    expression:
      'FILL(putItem, 0) + FILL(updateItem, 0) + FILL(deleteItem, 0) + FILL(getItem, 0) + FILL(batchGetItem, 0) + FILL(query, 0)',
    of: {
      putItem: table('SystemErrors', 'PutItem'),
      updateItem: table('SystemErrors', 'UpdateItem'),
      deleteItem: table('SystemErrors', 'DeleteItem'),
      getItem: table('SystemErrors', 'GetItem'),
      batchGetItem: table('SystemErrors', 'BatchGetItem'),
      query: table('SystemErrors', 'Query'),
    },
    above: [0, 2, 3],
  },
  {
    runbook: 'reconcile-stopped',
    topic: PAGE,
    ...own('ReconcileRun', 'Sum', 1800),
    below: [1, 2, 2],
    missing: 'breaching',
  },
  {
    runbook: 'api-key-unusable',
    topic: PAGE,
    ...own('ApiKeyUsable', 'Sum', 1800),
    below: [1, 1, 1],
    missing: 'ignore',
  },
  {
    runbook: 'watermark-too-old',
    topic: PAGE,
    ...own('WatermarkAgeSeconds', 'Maximum', 1800),
    above: [43_200, 1, 1],
    missing: 'ignore',
  },
  { runbook: 'lost-webhooks', topic: PAGE, ...own('LostWebhooks', 'Sum', 300), above: [0, 1, 1], missing: 'ignore' },
  { runbook: 'silence', topic: PAGE, ...own('SilentEvents', 'Sum', 1800), above: [2, 2, 2], missing: 'ignore' },
  {
    runbook: 'webhook-drift',
    topic: TICKET,
    ...own('WebhookDrift', 'Maximum', 3600),
    above: [0, 1, 2],
    missing: 'ignore',
  },
  {
    runbook: 'domain-drift',
    topic: TICKET,
    ...own('DomainDrift', 'Maximum', 3600),
    above: [0, 1, 2],
    missing: 'ignore',
  },
  {
    runbook: 'webhooks-not-arriving',
    topic: TICKET,
    expression: 'failed - FILL(refused, 0) - FILL(errors, 0)',
    of: {
      failed: own('FailedWebhooks', 'Minimum', 32_400),
      refused: api('4xx', 'Sum', 32_400),
      errors: api('5xx', 'Sum', 32_400),
    },
    above: [0, 1, 1],
    missing: 'ignore',
  },
  {
    runbook: 'webhooks-redacted',
    topic: TICKET,
    ...own('RedactedDomains', 'Maximum', 3600),
    above: [0, 1, 2],
    missing: 'ignore',
  },
  {
    runbook: 'listing-api-ends',
    topic: TICKET,
    ...own('ListingEnd', 'Maximum', 1800),
    above: [0, 1, 1],
    missing: 'ignore',
  },
  {
    runbook: 'open-slice',
    topic: TICKET,
    ...own('OpenSliceAgeSeconds', 'Maximum', 1800),
    above: [29_700, 1, 1],
    missing: 'ignore',
  },
  { runbook: 'stuck', topic: PAGE, ...own('Stuck', 'Maximum', 1800), above: [0, 1, 1], missing: 'ignore' },
  {
    runbook: 'unconfirmed',
    topic: PAGE,
    ...own('Unconfirmed', 'Maximum', 300),
    above: [0, 1, 1],
    missing: 'ignore',
  },
  { runbook: 'read-api-errors', topic: TICKET, ...api('5xx', 'Sum', 300, READ_API), above: [0, 2, 3] },
  { runbook: 'read-api-slow', topic: TICKET, ...api('Latency', 'p99', 60, READ_API), above: [5000, 3, 5] },
  {
    runbook: 'bounces',
    topic: TICKET,
    expression:
      'IF(FILL(delivered, 0) + FILL(bounced, 0) >= 200, 100 * FILL(bounced, 0) / (FILL(delivered, 0) + FILL(bounced, 0)), 0)',
    of: { delivered: own('Delivered', 'Sum', 3600), bounced: own('Bounced', 'Sum', 3600) },
    above: [5, 1, 1],
  },
  {
    runbook: 'complaints',
    topic: TICKET,
    expression: 'IF(FILL(delivered, 0) >= 200, 100 * FILL(complained, 0) / FILL(delivered, 0), 0)',
    of: { delivered: own('Delivered', 'Sum', 3600), complained: own('Complained', 'Sum', 3600) },
    above: [0.1, 1, 1],
  },
];

/** Those of publish, deliver, seal and notify. */
const OPTIONAL_ALARMS: ExpectedAlarm[] = [
  {
    runbook: 'publish-lag',
    topic: TICKET,
    metric: ['AWS/Lambda', 'IteratorAge', 'Maximum', 300],
    dimensions: { FunctionName: { Ref: whole.idOf('AWS::Lambda::Function', 'PublishFunction') } },
    above: [21_600_000, 1, 1],
  },
  { runbook: 'publish-failures', topic: TICKET, ...heldBy('PublishFailures0AB56559'), above: [0, 1, 1] },
  {
    runbook: 'receiver-disabled',
    topic: PAGE,
    // CloudWatch passes over hours without a value otherwise, and the alarm outlasts its cause by two more.
    expression: 'FILL(disabled, 0)',
    of: { disabled: own('ReceiverDisabled', 'Sum', 3600) },
    above: [0, 1, 1],
  },
  {
    runbook: 'deliver-errors',
    topic: PAGE,
    expression: 'FILL(crashes, 0) + FILL(failed, 0)',
    of: {
      crashes: errorsOf(whole.idOf('AWS::Lambda::Function', 'DeliverFunction'), 300),
      failed: own('DeliverFailed', 'Sum', 300),
    },
    above: [0, 3, 4],
  },
  ...['crm', 'audit'].map((name) => ({
    runbook: 'deliveries-dead',
    name: `deliveries-dead-${name}`,
    topic: TICKET,
    ...heldBy(whole.idOf('AWS::SQS::Queue', `Deliver${name}DeadLetters`)),
    above: [0, 1, 1],
  })),
  {
    runbook: 'seal-behind',
    topic: TICKET,
    ...own('SealWaitSeconds', 'Maximum', 1800),
    above: [21_600, 2, 2],
    missing: 'breaching',
  },
  {
    runbook: 'notify-errors',
    topic: PAGE,
    ...errorsOf(whole.idOf('AWS::Lambda::Function', 'NotifyFunction'), 3600),
    above: [0, 1, 1],
  },
];

const alarmsOf = (stack: Synthesized) => stack.ofType('AWS::CloudWatch::Alarm').map(({ Properties }) => Properties);
const nameOf = (runbook: string) => `mailgun-ledger-prod-${runbook}`;

test.each([
  ['has exactly the expected alarms', prod, ALARMS],
  ['with every part that has alarms of its own has theirs too', whole, [...ALARMS, ...OPTIONAL_ALARMS]],
])('the template %s', (_, stack, expected) => {
  const names = alarmsOf(stack).map(({ AlarmName }) => AlarmName);

  expect(names.toSorted()).toEqual(expected.map(({ runbook, name }) => nameOf(name ?? runbook)).toSorted());
});

test('dev has the same alarms as prod', () => {
  const watched = (stack: Synthesized) =>
    alarmsOf(stack).map(({ MetricName, Metrics, Threshold }) => [MetricName ?? Metrics[0].Expression, Threshold]);

  expect(watched(dev)).toEqual(watched(prod));
});

describe.each([...ALARMS, ...OPTIONAL_ALARMS])('$runbook', (row) => {
  const { runbook, name = runbook, topic, metric, dimensions, expression, of, above, below, missing } = row;
  const alarm = alarmsOf(whole).find(({ AlarmName }) => AlarmName === nameOf(name));
  const text = alarm?.AlarmDescription;

  test('watches its metric', () => {
    if (expression !== undefined) {
      const [first, ...others] = alarm.Metrics;
      expect([first.Expression, first.ReturnData]).toEqual([expression, true]);
      expect(Object.fromEntries(others.map(readEntry))).toEqual(of);
    } else {
      const statistic = alarm.Statistic ?? alarm.ExtendedStatistic;
      expect([alarm.Namespace, alarm.MetricName, statistic, alarm.Period]).toEqual(metric);
      expect(dimensionsOf(alarm)).toEqual(dimensions);
    }
  });

  test('fires at its limit, in its number of periods', () => {
    expect(alarm.ComparisonOperator).toBe(below ? 'LessThanThreshold' : 'GreaterThanThreshold');
    expect([alarm.Threshold, alarm.DatapointsToAlarm, alarm.EvaluationPeriods]).toEqual(below ?? above);
  });

  test('notifies the topic of its severity when it starts and when it ends', () => {
    expect(alarm.AlarmActions).toEqual([topic]);
    expect(alarm.OKActions).toEqual([topic]);
  });

  test('is off without data, unless missing data is the fault or is reported as unjudged', () => {
    expect(alarm.TreatMissingData).toBe(missing ?? 'notBreaching');
  });

  test('states impact, runbook link and first command within 1,024 characters', () => {
    const commands =
      /(status|doctor|unconfirmed|dlq list|receivers list|webhooks check|keys status|logs (ingest|process|reconcile|publish|deliver|seal|notify|read-api|webhook-access|read-access) .+)/;
    const first = new RegExp(`\nFirst: npm run ledger -- ${commands.source} --env prod$`);

    expect(text).toMatch(
      /^\S.*\.\nImpact: \S.*\.\n(Explains: \S.*\.\n)?When OK: \S.*\.\nRunbook: docs\/runbook\.md#[\w-]+\n/,
    );
    expect(text).toMatch(first);
    expect(text.length).toBeLessThan(1024);
  });

  test('has a runbook heading with Means, Check, Fix and the same first command', () => {
    const anchor = /Runbook: \S+#([\w-]+)/.exec(text)?.[1];

    expect(anchor).toBe(runbook);
    expectAllParts(runbook, `${/First: npm run ledger -- (.+) --env prod$/.exec(text)?.[1]}\n`);
  });
});

test('every heading of the runbook belongs to an alarm', () => {
  const anchors = new Set([...[...ALARMS, ...OPTIONAL_ALARMS].map(({ runbook }) => runbook), ...PROVIDERS]);
  const before = BEFORE_THE_ALARMS.length;

  expect(HEADINGS.slice(0, before)).toEqual(BEFORE_THE_ALARMS);
  expect(HEADINGS.slice(before).toSorted()).toEqual([...anchors].toSorted());
});

test('an alarm explains other alarms of the stack, and never one that explains it', () => {
  const explains = new Map(
    alarmsOf(whole).map(({ AlarmName, AlarmDescription }) => [
      AlarmName.replace(nameOf(''), ''),
      parseAlarmDescription(AlarmDescription)?.explains ?? [],
    ]),
  );
  const pairs = [...explains].flatMap(([cause, others]) => others.map((other) => [cause, other] as const));

  expect(pairs.length).toBeGreaterThan(20);
  expect(pairs.filter(([, other]) => !explains.has(other))).toEqual([]);
  expect(pairs.filter(([cause, other]) => explains.get(other)?.includes(cause))).toEqual([]);
});

test('the runbook lists exactly the pairs of alarms whose texts explain one another', () => {
  const start = RUNBOOK.slice(RUNBOOK.indexOf('## Where to start'), RUNBOOK.indexOf('## By symptom'));
  const cells = [...start.matchAll(/^\| (.+?) \|/gm)].map(([, cell = '']) => cell);
  const namesIn = (text = '') =>
    text.match(/\b[a-z]+(?:-[a-z]+)+\b|\b(?:unauthorized|silence|stuck|unconfirmed)\b/g) ?? [];
  const inTable = cells.flatMap((cell) => {
    const [effects, causes] = cell.replace(/\(#.*?\)/g, '').split(/ with |, before or after /);
    return namesIn(causes).flatMap((cause) => namesIn(effects).map((effect) => `${cause} explains ${effect}`));
  });
  const inTexts = alarmsOf(whole).flatMap(({ AlarmName, AlarmDescription }) =>
    (parseAlarmDescription(AlarmDescription)?.explains ?? []).map(
      (other) => `${AlarmName.replace(nameOf(''), '')} explains ${other}`,
    ),
  );

  expect(inTable.toSorted()).toEqual(inTexts.toSorted());
});

test('every link within the runbook leads to one of its headings', () => {
  const anchors = new Set(HEADINGS.map((heading) => heading?.toLowerCase().replaceAll(' ', '-')));
  const linked = [...RUNBOOK.matchAll(/\]\(#([\w-]+)\)/g)].map((match) => match[1]);

  expect(linked.length).toBeGreaterThan(20);
  expect(linked.filter((anchor) => !anchors.has(anchor))).toEqual([]);
});

describe('an environment that watches mailbox providers', () => {
  const alarms = alarmsOf(new Synthesized('prod', { alarms: { providers: ['gmail', 'outlook'] } }));
  const added = alarms.filter(({ AlarmName }) => AlarmName.includes('-at-'));

  test('opens tickets of each provider for complaints, bounces and refusals by policy', () => {
    const watched = added.map((alarm) => {
      const { AlarmName, MetricName, Statistic, Period, Threshold, TreatMissingData, AlarmActions } = alarm;
      expect([AlarmActions, TreatMissingData, alarm.EvaluationPeriods]).toEqual([[TICKET], 'ignore', 1]);
      return [AlarmName.replace(nameOf(''), ''), MetricName, dimensionsOf(alarm), Statistic, Period, Threshold];
    });
    const row = (share: string, metric: string, limit: number) => (provider: string) => [
      ...[`${share}-at-${provider}`, metric, { Ledger: 'mailgun-ledger-prod', Provider: provider }],
      ...['Maximum', 3600, limit],
    ];
    const rows = [
      row('complaints', 'ProviderComplaintPercent', 0.3),
      row('bounces', 'ProviderBouncePercent', 5),
      row('policy', 'ProviderPolicyPercent', 1),
    ];

    expect(watched).toEqual(['gmail', 'outlook'].flatMap((provider) => rows.map((of) => of(provider))));
  });

  test.each([
    { share: 'complaints', counts: (parts: number) => ({ delivered: 10_000, complained: parts }), limit: 30 },
    { share: 'bounces', counts: (parts: number) => ({ delivered: 1000 - parts, permanent_fail: parts }), limit: 50 },
  ] as const)(
    'goes off for $share from where status and dashboard call them over the limit',
    ({ share, counts, limit }) => {
      const { ComparisonOperator, Threshold } = added.find((alarm) => alarm.AlarmName.endsWith(`${share}-at-gmail`))!;
      for (const parts of [limit - 1, limit, limit + 1]) {
        const { part, whole, standing } = providerStanding({ counts: counts(parts), policy: {} })[share];
        const percent = (100 * part) / whole;
        const isOn = ComparisonOperator === 'GreaterThanThreshold' ? percent > Threshold : percent >= Threshold;
        expect({ parts, isOn, standing }).toEqual({
          parts,
          isOn: parts >= limit,
          standing: parts >= limit ? 'over' : 'high',
        });
      }
    },
  );

  test('goes off above a limit of 0, which every share reaches', () => {
    const limits = { providerPolicyPercent: 0 };
    const operators = alarmsOf(new Synthesized('prod', { alarms: { providers: ['gmail'], limits } }))
      .filter(({ AlarmName }) => AlarmName.includes('-at-'))
      .map(({ ComparisonOperator, Threshold }) => [ComparisonOperator, Threshold]);

    expect(operators).toEqual([
      ['GreaterThanOrEqualToThreshold', 0.3],
      ['GreaterThanOrEqualToThreshold', 5],
      ['GreaterThanThreshold', 0],
    ]);
  });

  test('lets reconcile judge the same providers from the same number of messages on', () => {
    const environmentOf = (overlay?: object) => new Synthesized('prod', overlay).variablesOf('Reconcile');
    const limits = { leastSentToProvider: 50 };

    expect(environmentOf({ alarms: { providers: ['yahoo'], limits } })).toMatchObject({
      WATCHED_PROVIDERS: 'yahoo',
      MIN_JUDGED_MAILS: '50',
    });
    expect(environmentOf({ alarms: { providers: ['yahoo'] } })).toMatchObject({ MIN_JUDGED_MAILS: '1000' });
    expect(environmentOf()).not.toHaveProperty('WATCHED_PROVIDERS');
  });

  test('names the provider in the text of its alarm, and links to the shared heading', () => {
    const texts = added.map(({ AlarmDescription }) => AlarmDescription as string);

    expect(
      texts.filter((text) => text.includes('Gmail') && /#[a-z]+-at-provider\nFirst: .* status --env prod$/.test(text)),
    ).toHaveLength(3);
    expect(texts.filter((text) => text.includes('Microsoft'))).toHaveLength(3);
  });

  test.each(PROVIDERS)('has a runbook heading with Means, Check and Fix for %s', (heading) =>
    expectAllParts(heading, 'status\n'),
  );
});

test('limits of alarms, including durations, come from the configuration', () => {
  const limits = {
    oldestMessageSeconds: 5,
    watermarkAgeSeconds: 60,
    openSliceSeconds: 70,
    runPeriodSeconds: 120,
    bouncePercent: 2.5,
    leastSent: 10,
  };
  const alarms = alarmsOf(new Synthesized('dev', { alarms: { limits } }));
  const alarmOf = (runbook: string) => alarms.find(({ AlarmName }) => AlarmName === `mailgun-ledger-dev-${runbook}`);

  expect(alarmOf('oldest-message').Threshold).toBe(5);
  expect([alarmOf('watermark-too-old').Threshold, alarmOf('watermark-too-old').Period]).toEqual([60, 120]);
  expect([alarmOf('open-slice').Threshold, alarmOf('reconcile-stopped').Period]).toEqual([70, 120]);
  expect(alarmOf('bounces').Threshold).toBe(2.5);
  expect(alarmOf('complaints').Metrics[0].Expression).toContain('>= 10,');
});

describe('the topics', () => {
  test.each([
    ['Page', PAGE, 'on-call@mailgun-ledger.internal'],
    ['Ticket', TICKET, 'mail-team@mailgun-ledger.internal'],
  ])('%s lets only CloudWatch of this account publish, over TLS, and subscribes the address', (id, ref, address) => {
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

  test('are not encrypted with a key that CloudWatch cannot use', () => {
    expect(prod.ofType('AWS::SNS::Topic').map(({ Properties }) => Properties?.KmsMasterKeyId)).toEqual([
      undefined,
      undefined,
    ]);
  });

  test('deliver to a URL over HTTPS', () => {
    const stack = new Synthesized('dev', { alarms: { page: ['https://pager.example.com/hook'] } });

    expect(stack.ofType('AWS::SNS::Subscription').map(({ Properties }) => Properties)).toEqual([
      { Protocol: 'https', Endpoint: 'https://pager.example.com/hook', TopicArn: PAGE },
    ]);
  });
});

interface NameAndValue {
  Name: string;
  Value: unknown;
}

const dimensionsOf = ({ Dimensions = [] }: { Dimensions?: NameAndValue[] }) =>
  Object.fromEntries(Dimensions.map(({ Name, Value }) => [Name, Value]));

interface Entry {
  Id: string;
  MetricStat: {
    Metric: { Namespace: string; MetricName: string; Dimensions?: NameAndValue[] };
    Stat: string;
    Period: number;
  };
}

function readEntry({ Id, MetricStat: { Metric, Stat, Period } }: Entry): [string, ExpectedMetric] {
  return [Id, { metric: [Metric.Namespace, Metric.MetricName, Stat, Period], dimensions: dimensionsOf(Metric) }];
}

function expectAllParts(heading: string, first = ''): void {
  const section = RUNBOOK.split(/^## /m).find((part) => part.startsWith(`${heading}\n`)) ?? '';
  const parts = [...section.matchAll(/^\*\*(Means|Check|Fix)\b/gm)].map((match) => match[1]);

  expect(parts).toEqual(['Means', 'Check', 'Fix']);
  // The first command is the one in Check, as printed.
  expect(section.slice(section.indexOf('**Check'), section.indexOf('**Fix'))).toContain(
    `\`\`\`sh\nnpm run ledger -- ${first}`,
  );
}

test('the alarms are created after the schedule of reconcile', () => {
  const [scheduleId] = Object.entries(prod.resources).find(([, { Type }]) => Type === 'AWS::Scheduler::Schedule') ?? [];
  expect(scheduleId).toBeDefined();
  for (const { DependsOn } of prod.ofType('AWS::CloudWatch::Alarm')) expect(DependsOn).toContain(scheduleId);
});
