import { CLAIM_MARGIN_SECONDS, SIGNATURE_WINDOW_SECONDS } from '../../contract.ts';

/** The claim of a token that was presented. */
export interface Claim {
  /** SHA-256 hex of timestamp and token. */
  key: string;
  /** Random, one per invocation: distinguishes our own repeated write from another invocation's. */
  id: string;
  /** Versioned hash of the event that came with the token. */
  hash: string;
  /** Epoch seconds after which the signature is too old to be valid. */
  expiresAt: number;
}

// One conditional put claims a token, or takes over a claim that has ended (`claim-repository.ts`).

/** Returns when a claim ends, in epoch seconds, by the signed timestamp: a margin after its signature is too old. */
export const claimExpiry = (timestamp: string): number =>
  Number(timestamp) + SIGNATURE_WINDOW_SECONDS + CLAIM_MARGIN_SECONDS;

/** `claimed`: the token is ours; `same-event`: a repeat; `other-event`: the token carried something else before. */
export type ClaimOutcome = 'claimed' | 'same-event' | 'other-event';

/**
 * Judges a claim that failed because `held` exists. Our own id means that the write succeeded and only its reply was
 * lost. A hash of another version proves nothing; it counts as a repeat, which process absorbs.
 */
export function judgeClaim(held: Pick<Claim, 'id' | 'hash'>, mine: Claim): ClaimOutcome {
  if (held.id === mine.id) return 'claimed';
  if (held.hash === mine.hash) return 'same-event';
  const versionOf = (hash: string) => hash.slice(0, hash.indexOf(':'));
  return versionOf(held.hash) === versionOf(mine.hash) ? 'other-event' : 'same-event';
}
