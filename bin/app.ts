import { App } from 'aws-cdk-lib';
import { ConfigError, parseConfig } from '../lib/config/config.ts';
import { MailgunLedgerStack } from '../lib/mailgun-ledger-stack.ts';

const app = new App();
const context = (key: string): unknown => app.node.tryGetContext(key);
try {
  const config = parseConfig({
    environments: context('environments'),
    env: context('env'),
    overlay: context('overlay'),
    currentAccount: process.env.CDK_DEFAULT_ACCOUNT,
  });
  const stack = new MailgunLedgerStack(app, config);
  // The local stack skips this to start quickly; every deploy is checked.
  if (context('practices') !== 'unchecked') (await import('../lib/checks/practices.ts')).checkPractices(app, stack);
} catch (error) {
  if (!(error instanceof ConfigError)) throw error;
  console.error(`The configuration has ${error.lines.length} mistake(s):\n${error.message}`);
  process.exit(1);
}
