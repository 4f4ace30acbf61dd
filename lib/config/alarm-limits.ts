import { z } from 'zod';
import { type JudgedShare, MIN_JUDGED_MAILS, SHARE_LIMITS } from '../../lambdas/domain/recipients/provider-limits.ts';
import { DERIVED_DEFAULTS } from './derived-defaults.ts';
import { fields, group, wholeNumber } from './field.ts';

export const LIMIT_CONSTRAINT = 'a number from 0 to 1000000000';

const limit = (standard: number, description: string) =>
  z.number().min(0).max(1e9).default(standard).register(fields, { constraint: LIMIT_CONSTRAINT, description });

const percentOf = (share: JudgedShare) => 100 * SHARE_LIMITS[share].limit;

/** Returns the schema of a limit that is derived from other keys by default. */
const derivedLimit = (derived: string, description: string, example: number) =>
  z
    .number()
    .min(0)
    .max(1e9)
    .optional()
    .register(fields, { constraint: LIMIT_CONSTRAINT, derived, description, example });

/** An alarm goes off above its limit, where its description says no other. */
export const alarmLimits = group({
  webhookErrors: limit(0, 'webhook-errors: 5xx responses in 5 minutes.'),
  unauthorized: limit(0, 'unauthorized: webhooks that no key verifies in 5 minutes, while none is verified.'),
  tokenReused: limit(0, 'token-reused: webhooks whose token carried another event, in 5 minutes.'),
  webhooksRefused: limit(0, 'webhooks-refused: verified webhooks that are stale or of a foreign domain, in 5 minutes.'),
  forgedWebhooks: limit(
    3000,
    'webhooks-forged: posts that no key verifies, that are malformed or too large, in 5 minutes.',
  ),
  webhookLatencyMs: limit(3000, 'webhooks-slow: 99th percentile of the response time, in milliseconds.'),
  throttled: limit(0, 'webhooks-throttled: 429 responses in 5 minutes.'),
  signingKeyUnusable: limit(
    0,
    'signing-key-unusable: webhooks refused for lack of a key, and failed reads of it, in 5 minutes.',
  ),
  oldestMessageSeconds: limit(300, 'oldest-message: how long an event waits to be stored.'),
  eventsRetried: limit(0, 'events-retried: failed attempts in a minute.'),
  deadLetters: limit(0, 'dead-letters: events in the dead-letter queue.'),
  implausibleTimes: limit(0, 'implausible-times: events dated later than they were received, in 5 minutes.'),
  processErrors: limit(0, 'process-errors: crashes and timeouts in 5 minutes.'),
  tableThrottled: limit(0, 'table-throttled: throttled reads and writes in 5 minutes.'),
  tableErrors: limit(0, 'table-errors: internal errors of DynamoDB in 5 minutes.'),
  watermarkAgeSeconds: derivedLimit(
    DERIVED_DEFAULTS.watermarkAgeSeconds,
    'watermark-too-old: age of the watermark.',
    43_200,
  ),
  lostWebhooks: limit(0, 'lost-webhooks: webhooks found lost in 5 minutes.'),
  openSliceSeconds: derivedLimit(
    DERIVED_DEFAULTS.openSliceSeconds,
    'open-slice: how long something is missing.',
    29_700,
  ),
  stuck: limit(0, 'stuck: missing events that are no longer requeued.'),
  unconfirmed: limit(0, 'unconfirmed: stored events that Mailgun does not list, until they are accepted.'),
  silentEvents: limit(2, 'silence: events that Mailgun lists of a time from which no webhook was verified.'),
  apiKeyUnusable: wholeNumber(
    1,
    1000,
    1,
    'api-key-unusable: goes off where fewer runs than this had a usable key, of two in a row.',
  ),
  webhookDrift: limit(0, 'webhook-drift: differences between the webhooks at Mailgun and this stack.'),
  domainDrift: limit(0, 'domain-drift: domains that only Mailgun has, or only the ledger.'),
  redactedDomains: limit(0, 'webhooks-redacted: domains whose webhooks Mailgun redacts.'),
  failedWebhooks: limit(
    0,
    'webhooks-not-arriving: webhooks of 6 hours that Mailgun counts as failed for 9 hours on end, less the errors here.',
  ),
  listingEnd: limit(
    0,
    'listing-api-ends: 1 where Mailgun has announced the end of the API that the ledger lists by, 2 once it is gone.',
  ),
  readApiErrors: limit(0, 'read-api-errors: 5xx responses in 5 minutes.'),
  readApiLatencyMs: limit(5000, 'read-api-slow: 99th percentile of the response time, in milliseconds.'),
  bouncePercent: limit(5, 'bounces: failures per hundred attempted deliveries, in an hour.'),
  complaintPercent: limit(0.1, 'complaints: complaints per hundred deliveries, in an hour.'),
  leastSent: limit(200, 'bounces and complaints: not judged in an hour with fewer mails.'),
  providerComplaintPercent: limit(
    percentOf('complaints'),
    'complaints-at-provider: complaints per hundred deliveries, in 7 days; goes off at the limit already.',
  ),
  providerBouncePercent: limit(
    percentOf('bounces'),
    'bounces-at-provider: failures per hundred attempted deliveries, in 7 days; goes off at the limit already.',
  ),
  providerPolicyPercent: limit(
    percentOf('policy'),
    'policy-at-provider: refusals by policy per hundred attempted deliveries, in 7 days; goes off at the limit already.',
  ),
  leastSentToProvider: wholeNumber(
    1,
    1_000_000,
    MIN_JUDGED_MAILS,
    'Alarms at providers: not judged with fewer mails in 7 days.',
  ),
  publishLagSeconds: limit(21_600, 'publish-lag: how far publishing is behind.'),
  publishFailures: limit(0, 'publish-failures: changes that could not be published.'),
  receiverDisabled: limit(0, 'receiver-disabled: messages received for disabled receivers in an hour.'),
  deliverErrors: limit(0, 'deliver-errors: crashes, timeouts and deliveries that cannot be worked on, in 5 minutes.'),
  deliveriesDead: limit(0, 'deliveries-dead: deliveries in the DLQ of a receiver.'),
  notifyErrors: limit(0, 'notify-errors: attempts to bring a notice that failed, in an hour.'),
  sealBehindSeconds: limit(21_600, 'seal-behind: how long a slice that could be sealed has waited.'),
  runPeriodSeconds: z.int().min(60).max(43_200).multipleOf(60).optional().register(fields, {
    constraint: 'a whole number of minutes from 60 to 43200 seconds',
    derived: DERIVED_DEFAULTS.runPeriodSeconds,
    description: 'Period of the alarms on what runs of reconcile report; that of webhook-drift is twice as long.',
    example: 1800,
  }),
});
