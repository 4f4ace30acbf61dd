// What the read API answers, as far as the page shows it.

/** Events by type. */
export type Counts = Readonly<Record<string, number>>;

/** What the ledger's functions say of themselves; null is what they cannot know. */
export interface Health {
  /** The stack's name. */
  readonly ledger: string;
  readonly domains: readonly string[];
  /** Events on their way to the table. */
  readonly queue: number | null;
  readonly deadLetters: number | null;
  /** Names of the alarms that ring. */
  readonly alarms: readonly string[] | null;
}

/** Times in epoch seconds. */
export interface LedgerSlice {
  readonly domain: string;
  readonly start: number;
  readonly end: number;
  readonly state: 'due' | 'open' | 'settled' | 'unlisted';
  readonly expected: Counts;
  readonly stored: Counts;
  readonly missing: Counts;
  readonly recovered: Counts;
  readonly unconfirmed: Counts;
  /** Stored, and brought by reconciliation because no webhook can or is registered to. */
  readonly polled?: Counts;
  readonly passes: number;
}

export interface Ledger {
  readonly slices: readonly LedgerSlice[];
  readonly totals: {
    readonly expected: number;
    readonly stored: number;
    readonly unaccounted: number;
    readonly unconfirmed: number;
    /** Slices that wait to be judged. */
    readonly due: number;
  };
  readonly completeness: 'complete' | 'incomplete' | 'unknown';
}

export interface StatsBucket {
  /** ISO 8601. */
  readonly hour: string;
  readonly domain: string;
  /** `""` untagged, `*` all. */
  readonly tag: string;
  readonly counts: Counts;
  readonly open: boolean;
}

export interface Stats {
  readonly buckets: readonly StatsBucket[];
}

export type Status = 'ACCEPTED' | 'DEFERRED' | 'DELIVERED' | 'FAILED' | 'COMPLAINED';

export interface RecipientOutcome {
  readonly recipient: string;
  readonly status: Status | null;
  readonly reason: string | null;
  /** Epoch seconds. */
  readonly statusAt: number;
  /** Key of the event that decided. */
  readonly decidedBy: string;
  readonly source: string | null;
  readonly opens: number;
  readonly clicks: number;
  readonly machineOpens: number;
  readonly machineClicks: number;
  readonly unsubscribed: boolean;
}

/** Whatever Mailgun sent: nothing of it is trusted to have a type. */
export interface LedgerEvent {
  readonly key: string;
  readonly event: string;
  readonly name: string;
  readonly recipient: string | null;
  readonly messageId?: string | null;
  /** Epoch seconds. */
  readonly timestamp: number;
  /** ISO 8601. */
  readonly receivedAt: string;
  readonly source: string;
  readonly severity: unknown;
  readonly reason: unknown;
  readonly tags: unknown;
  readonly userVariables: unknown;
  readonly deliveryStatus: unknown;
  readonly url: unknown;
}

export interface Message {
  readonly messageId: string;
  readonly recipients: readonly RecipientOutcome[];
  readonly events: readonly LedgerEvent[];
  readonly next: string | null;
}

export interface RecipientMessages {
  readonly recipient: string;
  readonly messages: readonly {
    readonly messageId: string;
    readonly status: Status | null;
    readonly statusAt: number;
  }[];
  readonly next: string | null;
}

export interface EventPage {
  readonly events: readonly LedgerEvent[];
  readonly next: string | null;
}

export interface Suppressions {
  readonly recipient: string;
  readonly suppressed: boolean;
  readonly suppressions: readonly {
    readonly domain: string;
    readonly kind: string;
    readonly scope: string;
    readonly reason: string | null;
    /** ISO 8601. */
    readonly since: string;
    /** Of the latest event; it holds again where that is later than the lift. */
    readonly lastAt: string;
    readonly eventKey: string;
    readonly liftedAt: string | null;
  }[];
}
