import type { SuppressionKind } from '../event-types.ts';

// Codes of Mailgun's own in place of a mail server's: it did not try, could not, or gave up.

/** Mailgun's suppression lists, by the code of mail that it does not send because the address is on one. */
const LISTS: Readonly<Record<number, SuppressionKind>> = { 605: 'bounce', 606: 'unsubscribe', 607: 'complaint' };
const TOO_OLD_CODE = 602;
/** The recipient's domain has no mail server. */
export const NO_MX_CODE = 498;
const NO_CONNECTION_CODE = 499;

/** What Mailgun's own reason and code say; the reason decides which list, since it names one. */
export interface OwnFacts {
  /** The suppression list that the address is on, so that nothing was sent; `unknown` for one that we have no kind for. */
  suppressionList: SuppressionKind | 'unknown' | undefined;
  /** True if Mailgun tried for too long. */
  isTooOld: boolean;
  /** True if it reached no server: the address may be good. */
  isUnreached: boolean;
}

/** Returns what a reason, in lower case, and a code say. */
export const ownFacts = (reason = '', code = 0): OwnFacts => ({
  suppressionList: reason.startsWith('suppress-') ? (named(reason) ?? LISTS[code] ?? 'unknown') : LISTS[code],
  isTooOld: reason === 'old' || code === TOO_OLD_CODE,
  isUnreached: code === NO_MX_CODE || code === NO_CONNECTION_CODE,
});

const named = (reason: string) => Object.values(LISTS).find((kind) => reason === `suppress-${kind}`);
