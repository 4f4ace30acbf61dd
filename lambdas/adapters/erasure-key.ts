import type { ErasureKey, RotatingSecret } from '../domain/ports.ts';

/** Reads the key at its first use and keeps it: it never changes, since a changed key would forget who is erased. */
export function createErasureKey(secret: Pick<RotatingSecret, 'read'>): ErasureKey {
  let known: string | undefined;
  return {
    async read() {
      known ??= await secret.read();
      if (known.trim() === '') throw new Error('the erasure key is blank');
      return known;
    },
  };
}
