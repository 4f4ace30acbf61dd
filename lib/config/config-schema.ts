import { RetentionDays } from 'aws-cdk-lib/aws-logs';
import { z } from 'zod';
import { WEBHOOK_TYPES } from '../../lambdas/contract.ts';

/** What a person needs to know of one key; error lines and docs/generated/configuration.md are both made of it. */
export interface Knob {
  /** Completes "must be …". */
  readonly right: string;
  /** The same of one element, for lists and tags. */
  readonly each?: string;
  readonly means: string;
  readonly example?: unknown;
  /** Its value is never printed. */
  readonly secret?: true;
}

const knobs = z.registry<Knob>();

function knob<T extends z.ZodType>(schema: T, about: Knob): T {
  knobs.add(schema, about);
  return schema;
}

/** What is known of a schema; undefined for one that is not a key of its own. */
export function knobOf(schema: z.ZodType): Knob | undefined {
  const knob = knobs.get(schema);
  return knob?.each ? { ...knob, right: `${knob.right}, each ${knob.each}` } : knob;
}

/** The schema inside defaults and optionals. */
export function unwrap(schema: z.ZodType): z.ZodType {
  let inner = schema;
  while (inner instanceof z.ZodOptional || inner instanceof z.ZodDefault || inner instanceof z.ZodPrefault) {
    inner = inner.unwrap() as z.ZodType;
  }
  return inner;
}

const HOST_LABEL = '[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?';
const HOST_NAME = new RegExp(`^(?=.{1,253}$)(${HOST_LABEL}\\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])$`);
const hostName = () => z.string().toLowerCase().regex(HOST_NAME);

const EMAIL = /^[^@\s]+@([^@\s]+)$/;
const isAlarmAddress = (text: string) => {
  const host = EMAIL.exec(text)?.[1];
  return host === undefined
    ? URL.canParse(text) && new URL(text).protocol === 'https:'
    : HOST_NAME.test(host.toLowerCase());
};

const LOCAL_HOSTS = ['localhost', '127.0.0.1'];
const isExactOrigin = (text: string) => {
  if (!URL.canParse(text)) return false;
  const url = new URL(text);
  const secure = url.protocol === 'https:' || (url.protocol === 'http:' && LOCAL_HOSTS.includes(url.hostname));
  return secure && url.origin === text && !text.includes('*');
};

const isIssuer = (text: string) => {
  if (!URL.canParse(text)) return false;
  const { protocol, hostname, search, hash, username } = new URL(text);
  const secure = protocol === 'https:' || (protocol === 'http:' && LOCAL_HOSTS.includes(hostname));
  return secure && !search && !hash && !username && text.length <= 500;
};

const isPlainOrigin = (text: string) =>
  URL.canParse(text) && /^https?:$/.test(new URL(text).protocol) && new URL(text).origin === text.replace(/\/$/, '');

const EVENT_BUS = /^(arn:aws[a-z-]*:events:[a-z0-9-]+:\d{12}:event-bus\/)?[A-Za-z0-9._/-]{1,256}$/;

const LOG_DAYS = Object.values(RetentionDays).filter((days) => typeof days === 'number' && days < 9999) as number[];

const wholeNumber = (from: number, to: number, standard: number, means: string) =>
  knob(z.int().min(from).max(to).default(standard), { right: `a whole number from ${from} to ${to}`, means });

const addresses = (means: string) =>
  knob(distinct(z.string().refine(isAlarmAddress)).default([]), {
    right: 'a list',
    each: 'an email address or an https URL',
    means,
    example: ['oncall@example.com', 'https://events.example.net/integration/abc/enqueue'],
  });

const throttle = (ratePerSecond: number, burst: number, what: string) =>
  group({
    ratePerSecond: wholeNumber(1, 100_000, ratePerSecond, `${what} a second before the gateway answers 429.`),
    burst: wholeNumber(1, 50_000, burst, `${what} at once before the gateway answers 429.`),
  });

/** An object of knobs; all of them have defaults, so it may be left out as a whole. */
function group<T extends z.ZodRawShape>(shape: T) {
  return z.strictObject(shape).prefault({} as never);
}

const customDomain = (what: string) =>
  z
    .strictObject({
      name: knob(hostName(), {
        right: 'a host name',
        means: `Host name of the ${what}.`,
        example: 'hooks.example.com',
      }),
      certificateArn: knob(z.string().regex(/^arn:aws[a-z-]*:acm:[a-z0-9-]+:\d{12}:certificate\/[0-9a-f-]+$/), {
        right: 'the ARN of an ACM certificate',
        means:
          'Its certificate, in the region of the stack. A CNAME to the output `WebhookDomainTarget` or `ApiDomainTarget` makes it live.',
        example: 'arn:aws:acm:eu-west-1:333333333333:certificate/1f0c9a52-8f3e-4a44-9d55-0a6f5a2f7c11',
      }),
    })
    .optional();

/** A list in which nothing stands twice, judged even where single elements are wrong. */
function distinct<T extends z.ZodType>(element: T, nameOf = (value: unknown) => value) {
  const double = (list: unknown[]) => list.map(nameOf).find((name, index, names) => names.indexOf(name) !== index);
  return z.array(element).refine((list) => double(list) === undefined, {
    when: ({ value }) => Array.isArray(value),
    error: ({ input }) => `got "${double(input as unknown[])}" twice; must be listed once`,
  });
}

const limit = (standard: number, means: string) =>
  knob(z.number().min(0).max(1e9).default(standard), { right: 'a number from 0 to 1000000000', means });

const derivedLimit = (means: string, example: number) =>
  knob(z.number().min(0).max(1e9).optional(), { right: 'a number from 0 to 1000000000', means, example });

/** An alarm goes off above its limit. */
const ALARM_LIMITS = {
  webhookErrors: limit(0, 'webhook-errors: answers 5xx in 5 minutes.'),
  unauthorized: limit(0, 'unauthorized: webhooks that no key verifies in 5 minutes, while none is verified.'),
  tokenReused: limit(0, 'token-reused: webhooks whose token carried another event, in 5 minutes.'),
  webhooksRefused: limit(0, 'webhooks-refused: verified webhooks that are stale or of a foreign domain, in 5 minutes.'),
  webhookLatencyMs: limit(3000, 'webhooks-slow: 99th percentile of the time to an answer, in milliseconds.'),
  throttled: limit(0, 'webhooks-throttled: webhooks answered 429 in 5 minutes.'),
  signingKeyUnusable: limit(0, 'signing-key-unusable: webhooks refused for want of a key in 5 minutes.'),
  oldestMessageSeconds: limit(300, 'oldest-message: how long an event waits to be stored.'),
  eventsRetried: limit(0, 'events-retried: failed tries in 5 minutes.'),
  deadLetters: limit(0, 'dead-letters: events among the dead letters.'),
  processErrors: limit(0, 'process-errors: crashes and time-outs in 5 minutes.'),
  tableThrottled: limit(0, 'table-throttled: throttled reads and writes in 5 minutes.'),
  tableErrors: limit(0, 'table-errors: errors of DynamoDB itself in 5 minutes.'),
  cursorAgeSeconds: derivedLimit(
    'cursor-too-old: age of the ledger. Without it, half of `reconcile.retentionSeconds`.',
    43_200,
  ),
  lostWebhooks: limit(0, 'lost-webhooks: webhooks found lost in 5 minutes.'),
  openSliceSeconds: derivedLimit(
    'open-slice: how long something is missing. Without it, 33 times `reconcile.everySeconds`.',
    29_700,
  ),
  stuck: limit(0, 'stuck: events that are sent no more.'),
  unconfirmed: limit(0, 'unconfirmed: stored events that Mailgun does not list.'),
  silentEvents: limit(2, 'silence: events that Mailgun lists of a time of which no webhook was verified.'),
  apiKeyUnusable: limit(0, 'api-key-unusable: runs without a key in two periods between runs.'),
  webhookDrift: limit(0, 'webhook-drift: differences between the webhooks at Mailgun and this stack.'),
  bouncePercent: limit(5, 'bounces: failures per hundred deliveries tried, in an hour.'),
  complaintPercent: limit(0.1, 'complaints: complaints per hundred deliveries, in an hour.'),
  leastSent: limit(200, 'bounces and complaints: fewer mails in an hour say nothing.'),
  publishLagSeconds: limit(21_600, 'publish-lag: how far publishing is behind.'),
  publishFailures: limit(0, 'publish-failures: changes that could not be published.'),
  runPeriodSeconds: knob(z.int().min(60).max(43_200).multipleOf(60).optional(), {
    right: 'a whole number of minutes from 60 to 43200 seconds',
    means:
      'Period of the alarms on what runs of reconcile report; that of webhook-drift is twice as long. Without it, twice `reconcile.everySeconds`.',
    example: 1800,
  }),
};

/** One environment of cdk.json: every deploy-time knob. */
export const environmentSchema = z.strictObject({
  account: knob(
    z
      .string()
      .regex(/^\d{12}$/)
      .optional(),
    {
      right: 'a string of 12 digits',
      means: 'The only AWS account it may be deployed to. Required in prod.',
      example: '333333333333',
    },
  ),
  region: knob(z.string().regex(/^[a-z]{2}(-[a-z]+)+-\d$/), {
    right: 'an AWS region',
    means: 'The AWS region it is deployed to.',
    example: 'eu-west-1',
  }),
  domains: knob(
    distinct(
      z.strictObject({
        name: knob(hostName(), {
          right: 'a host name',
          means: 'A sending domain at Mailgun.',
          example: 'mg.example.com',
        }),
        region: knob(z.enum(['us', 'eu']), {
          right: '"us" or "eu"',
          means: 'The Mailgun region that holds the domain.',
          example: 'us',
        }),
      }),
      (domain) => (domain as { name?: unknown } | null)?.name,
    ).min(1),
    {
      right: 'a list of at least one',
      each: 'an object {name, region}',
      means: 'The sending domains whose events are taken.',
      example: [{ name: 'mg.example.com', region: 'us' }],
    },
  ),
  eventTypes: knob(
    distinct(z.enum(WEBHOOK_TYPES))
      .min(1)
      .default([...WEBHOOK_TYPES]),
    {
      right: 'a list of at least one',
      each: `one of ${WEBHOOK_TYPES.join(', ')}`,
      means: 'The webhook types to register at Mailgun.',
      example: ['delivered', 'permanent_fail'],
    },
  ),
  alarms: group({
    page: addresses('Who is woken: told when people are hurt now.'),
    ticket: addresses('Who is told of what can wait for the morning.'),
    runbookUrl: knob(z.string().min(1).max(200).default('docs/runbook.md'), {
      right: 'where docs/runbook.md can be read, without #anchor',
      means: 'Stands in the text of every alarm.',
      example: 'https://git.example.com/mail/mailgun-ledger/blob/main/docs/runbook.md',
    }),
    monthlyDollars: knob(z.int().min(1).max(1_000_000).optional(), {
      right: 'a whole number from 1 to 1000000',
      means: 'Budget of the whole AWS account: at 80 % of it, or bound for more, it tells `ticket`. None without it.',
      example: 50,
    }),
    limits: group(ALARM_LIMITS),
  }),
  origins: knob(distinct(z.string().refine(isExactOrigin)).default([]), {
    right: 'a list',
    each: 'an exact origin https://host[:port], or http for localhost and 127.0.0.1; no "*", no path',
    means: 'The web pages that may read the API from a browser (CORS).',
    example: ['https://mail.example.com', 'http://localhost:5173'],
  }),
  readApi: group({
    credentials: knob(z.boolean().default(false), {
      right: 'true or false',
      means: 'Lets the pages of `origins` read with credentials (cookies). The API itself needs none.',
    }),
    jwt: z
      .strictObject({
        issuer: knob(z.string().refine(isIssuer), {
          right: 'an https URL without query, as it stands in `iss`',
          means:
            'Readers show a JWT of this issuer in place of the generated token. Its keys are found by OpenID Connect discovery.',
          example: 'https://login.example.com/',
        }),
        audience: knob(z.string().min(1).max(200), {
          right: 'a text of 1 to 200 characters',
          means: 'What must be among `aud` of the JWT.',
          example: 'mailgun-ledger',
        }),
      })
      .optional(),
  }),
  retentionDays: group({
    events: wholeNumber(1, 3650, 400, 'Days that events and statuses are kept, counted from receipt.'),
    logs: knob(
      z
        .int()
        .refine((days) => LOG_DAYS.includes(days))
        .default(30),
      {
        right: `one of ${LOG_DAYS.join(', ')}`,
        means: 'Days that CloudWatch keeps the logs.',
      },
    ),
  }),
  throttle: group({
    webhook: throttle(1000, 2000, 'Webhooks'),
    read: throttle(50, 100, 'Reads'),
  }),
  webhookPathSecret: knob(
    z
      .string()
      .regex(/^[A-Za-z0-9_-]{16,128}$/)
      .optional(),
    {
      right: '16 to 128 letters, digits, "-" or "_"',
      means:
        'Makes the route `POST /webhooks/mailgun/<secret>`: environments of one Mailgun account share its signing key, and this keeps them apart.',
      example: 'choose-16-or-more',
      secret: true,
    },
  ),
  dashboard: group({
    enabled: knob(z.boolean().default(false), {
      right: 'true or false',
      means: 'Serves the dashboard from a private bucket behind CloudFront; its origin may read the API.',
    }),
  }),
  customDomain: group({ webhook: customDomain('webhook API'), read: customDomain('read API') }),
  tags: knob(z.record(z.string().regex(/^(?!aws:).{1,128}$/i), z.string().max(256)).default({}), {
    right: 'an object',
    each: 'a string of up to 256 characters under a key that does not start with "aws:"',
    means: 'Tags on everything, besides `app`, `env` and `version`.',
    example: { team: 'mail' },
  }),
  protectData: knob(z.boolean().default(true), {
    right: 'true or false',
    means: 'Table and secrets outlive the stack; table and stack cannot be deleted by mistake. Must be true in prod.',
  }),
  processing: group({
    timeoutSeconds: wholeNumber(1, 900, 30, 'Time that one batch may take.'),
    batchSize: wholeNumber(1, 10, 10, 'Events handed to one invocation.'),
    batchingWindowSeconds: wholeNumber(0, 300, 1, 'Time to wait for a fuller batch.'),
    maxConcurrency: wholeNumber(2, 1000, 5, 'Batches processed at a time. New accounts allow 10 executions in all.'),
    outageHours: knob(z.number().positive().max(48).default(9), {
      right: 'a number of hours above 0 and at most 48',
      means:
        'Time the table may be out without a healthy event reaching the dead letters; at least 9 outside the local stack.',
    }),
  }),
  reconcile: group({
    source: knob(z.enum(['events', 'logs']).default('events'), {
      right: '"events" or "logs"',
      means: "Which of Mailgun's APIs is read: the Events API, or the Logs API that is to replace it.",
    }),
    everySeconds: wholeNumber(1, 3600, 900, 'Time between two runs; whole minutes outside the local stack.'),
    settleSeconds: wholeNumber(
      1,
      86_400,
      1800,
      'Time after which Mailgun has indexed its events; at least 1800 outside the local stack.',
    ),
    sliceSeconds: wholeNumber(1, 3600, 900, 'Length of a slice of the ledger; it divides the hour.'),
    retentionSeconds: wholeNumber(
      60,
      31_536_000,
      86_400,
      'How long Mailgun keeps events, by its plan. The second pass is at half of it, or after 24 h.',
    ),
    fromEpochSeconds: knob(z.int().min(1_000_000_000).max(9_999_999_999).optional(), {
      right: 'a time in epoch seconds',
      means: "Where the ledgers start; without it, at each domain's first webhook.",
      example: 1_790_000_000,
    }),
    mailgunUrl: knob(z.string().refine(isPlainOrigin).optional(), {
      right: 'an http or https URL without path or credentials',
      means: "Read in place of Mailgun's own API, by the local stack: only an overlay may set it, never in prod.",
      example: 'http://127.0.0.1:4020',
    }),
  }),
  publish: group({
    enabled: knob(z.boolean().default(false), {
      right: 'true or false',
      means: 'Publishes every change of a status or suppression to an event bus ([publishing](../publishing.md)).',
    }),
    bus: knob(z.string().regex(EVENT_BUS).default('default'), {
      right: 'the name or the ARN of an event bus that exists',
      means: 'The EventBridge bus it is published to.',
      example: 'mail',
    }),
    recipients: knob(z.boolean().default(false), {
      right: 'true or false',
      means: 'Published events name the address they are about.',
    }),
    retrySeconds: wholeNumber(
      1,
      79_200,
      43_200,
      'How long a change is tried before it goes to the queue of failures; the stream keeps it for 24 h.',
    ),
  }),
});

/** One environment as parsed: defaults filled in, domains in lower case. */
export type EnvironmentConfig = z.output<typeof environmentSchema>;
export type AlarmLimits = EnvironmentConfig['alarms']['limits'];
