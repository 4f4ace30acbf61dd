import { isObject } from '../json.ts';

/** The secrets that sign for a receiver; during a rotation the one before signs too, until its time is over. */
export interface ReceiverSecrets {
  current: string;
  previous?: string | undefined;
  /** Epoch milliseconds. */
  previousUntil?: number | undefined;
}

/** Reads the JSON secret `{"current","previous"?,"previousUntil"?}`. Throws an error that does not quote it. */
export function parseReceiverSecrets(text: string): ReceiverSecrets {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    // The parser's own message quotes the text.
  }
  if (!isObject(parsed) || typeof parsed.current !== 'string' || parsed.current === '') {
    throw new Error("the receiver's secret is not a JSON object with a current secret");
  }
  const { current, previous, previousUntil } = parsed;
  if (typeof previous !== 'string' || typeof previousUntil !== 'number') return { current };
  return { current, previous, previousUntil };
}

/** Returns the secrets that sign at this time, the current one first. */
export function signingSecrets({ current, previous, previousUntil = 0 }: ReceiverSecrets, nowMs: number): string[] {
  return previous !== undefined && nowMs < previousUntil ? [current, previous] : [current];
}

/** Returns the secrets after a rotation; the old one, if it is known, keeps signing during the overlap. */
export function rotatedSecrets(
  before: ReceiverSecrets | undefined,
  next: string,
  nowMs: number,
  overlapMs: number,
): ReceiverSecrets {
  return { current: next, ...(before && { previous: before.current, previousUntil: nowMs + overlapMs }) };
}
