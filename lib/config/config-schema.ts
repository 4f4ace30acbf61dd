import { RetentionDays } from 'aws-cdk-lib/aws-logs';
import { z } from 'zod';
import { ACCOUNT_DOMAINS } from '../../lambdas/contract.ts';
import { WEBHOOK_TYPES } from '../../lambdas/domain/event-types.ts';
import { ALL_PROVIDERS } from '../../lambdas/domain/recipients/provider-limits.ts';
import { alarmLimits } from './alarm-limits.ts';
import { dayShardsList } from './day-shards.ts';
import { DERIVED_DEFAULTS } from './derived-defaults.ts';
import { distinct, fields, flag, group, wholeNumber } from './field.ts';
import {
  EVENT_BUS,
  hostName,
  isAlarmAddress,
  isExactOrigin,
  isIssuer,
  isPlainOrigin,
  LOG_DESTINATION,
  TAG_KEY,
  TAG_VALUE,
} from './formats.ts';
import { deliveryChoice, receiverList } from './receivers.ts';
import { tableChoice } from './table-choice.ts';

const LOG_DAYS = Object.values(RetentionDays).filter((days) => typeof days === 'number' && days < 9999) as number[];

const addresses = (description: string) =>
  distinct(z.string().refine(isAlarmAddress))
    .default([])
    .register(fields, {
      constraint: 'a list',
      elementConstraint: 'an email address or an https URL',
      description,
      example: ['oncall@example.com', 'https://events.example.net/integration/abc/enqueue'],
    });

const throttle = (ratePerSecond: number, burst: number, what: string) =>
  group({
    ratePerSecond: wholeNumber(1, 100_000, ratePerSecond, `${what} a second before the gateway returns 429.`),
    burst: wholeNumber(1, 50_000, burst, `${what} at once before the gateway returns 429.`),
  });

const reservedExecutions = (description: string) =>
  z.int().min(1).max(10_000).optional().register(fields, {
    constraint: 'a whole number from 1 to 10000',
    description,
    example: 100,
  });

const domainName = (what: string, region: string, target: string) => ({
  name: hostName().register(fields, {
    constraint: 'a host name',
    description: `Host name of the ${what}.`,
    example: 'hooks.example.com',
  }),
  certificateArn: z
    .string()
    .regex(/^arn:aws[a-z-]*:acm:[a-z0-9-]+:\d{12}:certificate\/[0-9a-f-]+$/)
    .register(fields, {
      constraint: 'the ARN of an ACM certificate',
      description: `Its certificate, in ${region}. A CNAME to the output ${target} makes it live.`,
      example: 'arn:aws:acm:eu-west-1:333333333333:certificate/1f0c9a52-8f3e-4a44-9d55-0a6f5a2f7c11',
    }),
});

const customDomain = (what: string) =>
  z
    .strictObject({
      ...domainName(what, 'the region of the stack', '`WebhookDomainTarget` or `ApiDomainTarget`'),
      exclusive: flag(
        false,
        "Switches the gateway's own host name off, so that nothing goes around what guards this one; only once no one uses that name.",
      ),
    })
    .optional();

/** Schema of one environment of cdk.json: every deploy-time setting. */
export const environmentSchema = z.strictObject({
  account: z
    .string()
    .regex(/^\d{12}$/)
    .optional()
    .register(fields, {
      constraint: 'a string of 12 digits',
      description: 'The only AWS account it may be deployed to. Required in prod.',
      example: '333333333333',
    }),
  region: z
    .string()
    .regex(/^[a-z]{2}(-[a-z]+)+-\d$/)
    .register(fields, {
      constraint: 'an AWS region',
      description: 'The AWS region it is deployed to.',
      example: 'eu-west-1',
    }),
  bootstrapQualifier: z
    .string()
    .regex(/^[a-z0-9]{1,10}$/)
    .optional()
    .register(fields, {
      constraint: '1 to 10 lower-case letters or digits',
      description: "The qualifier of `cdk bootstrap --qualifier`, where the account's bootstrap has one of its own.",
      example: 'mail',
    }),
  domains: z
    .union([
      distinct(
        z.strictObject({
          name: hostName().register(fields, {
            constraint: 'a host name',
            description: 'A sending domain at Mailgun.',
            example: 'mg.example.com',
          }),
          region: z.enum(['us', 'eu']).register(fields, {
            constraint: '"us" or "eu"',
            description: 'The Mailgun region that holds the domain.',
            example: 'us',
          }),
        }),
        (domain) => (domain as { name?: unknown } | null)?.name,
      ).min(1),
      z.literal(ACCOUNT_DOMAINS),
    ])
    .register(fields, {
      constraint: '"account" or a list of at least one',
      elementConstraint: 'an object {name, region}',
      description:
        'The sending domains whose events are accepted; "account": all active ones that Mailgun lists to the API key and no other environment names, looked at hourly, without a deploy for each.',
      example: [{ name: 'mg.example.com', region: 'us' }],
    }),
  eventTypes: distinct(z.enum(WEBHOOK_TYPES))
    .min(1)
    .default([...WEBHOOK_TYPES])
    .register(fields, {
      constraint: 'a list of at least one',
      elementConstraint: `one of ${WEBHOOK_TYPES.join(', ')}`,
      description: 'The webhook types to register at Mailgun.',
      example: ['delivered', 'permanent_fail'],
    }),
  alarms: group({
    page: addresses('Notified when people are hurt now: wakes the on-call engineer.'),
    ticket: addresses('Notified of what can wait until morning.'),
    runbookUrl: z.string().min(1).max(200).default('docs/runbook.md').register(fields, {
      constraint: 'where docs/runbook.md can be read, without #anchor',
      description: 'Linked in the text of every alarm.',
      example: 'https://git.example.com/mail/mailgun-ledger/blob/main/docs/runbook.md',
    }),
    notify: flag(
      false,
      'Brings alarms to Slack, Microsoft Teams, PagerDuty and Opsgenie, as a secret of the stack names them ([operations](../operate.md#alarms-in-chat-and-on-call)).',
    ),
    monthlyDollars: z.int().min(1).max(1_000_000).optional().register(fields, {
      constraint: 'a whole number from 1 to 1000000',
      description:
        'Budget of the whole AWS account: `ticket` is notified at 80 % of it, or when the forecast exceeds it.',
      example: 50,
    }),
    // None by default: nine alarms cost $3.60 a month, and most environments send too little to be judged.
    providers: distinct(z.enum(ALL_PROVIDERS))
      .default([])
      .register(fields, {
        constraint: 'a list',
        elementConstraint: `one of ${ALL_PROVIDERS.join(', ')}`,
        description:
          'Mailbox providers with alarms of their own on the last 7 days: complaints, bounces and refusals by policy. Each costs about $1.20 a month.',
        example: [...ALL_PROVIDERS],
      }),
    limits: alarmLimits,
  }),
  origins: distinct(z.string().refine(isExactOrigin))
    .default([])
    .register(fields, {
      constraint: 'a list',
      elementConstraint: 'an exact origin https://host[:port], or http for localhost and 127.0.0.1; no "*", no path',
      description: 'Web pages that may read the API from a browser (CORS).',
      example: ['https://mail.example.com', 'http://localhost:5173'],
    }),
  readApi: group({
    credentials: flag(false, 'Lets the pages of `origins` send credentials (cookies). The API itself needs none.'),
    jwt: z
      .strictObject({
        issuer: z.string().refine(isIssuer).register(fields, {
          constraint: 'an https URL without query, exactly as in `iss`',
          description:
            'Clients present a JWT of this issuer instead of the generated token. Its keys are found by OpenID Connect discovery.',
          example: 'https://login.example.com/',
        }),
        audience: z.string().min(1).max(200).register(fields, {
          constraint: 'a text of 1 to 200 characters',
          description: 'Must be listed in `aud` of the JWT.',
          example: 'mailgun-ledger',
        }),
      })
      .optional(),
  }),
  retentionDays: group({
    events: z.int().min(1).max(3650).optional().register(fields, {
      constraint: 'a whole number from 1 to 3650',
      derived: DERIVED_DEFAULTS.eventDays,
      description: 'Days that the table keeps events, counted from receipt.',
      example: 90,
    }),
    statuses: wholeNumber(1, 3650, 400, 'Days that the table keeps statuses, counted from the first event.'),
    // Longer than SQS keeps a delivery, and so than any wait between two of its attempts.
    deliveries: wholeNumber(15, 400, 30, 'Days that the log keeps a delivery to a receiver after its last attempt.'),
    logs: z
      .int()
      .refine((days) => LOG_DAYS.includes(days))
      .default(30)
      .register(fields, {
        constraint: `one of ${LOG_DAYS.join(', ')}`,
        description:
          'Days that CloudWatch keeps the logs. Their class is always standard: [infrequent access](https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CloudWatch_Logs_Log_Classes.html) has no metric filters, embedded metrics, subscription filters and `FilterLogEvents`, on which alarms, `exportLogsTo` and `logs` rest ([costs](../scale.md#what-would-be-cheaper)).',
      }),
  }),
  throttle: group({
    webhook: throttle(1000, 2000, 'Webhooks'),
    read: throttle(50, 100, 'Reads'),
  }),
  executions: group({
    ingest: reservedExecutions(
      'Webhooks that ingest works on at a time; others get 503 meanwhile. It is taken out of what the account has, which must keep 100.',
    ),
    read: reservedExecutions('The same of the read API.'),
  }),
  table: tableChoice,
  webhookPathSegment: z
    .string()
    .regex(/^[A-Za-z0-9_-]{16,128}$/)
    .optional()
    .register(fields, {
      constraint: '16 to 128 letters, digits, "-" or "_"',
      description:
        'Makes the route `POST /webhooks/mailgun/<segment>`: keeps environments apart that share a Mailgun account, and so its signing key. Not a secret: template, outputs, logs and Mailgun show it.',
      example: 'mail-of-production',
    }),
  dashboard: group({
    enabled: flag(false, 'Serves the dashboard from a private bucket behind CloudFront; its origin may read the API.'),
  }),
  customDomain: group({
    webhook: customDomain('webhook API'),
    read: customDomain('read API'),
    dashboard: z
      .strictObject(domainName('dashboard, which then takes TLS 1.2 at least', 'us-east-1', '`DashboardDomainTarget`'))
      .optional(),
  }),
  tags: z
    .record(z.string().regex(TAG_KEY), z.string().regex(TAG_VALUE))
    .default({})
    .register(fields, {
      constraint: 'an object',
      elementConstraint:
        'a string of up to 256 letters, digits, spaces and + - = . _ : / @, under a key of 1 to 128 of them that does not start with "aws:"',
      description: 'Tags on every resource, besides `app`, `env` and `version`.',
      example: { team: 'mail' },
    }),
  keepLogs: flag(false, 'Logs survive the deletion of the stack, until they are as old as `retentionDays.logs`.'),
  exportLogsTo: z.string().regex(LOG_DESTINATION).optional().register(fields, {
    constraint: 'the ARN of a Firehose stream, or of a destination of CloudWatch Logs',
    description:
      'Every log line is sent on there, to be kept for years or searched elsewhere ([what it saves](../scale.md#what-would-be-cheaper)).',
    example: 'arn:aws:firehose:eu-west-1:333333333333:deliverystream/mail-logs',
  }),
  protectData: flag(
    true,
    'Table and secrets survive the deletion of the stack; table and stack are protected from deletion. Must be true in prod.',
  ),
  customerKey: flag(
    false,
    'Encrypts table, queues, secrets, logs, topics, buckets and the environments of functions under a KMS key of the account, for $1 a month and its requests ([operate](../operate.md#a-key-of-your-own)).',
  ),
  processing: group({
    timeoutSeconds: wholeNumber(1, 900, 30, 'Timeout of one batch.'),
    batchSize: wholeNumber(1, 10, 10, 'Events per invocation.'),
    batchingWindowSeconds: wholeNumber(0, 300, 1, 'Time to wait for a fuller batch.'),
    maxConcurrency: wholeNumber(
      2,
      1000,
      5,
      'Batches processed at a time. New accounts allow 10 concurrent executions in total.',
    ),
    outageHours: z.number().positive().max(48).default(9).register(fields, {
      constraint: 'a number of hours above 0 and at most 48',
      description:
        'How long the table may be down before a healthy event reaches the DLQ; at least 9 outside the local stack.',
    }),
  }),
  reconcile: group({
    source: z.enum(['events', 'logs']).default('events').register(fields, {
      constraint: '"events" or "logs"',
      description: 'Which Mailgun API is read: the Events API, or its successor, the Logs API.',
    }),
    everySeconds: wholeNumber(1, 3600, 900, 'Time between two runs; whole minutes outside the local stack.'),
    settleSeconds: wholeNumber(
      1,
      86_400,
      1800,
      'Settle time: how long after its end Mailgun has indexed a slice; at least 1800 outside the local stack.',
    ),
    sliceSeconds: wholeNumber(1, 3600, 900, 'Length of a slice of the ledger; must divide the hour.'),
    parallel: wholeNumber(
      1,
      64,
      8,
      "How many pages of Mailgun's listings are requested at once at most; fewer after a 429, and again more after quiet.",
    ),
    retentionSeconds: wholeNumber(
      60,
      31_536_000,
      86_400,
      'How long Mailgun keeps events on your plan. The second pass is at half of it, at most 24 h.',
    ),
    bounceClasses: flag(
      false,
      "Reads Mailgun's own classes of failures once a day, for the deliverability view; not every plan has them.",
    ),
    fromEpochSeconds: z.int().min(1_000_000_000).max(9_999_999_999).optional().register(fields, {
      constraint: 'a time in epoch seconds',
      description: "Where the ledgers start; without it, at each domain's first webhook.",
      example: 1_790_000_000,
    }),
    mailgunUrl: z.string().refine(isPlainOrigin).optional().register(fields, {
      constraint: 'an http or https URL without path or credentials',
      description: "Read instead of Mailgun's own API by the local stack: only an overlay may set it, never in prod.",
      example: 'http://127.0.0.1:4020',
    }),
  }),
  publish: group({
    enabled: flag(
      false,
      'Publishes every change of a status or suppression to an event bus ([publishing](../publishing.md)).',
    ),
    bus: z.string().regex(EVENT_BUS).default('default').register(fields, {
      constraint: 'the name or the ARN of an event bus that exists',
      description: 'The EventBridge bus it is published to.',
      example: 'mail',
    }),
    recipients: flag(false, 'Published events include the address of the recipient.'),
    retrySeconds: wholeNumber(
      1,
      79_200,
      43_200,
      'How long publishing a change is retried before it goes to the failure queue; the stream keeps it for 24 h.',
    ),
  }),
  receivers: receiverList,
  delivery: deliveryChoice,
  shards: dayShardsList,
  seal: group({
    enabled: flag(
      false,
      'Archives slices past their second pass as Parquet in a bucket, each with a manifest in a chain ([archive](../archive.md)).',
    ),
    sign: flag(true, 'Makes a key in KMS by which `prove` signs certificates.'),
    versioned: flag(false, 'The bucket keeps replaced objects as versions.'),
    lockDays: z.int().min(1).max(36_500).optional().register(fields, {
      constraint: 'a whole number from 1 to 36500',
      description: 'Days for which no object can be deleted (object lock, governance mode).',
      example: 365,
    }),
    coldAfterDays: z.int().min(30).max(36_500).optional().register(fields, {
      constraint: 'a whole number from 30 to 36500',
      description: 'Age in days at which events move to Glacier Instant Retrieval.',
      example: 180,
    }),
  }),
});

/** One parsed environment: defaults filled in, domains in lower case. */
export type EnvironmentConfig = z.output<typeof environmentSchema>;
export type AlarmLimits = EnvironmentConfig['alarms']['limits'];
