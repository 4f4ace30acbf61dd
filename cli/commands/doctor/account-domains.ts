import {
  type DomainDrift,
  domainDrift,
  domainDriftText,
  readAccountDomains,
} from '../../../lambdas/domain/webhooks/domain-drift.ts';
import { ApiKeyRefusedError, type MailgunRequest, messageOf, openMailgun } from '../../access/mailgun-access.ts';
import { TargetUnavailableError } from '../../errors.ts';
import { groupBy } from '../../group-by.ts';
import { counted } from '../../output.ts';
import type { Deployment } from '../../target/types.ts';
import { type Finding, ok, skipped, warning } from './machine-checks.ts';

/** Compares Mailgun's domains with the ledger's, region by region; TargetUnavailableError where they cannot be listed. */
export async function readDomainDrift(ask: MailgunRequest, deployment: Deployment): Promise<DomainDrift> {
  const regions = groupBy(deployment.domains, (domain) => deployment.mailgunUrl(domain));
  const drifts: DomainDrift[] = [];
  for (const domains of regions.values()) {
    const [any = ''] = domains;
    const listed = await readAccountDomains(async (path) => {
      const answer = await ask(any, 'GET', path);
      if (answer.status === 200) return answer.body;
      throw new TargetUnavailableError(`Mailgun does not list its domains: ${messageOf(answer)}`);
    });
    if (listed === undefined) throw new TargetUnavailableError("Mailgun's list of domains is not whole");
    drifts.push(domainDrift(listed, domains));
  }
  return {
    notInLedger: drifts.flatMap(({ notInLedger }) => notInLedger),
    notAtMailgun: drifts.flatMap(({ notAtMailgun }) => notAtMailgun),
  };
}

/** Names the domains that only Mailgun has, or only the ledger. */
export async function accountDomains(deployment: Deployment): Promise<Finding> {
  const drift = await readDomainDrift(await openMailgun(deployment), deployment).catch((error: unknown) => {
    // A key that may read events need not read domains.
    if (error instanceof ApiKeyRefusedError) return undefined;
    throw error;
  });
  if (drift === undefined) return skipped('Mailgun lists its domains to other keys only');
  const says = domainDriftText(drift, deployment.domains.length);
  if (says === undefined) return ok(`Mailgun has no others than ${counted(deployment.domains.length, 'domain')}`);
  return warning(says, 'change "domains" in cdk.json, and deploy; those of another environment may stay as they are');
}
