import { createHash, timingSafeEqual } from 'node:crypto';
import type { BearerCheck } from '../ports.ts';

/** The text of a secret that may be rotated at any time. */
interface TokenSecret {
  read(): Promise<string>;
  /** Reads it again; returns undefined where the last read is too recent to repeat. */
  reread(): Promise<string | undefined>;
}

/** Takes the one token that the secret holds; a token rotated meanwhile is read again once. */
export function createTokenCheck(secret: TokenSecret): BearerCheck {
  return async (bearer) => {
    if (isSame(bearer, await secret.read())) return true;
    const fresh = await secret.reread();
    return fresh !== undefined && isSame(bearer, fresh);
  };
}

/** Compares digests, so that the duration reveals neither content nor length. */
function isSame(presented: string, token: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return token !== '' && timingSafeEqual(digest(presented), digest(token));
}
