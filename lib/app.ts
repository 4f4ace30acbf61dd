import { globSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { bundleAhead } from './bundle.ts';
import { BundleCache } from './bundle-cache.ts';
import { OPTIONAL_FUNCTIONS } from './config/optional-functions.ts';

const LAMBDAS = join(import.meta.dirname, '../lambdas');
const { LEDGER_BUNDLES: folder, LEDGER_SYNTH } = process.env;
// The local stack's configurations share bundles; a deploy makes its own.
const cache = folder === undefined ? undefined : new BundleCache(dirname(LAMBDAS), folder);
const bundle = (names: readonly string[]) =>
  bundleAhead(
    names.map((name) => join(LAMBDAS, name, 'handler.ts')),
    cache,
  );
// esbuild bundles the functions of every ledger while the CDK loads.
const functions = globSync('*/handler.ts', { cwd: LAMBDAS }).map(dirname);
const bundling = bundle(functions.filter((name) => !(name in OPTIONAL_FUNCTIONS)));
const { App } = await import('aws-cdk-lib');
const { ConfigError, parseConfig } = await import('./config/config.ts');
const { MailgunLedgerStack } = await import('./mailgun-ledger-stack.ts');

// The local stack skips this validation, which takes longer than everything else, and the tree of constructs, which
// nothing reads there; every deploy has both.
const isChecked = LEDGER_SYNTH !== 'unchecked';
const app = new App({ builtinCloudFormationValidation: isChecked, treeMetadata: isChecked });
const context = (key: string): unknown => app.node.tryGetContext(key);
try {
  const config = parseConfig({
    environments: context('environments'),
    env: context('env'),
    overlay: context('overlay'),
    currentAccount: process.env.CDK_DEFAULT_ACCOUNT,
  });
  const others = Object.entries(OPTIONAL_FUNCTIONS).filter(([, isThere]) => isThere(config));
  await Promise.all([bundling, bundle(others.map(([name]) => name))]);
  const stack = new MailgunLedgerStack(app, config);
  if (isChecked) (await import('./checks/practices.ts')).checkPractices(app, stack);
} catch (error) {
  if (!(error instanceof ConfigError)) throw error;
  console.error(`The configuration has ${error.lines.length} mistake(s):\n${error.message}`);
  process.exit(1);
}
