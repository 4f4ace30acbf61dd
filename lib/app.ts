import { globSync } from 'node:fs';
import { join } from 'node:path';
import { bundleAhead } from './bundle.ts';

const ROOT = join(import.meta.dirname, '..');
// esbuild works while the CDK loads.
const bundling = bundleAhead(globSync('lambdas/*/handler.ts', { cwd: ROOT }).map((file) => join(ROOT, file)));
const { App } = await import('aws-cdk-lib');
const { ConfigError, parseConfig } = await import('./config/config.ts');
const { MailgunLedgerStack } = await import('./mailgun-ledger-stack.ts');
await bundling;

// The local stack skips what takes longer than all the rest; every deploy is checked.
const isChecked = process.env.LEDGER_SYNTH !== 'unchecked';
const app = new App({ builtinCloudFormationValidation: isChecked });
const context = (key: string): unknown => app.node.tryGetContext(key);
try {
  const config = parseConfig({
    environments: context('environments'),
    env: context('env'),
    overlay: context('overlay'),
    currentAccount: process.env.CDK_DEFAULT_ACCOUNT,
  });
  const stack = new MailgunLedgerStack(app, config);
  if (isChecked) (await import('./checks/practices.ts')).checkPractices(app, stack);
} catch (error) {
  if (!(error instanceof ConfigError)) throw error;
  console.error(`The configuration has ${error.lines.length} mistake(s):\n${error.message}`);
  process.exit(1);
}
