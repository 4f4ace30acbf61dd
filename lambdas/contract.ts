// Names, limits and times that both the stack (synth time) and the functions (run time) need.
// Imports nothing, because it is bundled into every function.

export const HOUR_SECONDS = 3600;
export const HOUR_MS = 3_600_000;
export const DAY_SECONDS = 86_400;
export const DAY_MS = 86_400_000;

/** Keys and TTL attribute of the one table. All keys are strings. */
export const TABLE = { partitionKey: 'pk', sortKey: 'sk', expiry: 'expiresAt' } as const;

/** On statuses and suppressions whose last change came from the archive: it is not published. */
export const RESTORED_ATTRIBUTE = 'restored';

/** Both indexes project keys only, and their keys are written once: an index write is billed like a table write. */
export const INDEXES = {
  /**
   * On status items: every message of a recipient. On suppression items: those of a domain and kind. `recipientAt` is a
   * number, epoch milliseconds.
   */
  byRecipient: { name: 'byRecipient', partitionKey: 'recipientKey', sortKey: 'recipientAt' },
  /** On event items: `<domain>#<UTC day>#<type>` by time. `at` is a number, epoch milliseconds. */
  byDay: { name: 'byDay', partitionKey: 'dayKey', sortKey: 'at' },
} as const;

export const ROUTES = { webhook: '/webhooks/mailgun', read: '/mailgun' } as const;

/** Metrics are written as CloudWatch embedded metric format lines under one namespace and one dimension. */
export const METRICS = {
  namespace: 'MailgunLedger',
  /** Value: the stack's name, so that several environments of one account stay apart. */
  dimension: 'Ledger',
  /** Second dimension of `refused`: the reason in the response. */
  reasonDimension: 'Reason',
  refused: 'Refused',
  /** Webhooks refused because no signing key was ever set, which wakes no one. */
  unconfigured: 'Unconfigured',
  /** Webhooks refused for lack of a signing key, although some were acknowledged before; failed reads of a key in use. */
  signingKeyUnusable: 'SigningKeyUnusable',
  /** Written by a run of reconcile where there is a ledger: 1 if Mailgun accepted the API key, 0 if it was not usable. */
  apiKeyUsable: 'ApiKeyUsable',
  /** Events stored for the first time: delivered, given up after a try, complained of. */
  delivered: 'Delivered',
  bounced: 'Bounced',
  complained: 'Complained',
  deadLettered: 'DeadLettered',
  /** Events dated later than they were received. */
  implausibleTime: 'ImplausibleTime',
  retried: 'Retried',
  /** One for every completed run of reconcile, configured or not. */
  reconcileRun: 'ReconcileRun',
  watermarkAge: 'WatermarkAgeSeconds',
  lostWebhooks: 'LostWebhooks',
  openSlices: 'OpenSlices',
  openSliceAge: 'OpenSliceAgeSeconds',
  stuck: 'Stuck',
  /** Gauge of events that Mailgun does not list, or lists otherwise, and that no one has accepted. */
  unconfirmed: 'Unconfirmed',
  /** Events that webhooks should have brought, in slices for which no webhook arrived. */
  silentEvents: 'SilentEvents',
  /** Number of differences between the registered webhooks and those this stack needs; written about once an hour. */
  webhookDrift: 'WebhookDrift',
  /** Domains that only Mailgun has, or only the ledger; written about once an hour. */
  domainDrift: 'DomainDrift',
  /** Domains whose webhooks Mailgun redacts; written about once an hour. */
  redactedDomains: 'RedactedDomains',
  /** Webhooks of the last hours that Mailgun counts as failed; written about once an hour. */
  failedWebhooks: 'FailedWebhooks',
  /** State of the listing API's end: 1 announced, 2 gone. */
  listingEnd: 'ListingEnd',
  /** Messages that deliver could not work on, and that come back, by receiver. */
  deliverFailed: 'DeliverFailed',
  /** Written by every message that waits because its receiver is disabled, by receiver. */
  receiverDisabled: 'ReceiverDisabled',
} as const;

/** Apart from the others, so that no other function carries it: how long the oldest slice waits, written by every run. */
export const SEAL_METRICS = { wait: 'SealWaitSeconds' } as const;

/** Apart from the others likewise: shares of the mail to a provider in percent, one series per provider. */
export const PROVIDER_METRICS = {
  dimension: 'Provider',
  complaints: 'ProviderComplaintPercent',
  bounces: 'ProviderBouncePercent',
  policy: 'ProviderPolicyPercent',
} as const;

/**
 * Counted by metric filters on the webhook API's access log, so that an acknowledged webhook costs no line.
 * A filter cannot give a fixed dimension: the name space `<METRICS.namespace>/<stack>` keeps environments apart.
 */
export const ACCESS_METRICS = { acknowledged: 'Acknowledged', throttled: 'Throttled' } as const;

/** Log lines that the operator's commands look for. */
export const MESSAGES = {
  refused: 'webhook refused',
  /** Begins with `refused`, so that a search for that finds this too. */
  refusedUnlogged: 'webhook refused, many in one line',
  verifiedByAnotherKey: 'webhook verified by another key',
  verifiedByCurrentKey: 'webhooks verified by the current key',
  altered: 'event stored otherwise than Mailgun lists it',
  notPublished: 'changes not published yet',
  listingFell: 'Mailgun has ended its Events API; the ledger lists by the Logs API from now on',
  listingEnds: 'Mailgun announces the end of the API that the ledger lists by',
} as const;

/** A sending domain and the Mailgun region that holds it. */
export interface SendingDomain {
  name: string;
  region: 'us' | 'eu';
}

/** In place of sending domains: all that Mailgun lists. */
export const ACCOUNT_DOMAINS = 'account' as const;

/** The longest published schedule of Mailgun's retries: 10, 10, 15, 30 min, 1, 2, 4 h. */
export const MAILGUN_RETRY_HORIZON_SECONDS = 29_100;

/** A signature is valid if its timestamp is at most this old … */
export const SIGNATURE_WINDOW_SECONDS = 24 * 3600;
/** … or at most this far ahead of our clock. */
export const SIGNATURE_AHEAD_SECONDS = 600;

/** A timestamp further ahead of the receipt than this is not the time of the event: no event is of a later time. */
export const MAX_AHEAD_MS = 600_000;
/** A claim outlives the last moment at which its signature is valid. */
export const CLAIM_MARGIN_SECONDS = 3600;

/** Maximum size of a webhook's body, in bytes. */
export const MAX_BODY_BYTES = 262_144;

/** Maximum size of a message body in the queue: SQS allows 1 MiB, attributes of a DLQ message included. */
export const MAX_QUEUE_MESSAGE_BYTES = 1_048_576 - 8192;

/** The wait of a message that keeps failing grows up to this many visibility timeouts of the queue. */
export const MAX_RETRY_VISIBILITIES = 5;

/** Slices divide the hour, so that they add up to hours, and none is longer. */
export const MAX_SLICE_SECONDS = 3600;

/** More shards of the day index would make each list and each slice read that many times the partitions of a day. */
export const MAX_DAY_SHARDS = 32;

/** Returns the age of a slice at its second pass: half of Mailgun's retention, at most a day. */
export function secondPassSeconds(retentionSeconds: number): number {
  return Math.min(24 * 3600, Math.floor(retentionSeconds / 2));
}

/** Attributes of messages that process sends to the DLQ; SQS adds none to those that it moves there itself. */
export const DEAD_LETTER_ATTRIBUTES = { reason: 'reason', detail: 'detail' } as const;

/** Value the signing-key secret is deployed with: it names no key, so nothing can verify against it. */
export const UNSET_SIGNING_KEYS = '{"unset":"put {\\"current\\":\\"<HTTP webhook signing key>\\"} here"}';

/** Value the API-key secret is deployed with: reconciliation is off until a key is put there. */
export const UNSET_API_KEY = '{"unset":"put {\\"apiKey\\":\\"<Mailgun API key that may read events>\\"} here"}';

/** The secret of notify before anyone has put the services that are notified. */
export const NO_TARGETS = '[]';

/** Name of the ledger for events whose sending domain is unknown. */
export const UNKNOWN_DOMAIN = '-';
