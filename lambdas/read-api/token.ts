import { createHash, timingSafeEqual } from 'node:crypto';
import type { RotatingSecret } from '../domain/ports.ts';
import type { BearerCheck } from '../domain/read-ports.ts';

/** Takes the one token that the secret holds; a token rotated meanwhile is read anew once. */
export function createTokenCheck(secret: RotatingSecret): BearerCheck {
  return async (bearer) => {
    if (isSame(bearer, await secret.read())) return true;
    const fresh = await secret.reread();
    return fresh !== undefined && isSame(bearer, fresh);
  };
}

/** Compares digests, so that neither content nor length shows in the time taken. */
function isSame(presented: string, token: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return token !== '' && timingSafeEqual(digest(presented), digest(token));
}
