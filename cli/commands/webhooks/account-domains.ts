import { readAccountDomains } from '../../../lambdas/adapters/mailgun/account-domains.ts';
import { type DomainDrift, domainDrift, mergedDrift } from '../../../lambdas/domain/webhooks/domain-drift.ts';
import type { HolderOf } from '../../../lambdas/domain/webhooks/domains-held-elsewhere.ts';
import { type MailgunRequest, messageOf } from '../../access.ts';
import { TargetUnavailableError } from '../../errors.ts';
import { groupBy } from '../../output.ts';
import type { Deployment } from '../../target/types.ts';

/** Compares Mailgun's domains with the ledger's, region by region; TargetUnavailableError where they cannot be listed. */
export async function readDomainDrift(
  ask: MailgunRequest,
  deployment: Deployment,
  holderOf: HolderOf,
): Promise<DomainDrift> {
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
    drifts.push(domainDrift(listed, domains, holderOf));
  }
  return mergedDrift(drifts);
}
