import type { Deployment, TargetRef } from './types.ts';

/** Finds it; the SDK is loaded only where it is needed. */
export async function openDeployment(ref: TargetRef): Promise<Deployment> {
  if (ref.kind === 'local') {
    const { openLocal } = await import('./local.ts');
    return openLocal(ref.port, new URL('../../.local/', import.meta.url));
  }
  const { openAws } = await import('./aws.ts');
  return openAws(ref.environment);
}
