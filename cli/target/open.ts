import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Deployment, TargetRef } from './types.ts';

/** In the repository; the package finds the stacks of the repository that it runs in. */
const OWN_FOLDER = new URL('../../.local/', import.meta.url);

/** Finds it; the SDK is loaded only where it is needed. */
export async function openDeployment(ref: TargetRef): Promise<Deployment> {
  if (ref.kind === 'local') {
    const { openLocal } = await import('./local.ts');
    return openLocal(ref.port, existsSync(OWN_FOLDER) ? OWN_FOLDER : pathToFileURL(join(process.cwd(), '.local/')));
  }
  const { openAws, openStack } = await import('./aws.ts');
  return ref.kind === 'stack' ? openStack(ref, ref.stackName, { region: ref.region }) : openAws(ref.environment);
}
