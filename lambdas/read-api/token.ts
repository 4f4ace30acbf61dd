import { createHash, timingSafeEqual } from 'node:crypto';
import type { RotatingSecret } from '../domain/ports.ts';

/** Whether an Authorization header carries the token; a token rotated meanwhile is read anew once. */
export async function isAuthorized(authorization: string | undefined, secret: RotatingSecret): Promise<boolean> {
  const presented = /^Bearer +(\S+)$/i.exec(authorization ?? '')?.[1];
  if (presented === undefined) return false;
  if (isSame(presented, await secret.read())) return true;
  const fresh = await secret.reread();
  return fresh !== undefined && isSame(presented, fresh);
}

/** Compares digests, so that neither content nor length shows in the time taken. */
function isSame(presented: string, token: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return token !== '' && timingSafeEqual(digest(presented), digest(token));
}
