import { MESSAGES, METRICS } from '../../../lambdas/contract.ts';
import { keyFingerprint, type SigningKeys } from '../../../lambdas/domain/webhooks/signature.ts';
import { openMailgun, readMailgunKey, readSigningKeys } from '../../access.ts';
import { TargetUnavailableError } from '../../errors.ts';
import { printedCommand } from '../../output.ts';
import type { Deployment, LogEntry } from '../../target/types.ts';

/** Webhooks by the key that verified them, and the number that no key verified. */
export interface Verified {
  readonly byFingerprint: Map<string, number>;
  readonly unauthorized: number;
}

/** Key name for webhooks acknowledged before lines named one. */
const UNKNOWN_KEY = 'unknown';

/**
 * Counts the webhooks that were taken since a time by the fingerprint of the key that verified them. Ingest logs each
 * webhook of another key than the current one, and the current key itself every ten minutes: what the access log holds
 * besides belongs to the current key of that time.
 */
export async function countVerified(deployment: Deployment, sinceMs: number): Promise<Verified> {
  const [access, current, others, refused] = await Promise.all([
    deployment.logs('webhook-access', sinceMs),
    deployment.logs('ingest', sinceMs, { message: MESSAGES.verifiedByCurrentKey }),
    deployment.logs('ingest', sinceMs, { message: MESSAGES.verifiedByAnotherKey }),
    deployment.logs('ingest', sinceMs, { message: MESSAGES.refused }),
  ]);
  const byFingerprint = new Map<string, number>();
  const add = (fingerprint: string, count: number) =>
    byFingerprint.set(fingerprint, (byFingerprint.get(fingerprint) ?? 0) + count);
  for (const { facts } of others) add(String(facts.fingerprint ?? UNKNOWN_KEY), 1);
  const taken = access.filter(({ facts }) => String(facts.status) === '200');
  const ofCurrent = taken.map(({ atMs }) => currentKeyAt(atMs, current));
  // The access log does not say which of its webhooks another key verified; as many are left out.
  for (const fingerprint of ofCurrent.slice(others.length)) add(fingerprint, 1);
  return { byFingerprint, unauthorized: unauthorizedIn(refused) };
}

/** Returns the number of webhooks that no key verified, from ingest's log; during a flood, one line stands for many. */
export const unauthorizedIn = (lines: readonly LogEntry[]): number =>
  lines
    .filter(({ facts }) => facts.reason === 'unauthorized')
    .reduce((sum, { facts }) => sum + Number(facts[METRICS.refused] ?? 1), 0);

/** Returns the key of the latest line up to that time, or of the first line after it. */
function currentKeyAt(atMs: number, lines: readonly LogEntry[]): string {
  const line = lines.findLast((each) => each.atMs <= atMs) ?? lines[0];
  return String(line?.facts.fingerprint ?? UNKNOWN_KEY);
}

/**
 * `matches`: true if Mailgun signs with a key that is set here; null, with the reason, if Mailgun's key cannot be read.
 */
export interface KeyComparison {
  readonly matches: boolean | null;
  readonly fingerprint: string | null;
  readonly why: string | null;
}

/** Compares Mailgun's own signing key with those that are set; a key of role Analyst may not read it. */
export async function compareWithMailgun(deployment: Deployment, keys: SigningKeys): Promise<KeyComparison> {
  try {
    const atMailgun = await readMailgunKey(await openMailgun(deployment), deployment);
    const matches = [keys.current, keys.parent].includes(atMailgun);
    return { matches, fingerprint: keyFingerprint(atMailgun), why: null };
  } catch (error) {
    if (!(error instanceof TargetUnavailableError)) throw error;
    return { matches: null, fingerprint: null, why: error.message };
  }
}

/** Whether the signing key is Mailgun's, in words for doctor and status alike. */
export type SigningKeyFinding =
  | { readonly isWrong: true; readonly says: string; readonly fix: string }
  /** `matches` is null where Mailgun's own key cannot be read. */
  | { readonly isWrong: false; readonly keys: SigningKeys; readonly own: string; readonly comparison: KeyComparison };

/** Judges the signing key that is set; throws where the secret cannot be read. */
export async function judgeSigningKey(deployment: Deployment): Promise<SigningKeyFinding> {
  const run = (command: string) => printedCommand(deployment, command);
  const { keys } = await readSigningKeys(deployment);
  if (keys.current === undefined) {
    const says = 'not set: every webhook gets 503';
    return { isWrong: true, says, fix: `${run('keys set')} < signing-key.txt` };
  }
  const own = `current ${keyFingerprint(keys.current)}`;
  const comparison = await compareWithMailgun(deployment, keys);
  if (comparison.matches !== false) return { isWrong: false, keys, own, comparison };
  return {
    isWrong: true,
    says: `${own}, and Mailgun signs with ${comparison.fingerprint}: every webhook gets 401 once ingest reads this key, within 5 minutes`,
    fix: run('keys set --from-mailgun'),
  };
}
