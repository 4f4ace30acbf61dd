import { domainNews } from '../../../lambdas/domain/ledger/ledger-domains.ts';
import { domainDriftText, heldElsewhereText } from '../../../lambdas/domain/webhooks/domain-drift.ts';
import { parseHeldElsewhere } from '../../../lambdas/domain/webhooks/domains-held-elsewhere.ts';
import { ApiKeyRefusedError, openMailgun } from '../../access.ts';
import { type Deployment, hasOutput } from '../../target/types.ts';
import { readDomainDrift } from '../webhooks/account-domains.ts';
import { type Finding, ok, skipped, warning } from './machine-checks.ts';

/** Names the domains that only Mailgun has, or only the ledger; where the ledger follows Mailgun, what has changed. */
export async function accountDomains(deployment: Deployment, nowMs: number): Promise<Finding> {
  const { discovered } = deployment;
  if (discovered !== undefined) {
    const { text } = domainNews(discovered, nowMs / 1000);
    if (text === undefined)
      return ok(`Mailgun lists ${theseDomains(deployment.domains.length)}, and each has a ledger`);
    return warning(text, 'see domain-drift in the runbook');
  }
  // As deployed, and therefore as reconcile counts.
  const holderOf = parseHeldElsewhere(hasOutput(deployment, OUTPUT) ? deployment.output(OUTPUT) : '');
  const drift = await readDomainDrift(await openMailgun(deployment), deployment, holderOf).catch((error: unknown) => {
    // A key that may read events need not read domains.
    if (error instanceof ApiKeyRefusedError) return undefined;
    throw error;
  });
  if (drift === undefined) return skipped('Mailgun lists its domains to other keys only');
  const says = domainDriftText(drift, deployment.domains.length);
  if (says !== undefined) {
    return warning(says, 'change "domains" in cdk.json, and deploy every environment that changed or names them');
  }
  const held = heldElsewhereText(drift);
  const own = `Mailgun has no active domains beyond ${theseDomains(deployment.domains.length)}`;
  return ok(held === undefined ? own : `${own}; ${held}`);
}

const OUTPUT = 'HeldElsewhere';

const theseDomains = (count: number) => (count === 1 ? 'this one' : `these ${count}`);
