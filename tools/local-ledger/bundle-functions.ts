import { globSync } from 'node:fs';
import { join } from 'node:path';
import { bundleAhead } from '../../lib/bundle.ts';
import { BundleCache } from '../../lib/bundle-cache.ts';
import { BUNDLES_FOLDER, PROJECT_ROOT } from './stack-settings.ts';

// Bundles every function once: otherwise each of the stacks that the tests start at the same time would.

const entries = globSync('lambdas/*/handler.ts', { cwd: PROJECT_ROOT }).map((file) => join(PROJECT_ROOT, file));
await bundleAhead(entries, new BundleCache(PROJECT_ROOT, BUNDLES_FOLDER));
