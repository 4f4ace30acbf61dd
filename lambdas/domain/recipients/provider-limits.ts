import { DAY_SECONDS } from '../../contract.ts';

// Limits of large mailbox providers for a sender, as shares of its mail. Functions, command line and page use it;
// alarms do unless a deployment sets others (`lib/config/alarm-limits.ts`).

/** Over how many full days, besides today, shares are judged; a weekly mailing is never left out. */
const JUDGED_DAYS = 7;
/** The same in words, for alarms, page and command line alike. */
export const JUDGED_TIME = `last ${JUDGED_DAYS} days (UTC) and today`;

/** Returns the start, in epoch seconds, of the first day that is judged. */
export function judgedFrom(nowMs: number): number {
  return (Math.floor(nowMs / 1000 / DAY_SECONDS) - JUDGED_DAYS) * DAY_SECONDS;
}

/** Below this number a share means nothing: a single report would make it high. */
export const MIN_JUDGED_MAILS = 1000;

/** The providers that publish what they expect of senders, as counts call them. */
export const WATCHED_PROVIDERS = { gmail: 'Gmail', yahoo: 'Yahoo', outlook: 'Microsoft' } as const;
export type WatchedProvider = keyof typeof WATCHED_PROVIDERS;
export const ALL_PROVIDERS = Object.keys(WATCHED_PROVIDERS) as WatchedProvider[];

interface ShareLimits {
  /** A sender in good standing stays below it. */
  readonly aim: number;
  /** From here on the provider holds mail back. */
  readonly limit: number;
  /** The providers that publish both limits; a limit without a provider is ours. */
  readonly publishers: readonly WatchedProvider[];
}

/**
 * Complaints: published by Gmail and Yahoo (https://support.google.com/a/answer/81126 and
 * https://senders.yahooinc.com/best-practices/); Microsoft publishes no limit, so theirs applies. Bounces and policy
 * rejections (`5.7.x`, such as Microsoft's 550 5.7.515 for unauthenticated mail): no provider publishes a limit, so
 * these are ours: Mailgun stops senders at 5 % bounces, and policy rejections should not occur at all.
 */
export const SHARE_LIMITS: Readonly<Record<JudgedShare, ShareLimits>> = {
  complaints: { aim: 0.001, limit: 0.003, publishers: ['gmail', 'yahoo'] },
  bounces: { aim: 0.02, limit: 0.05, publishers: [] },
  policy: { aim: 0.001, limit: 0.01, publishers: [] },
};
export type JudgedShare = 'complaints' | 'bounces' | 'policy';
export const JUDGED_SHARES = Object.keys(SHARE_LIMITS) as JudgedShare[];

/**
 * Where a share is over a limit: `at` it already, since Gmail and Yahoo want shares below theirs; a limit of 0, which
 * every share reaches, only `above`. The alarms compare by the same.
 */
export const overFrom = (limit: number): 'at' | 'above' => (limit > 0 ? 'at' : 'above');

const isOver = (share: number, limit: number) => (overFrom(limit) === 'at' ? share >= limit : share > limit);

/** Each share in words: the counted events, and the total. */
export const SHARE_WORDS: Readonly<Record<JudgedShare, string>> = {
  complaints: 'spam reports / delivered',
  bounces: 'failed permanently / ended',
  policy: 'refused by policy (5.7.x) / ended',
};

/** `few`: too few mails to judge. */
export type Standing = 'few' | 'good' | 'high' | 'over';

/** Returns the same in words, with the line that is crossed: `over the limit of Gmail, 0.3 %`. */
export function standingText(standing: Standing, share: JudgedShare, provider: string): string {
  if (standing === 'few') return 'too few to judge';
  if (standing === 'good') return 'good';
  const { aim, limit, publishers } = SHARE_LIMITS[share];
  const own = publishers.filter((each) => each === provider);
  const whose = (own.length > 0 ? own : publishers).map((each) => WATCHED_PROVIDERS[each]).join(' and ');
  const line = (name: string) => (whose === '' ? `our ${name}` : `the ${name} of ${whose}`);
  return standing === 'over'
    ? `over ${line('limit')}, ${percentText(limit)}`
    : `above ${line('aim')}, ${percentText(aim)}`;
}

/** Returns a line that shares are judged by, such as `0.3 %`. */
export const percentText = (share: number): string => `${Number((100 * share).toFixed(2))} %`;

interface ProviderShare {
  readonly part: number;
  readonly whole: number;
  readonly standing: Standing;
}

export type ProviderStanding = Readonly<Record<JudgedShare, ProviderShare>>;

/** Counts by event type, as those by mailbox provider have them, and those of policy rejections by code. */
export interface ProviderCounts {
  readonly counts: Readonly<Record<string, number>>;
  readonly policy: Readonly<Record<string, number>>;
}

/** Returns a sender's standing at one provider, judged from this number of mails on. */
export function providerStanding({ counts, policy }: ProviderCounts, minMails = MIN_JUDGED_MAILS): ProviderStanding {
  const delivered = counts.delivered ?? 0;
  const failed = counts.permanent_fail ?? 0;
  const refused = Object.values(policy).reduce((sum, count) => sum + count, 0);
  return {
    complaints: judged('complaints', counts.complained ?? 0, delivered, minMails),
    bounces: judged('bounces', failed, delivered + failed, minMails),
    policy: judged('policy', refused, delivered + failed, minMails),
  };
}

function judged(share: JudgedShare, part: number, whole: number, minMails: number): ProviderShare {
  const { aim, limit } = SHARE_LIMITS[share];
  const value = part / whole;
  const standing = whole < minMails ? 'few' : isOver(value, limit) ? 'over' : isOver(value, aim) ? 'high' : 'good';
  return { part, whole, standing };
}
