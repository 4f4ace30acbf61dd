import { domainDriftText } from '../../../lambdas/domain/webhooks/domain-drift.ts';
import { ApiKeyRefusedError, openMailgun } from '../../access.ts';
import type { Deployment } from '../../target/types.ts';
import { readDomainDrift } from '../webhooks/account-domains.ts';
import { type Finding, ok, skipped, warning } from './machine-checks.ts';

/** Names the domains that only Mailgun has, or only the ledger. */
export async function accountDomains(deployment: Deployment): Promise<Finding> {
  const drift = await readDomainDrift(await openMailgun(deployment), deployment).catch((error: unknown) => {
    // A key that may read events need not read domains.
    if (error instanceof ApiKeyRefusedError) return undefined;
    throw error;
  });
  if (drift === undefined) return skipped('Mailgun lists its domains to other keys only');
  const says = domainDriftText(drift, deployment.domains.length);
  if (says === undefined) return ok(`Mailgun has no active domains beyond ${theseDomains(deployment.domains.length)}`);
  return warning(says, 'change "domains" in cdk.json, and deploy; those of another environment may stay as they are');
}

const theseDomains = (count: number) => (count === 1 ? 'this one' : `these ${count}`);
