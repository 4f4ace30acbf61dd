import { createSlicesTable } from '../../../lambdas/adapters/table/ledger/slice-repository.ts';
import { judgedSums } from '../../../lambdas/domain/ledger/provider-sums.ts';
import {
  ALL_PROVIDERS,
  JUDGED_DAYS,
  JUDGED_SHARES,
  type JudgedShare,
  type ProviderStanding,
  providerStanding,
  SHARE_LIMITS,
  STANDING_WORDS,
  WATCHED_PROVIDERS,
  type WatchedProvider,
} from '../../../lambdas/domain/recipients/provider-limits.ts';
import { tableOf } from '../../ledger.ts';
import { number } from '../../output.ts';
import type { Deployment } from '../../target/types.ts';

/** How the mail of a domain fares at one mailbox provider, over the last days. */
export interface ProviderStatus extends ProviderStanding {
  readonly provider: WatchedProvider;
}

/** Reads how a domain fares at the providers that it sent mail to, by its ledger. */
export async function readProviders(deployment: Deployment, domain: string, nowMs: number): Promise<ProviderStatus[]> {
  const sums = await judgedSums(createSlicesTable(tableOf(deployment)), domain, nowMs);
  return ALL_PROVIDERS.map((provider) => ({ provider, ...providerStanding(sums.of(provider)) })).filter(
    ({ bounces }) => bounces.whole > 0,
  );
}

const WORDS: Readonly<Record<JudgedShare, string>> = {
  complaints: 'reported as spam',
  bounces: 'failed permanently',
  policy: 'refused by policy (5.7.x)',
};

/** Returns a provider's shares on one line. */
export function providerText({ provider, ...standing }: ProviderStatus): string {
  const shares = JUDGED_SHARES.map((share) => {
    const { part, whole, standing: found } = standing[share];
    return `${percent(part, whole)} ${WORDS[share]} (${STANDING_WORDS[found]})`;
  });
  const { whole } = standing.complaints;
  return `${WATCHED_PROVIDERS[provider]}, ${JUDGED_DAYS} days: ${number(whole)} delivered, ${shares.join(', ')}`;
}

/** Returns what is over its limit, each with what to do. */
export function providersWrong(domain: string, providers: readonly ProviderStatus[]): string[] {
  return providers.flatMap(({ provider, ...standing }) =>
    JUDGED_SHARES.filter((share) => standing[share].standing === 'over').map((share) => {
      const { part, whole } = standing[share];
      const limit = percent(SHARE_LIMITS[share].limit, 1);
      const name = WATCHED_PROVIDERS[provider];
      return `${percent(part, whole)} of ${number(whole)} mails of ${domain} to ${name} ${WORDS[share]} in ${JUDGED_DAYS} days, over ${limit}: docs/runbook.md#${share}-at-provider`;
    }),
  );
}

const percent = (part: number, whole: number) =>
  whole === 0 ? '0 %' : `${((100 * part) / whole).toFixed(2).replace(/\.?0+$/, '')} %`;
