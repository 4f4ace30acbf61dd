// Everything that is known per type of event. Imports nothing: stack, functions, command line and page read it.

export type Status = 'ACCEPTED' | 'DEFERRED' | 'DELIVERED' | 'FAILED' | 'COMPLAINED';
export const SUPPRESSION_KINDS = ['bounce', 'complaint', 'unsubscribe'] as const;
export type SuppressionKind = (typeof SUPPRESSION_KINDS)[number];

/** One event type. A failure has two rows, by severity, like Mailgun's webhooks. */
export interface EventType {
  /** Mailgun's name of the event. */
  readonly event: string;
  /** True if Mailgun posts it, to the webhook whose id is the name of the row. */
  readonly hasWebhook: boolean;
  /** True if Mailgun posts it again after a failed attempt. */
  readonly isRetried: boolean;
  /** The event of the highest precedence decides the status of a message and recipient; 0 decides nothing. */
  readonly precedence: number;
  readonly status: Status | null;
  /**
   * True if a status is mostly decided already when such an event arrives: opens and clicks follow a delivery. Then
   * process reads the status first, since DynamoDB bills a failed condition like a write.
   */
  readonly rarelyChangesStatus: boolean;
  /** Name in a message's history. */
  readonly historyName: string;
  /** True if passes compare its content, not only its name: that costs a read, and most types decide only one fact. */
  readonly isComparedInFull: boolean;
  /** The suppression that follows; that of a failure depends on its code as well (`suppression.ts`). */
  readonly suppression: SuppressionKind | null;
  /** True if it has its own partition in the day index; all others share one. */
  readonly isIndexed: boolean;
  /** The metric that counts it, by its name in the contract, where Mailgun tried to deliver (`outcome-metrics.ts`). */
  readonly metric: 'delivered' | 'bounced' | 'complained' | null;
  /** The event in words that need no manual. */
  readonly words: string;
  /** The same as a noun. */
  readonly noun: string;
}

const PLAIN = {
  isRetried: true,
  rarelyChangesStatus: false,
  isComparedInFull: false,
  suppression: null,
  isIndexed: true,
  metric: null,
} as const;
const BY_READER = {
  ...PLAIN,
  hasWebhook: true,
  precedence: 25,
  status: 'DELIVERED',
  rarelyChangesStatus: true,
} as const;

export const EVENT_TYPES = {
  accepted: {
    ...PLAIN,
    event: 'accepted',
    hasWebhook: true,
    precedence: 10,
    status: 'ACCEPTED',
    historyName: 'EMAIL_ACCEPTED',
    words: 'accepted by Mailgun for sending',
    noun: 'an acceptance',
  },
  delivered: {
    ...PLAIN,
    event: 'delivered',
    hasWebhook: true,
    isRetried: false,
    precedence: 30,
    status: 'DELIVERED',
    historyName: 'EMAIL_DELIVERED',
    metric: 'delivered',
    words: "taken by the recipient's mail server",
    noun: 'a delivery',
  },
  // An open or a click implies the delivery, and yields to the delivery itself.
  opened: { ...BY_READER, event: 'opened', historyName: 'EMAIL_OPENED', words: 'opened', noun: 'an open' },
  clicked: {
    ...BY_READER,
    event: 'clicked',
    historyName: 'EMAIL_CLICKED',
    words: 'a link was clicked',
    noun: 'a click',
  },
  unsubscribed: {
    ...PLAIN,
    event: 'unsubscribed',
    hasWebhook: true,
    precedence: 0,
    status: null,
    rarelyChangesStatus: true,
    isComparedInFull: true,
    historyName: 'EMAIL_UNSUBSCRIBED',
    suppression: 'unsubscribe',
    words: 'the recipient unsubscribed',
    noun: 'an unsubscribe',
  },
  complained: {
    ...PLAIN,
    event: 'complained',
    hasWebhook: true,
    precedence: 50,
    status: 'COMPLAINED',
    historyName: 'EMAIL_COMPLAINED',
    suppression: 'complaint',
    metric: 'complained',
    words: 'the recipient reported it as spam',
    noun: 'a spam report',
  },
  permanent_fail: {
    ...PLAIN,
    event: 'failed',
    hasWebhook: true,
    precedence: 40,
    status: 'FAILED',
    isComparedInFull: true,
    historyName: 'EMAIL_FAILED',
    suppression: 'bounce',
    metric: 'bounced',
    words: 'failed permanently',
    noun: 'a permanent failure',
  },
  temporary_fail: {
    ...PLAIN,
    event: 'failed',
    hasWebhook: true,
    precedence: 20,
    status: 'DEFERRED',
    isComparedInFull: true,
    historyName: 'EMAIL_TEMP_FAILED',
    words: 'not delivered yet, Mailgun tries again',
    noun: 'a temporary failure',
  },
  rejected: {
    ...PLAIN,
    event: 'rejected',
    hasWebhook: false,
    precedence: 40,
    status: 'FAILED',
    isComparedInFull: true,
    historyName: 'EMAIL_REJECTED',
    words: 'refused by Mailgun before sending',
    noun: 'a rejection',
  },
  stored: {
    ...PLAIN,
    event: 'stored',
    hasWebhook: false,
    precedence: 0,
    status: null,
    rarelyChangesStatus: true,
    historyName: 'EMAIL_OTHER',
    words: 'stored by Mailgun',
    noun: 'a stored message',
  },
} as const satisfies Record<string, EventType>;

type EventTypeId = keyof typeof EVENT_TYPES;

/** The row of every event type that has none. */
export const OTHER_EVENT: EventType = {
  ...PLAIN,
  event: 'other',
  hasWebhook: false,
  precedence: 0,
  status: null,
  rarelyChangesStatus: true,
  historyName: 'EMAIL_OTHER',
  isIndexed: false,
  words: 'another event',
  noun: 'another event',
};

const ROWS: readonly (readonly [EventTypeId, EventType])[] = Object.entries(EVENT_TYPES) as [EventTypeId, EventType][];

/** Ids of the event types that Mailgun posts to a webhook. */
type WebhookType = {
  [Id in EventTypeId]: (typeof EVENT_TYPES)[Id]['hasWebhook'] extends true ? Id : never;
}[EventTypeId];
export const WEBHOOK_TYPES = ROWS.filter(([, { hasWebhook }]) => hasWebhook).map(([id]) => id) as [
  WebhookType,
  ...WebhookType[],
];

/** Names of Mailgun's events, each once. */
export const EVENT_NAMES: readonly string[] = namesOf(() => true);

/** Every status, the one that any other overrides first. */
export const STATUSES: readonly Status[] = [
  ...new Set(
    ROWS.map(([, type]) => type)
      .toSorted((a, b) => a.precedence - b.precedence)
      .flatMap(({ status }) => status ?? []),
  ),
];

/** Statuses of mail that Mailgun may still deliver. */
const PENDING: readonly Status[] = ['ACCEPTED', 'DEFERRED'];

const STATUSES_BY_FILTER = new Map<string, readonly Status[]>([
  ...STATUSES.map((status) => [status.toLowerCase(), [status]] as const),
  ['pending', PENDING],
]);

/** What mail can be filtered by: each status in lower case, and `pending`, which is accepted or deferred. */
export const STATUS_FILTERS: readonly string[] = [...STATUSES_BY_FILTER.keys()];

/** Returns whether a status fits a filter; every one fits where there is none. */
export function fitsStatus(filter: string | undefined, status: Status | null): boolean {
  return filter === undefined || (status !== null && (STATUSES_BY_FILTER.get(filter)?.includes(status) ?? false));
}

/** Events with a partition of their own in the index by day; a closed set, so that a reader can visit them all. */
export const INDEXED_NAMES: readonly string[] = namesOf(({ isIndexed }) => isIndexed).sort();

/** Events from which a suppression may follow. */
export const SUPPRESSING_NAMES: readonly string[] = namesOf(({ suppression }) => suppression !== null);

/** Names of events whose content passes compare. */
export const NAMES_COMPARED_IN_FULL: readonly string[] = namesOf(({ isComparedInFull }) => isComparedInFull);

/** Severities of a failure, by the type it makes. */
const FAILURES: Readonly<Record<string, EventTypeId>> = { permanent: 'permanent_fail', temporary: 'temporary_fail' };

/** Returns the distinct names of the rows that satisfy the predicate. */
function namesOf(isIncluded: (type: EventType) => boolean): string[] {
  return [...new Set(ROWS.filter(([, type]) => isIncluded(type)).map(([, { event }]) => event))];
}

/**
 * Returns the ids of the types that an event may be of: several for a failure whose severity is unknown, none for an
 * event without a row.
 */
export function typeIdsOf(name: string, severity: string | undefined): EventTypeId[] {
  const rows = ROWS.filter(([, { event }]) => event === name).map(([id]) => id);
  if (rows.length < 2) return rows;
  const known = severity !== undefined && Object.hasOwn(FAILURES, severity) ? FAILURES[severity] : undefined;
  return known === undefined ? rows : [known];
}

/** Returns the row of an event. A failure of unknown severity is temporary: it must not condemn an address. */
export function eventTypeOf(name: string, severity: string | undefined): EventType {
  const id = typeIdsOf(name, severity).at(-1);
  return id === undefined ? OTHER_EVENT : EVENT_TYPES[id];
}
