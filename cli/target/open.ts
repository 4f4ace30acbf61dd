import type { Place, Target } from './types.ts';

/** Finds it; the SDK is loaded only where it is needed. */
export async function findTarget(place: Place): Promise<Target> {
  if (place.kind === 'local') {
    const { findLocal } = await import('./local.ts');
    return findLocal(place.port, new URL('../../.local/', import.meta.url));
  }
  const { findAws } = await import('./aws.ts');
  return findAws(place.environment);
}
