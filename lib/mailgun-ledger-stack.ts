import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type App, DefaultStackSynthesizer, type IStackSynthesizer, Stack } from 'aws-cdk-lib';
import type { CfnSecret } from 'aws-cdk-lib/aws-secretsmanager';
import type { StackConfig } from './config/config.ts';
import { buildLedger } from './ledger-resources.ts';

const VERSION: string = JSON.parse(readFileSync(join(import.meta.dirname, '../package.json'), 'utf8')).version;

/** The ledger of one environment of cdk.json, as a stack. */
export class MailgunLedgerStack extends Stack {
  constructor(app: App, config: StackConfig) {
    super(app, `mailgun-ledger-${config.name}`, {
      env: { region: config.region, ...(config.account && { account: config.account }) },
      ...(config.bootstrapQualifier && {
        synthesizer: new DefaultStackSynthesizer({ qualifier: config.bootstrapQualifier }) as IStackSynthesizer,
      }),
      description: "Mailgun's events, stored once and accounted for",
      terminationProtection: config.protectData,
      tags: { ...config.tags, app: 'mailgun-ledger', env: config.name, version: VERSION },
    });
    const { secrets } = buildLedger(this, config, { program: 'npm run ledger --', target: `--env ${config.name}` });
    // The key once belonged to publish; under another id every subject would change.
    (secrets.subjectKey.node.defaultChild as CfnSecret).overrideLogicalId('PublishSubjectKey2989A101');
  }
}
