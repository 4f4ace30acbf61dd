import { MESSAGES } from '../contract.ts';
import { keyFingerprint, type SigningKeys } from '../domain/webhooks/signature.ts';

const REPEAT_AFTER_MS = 600_000;

interface Log {
  write(message: string, facts: Record<string, string>): void;
}

/**
 * Returns a function that logs which key verified. Any key but the current one gets a line per webhook, which shows the
 * last signature of an old key. The current key gets a line every ten minutes: the access log counts its webhooks.
 */
export function createVerificationLog(log: Log, now: () => number) {
  const loggedAtMs = new Map<string, number>();
  return (name: keyof SigningKeys, key: string): void => {
    const fingerprint = keyFingerprint(key);
    if (name !== 'current') {
      log.write(MESSAGES.verifiedByAnotherKey, { key: name, fingerprint });
      return;
    }
    const lastMs = loggedAtMs.get(fingerprint);
    if (lastMs !== undefined && now() - lastMs < REPEAT_AFTER_MS) return;
    loggedAtMs.set(fingerprint, now());
    log.write(MESSAGES.verifiedByCurrentKey, { fingerprint });
  };
}
