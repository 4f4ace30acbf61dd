import { createSliceRepository } from '../../../lambdas/adapters/table/slice-repository.ts';
import {
  ALL_PROVIDERS,
  JUDGED_SHARES,
  JUDGED_TIME,
  type JudgedShare,
  type ProviderStanding,
  providerStanding,
  standingText,
  WATCHED_PROVIDERS,
  type WatchedProvider,
} from '../../../lambdas/domain/recipients/provider-limits.ts';
import { judgedSums } from '../../../lambdas/shared/judged-sums.ts';
import { tableOf } from '../../ledger.ts';
import { number } from '../../output.ts';
import type { Deployment } from '../../target/types.ts';

/** A domain's mail at one mailbox provider over the last days. */
export interface ProviderStatus extends ProviderStanding {
  readonly provider: WatchedProvider;
  /** True if mail to it may be among that to other providers, where a slice had very many. */
  readonly cut: boolean;
}

/** Reads how a domain fares at the providers that it sent mail to, by its ledger. */
export async function readProviders(deployment: Deployment, domain: string, nowMs: number): Promise<ProviderStatus[]> {
  const sums = await judgedSums(createSliceRepository(tableOf(deployment)), domain, nowMs);
  return ALL_PROVIDERS.map((provider) => ({
    provider,
    cut: sums.isCut,
    ...providerStanding(sums.of(provider)),
  })).filter(({ bounces }) => bounces.whole > 0);
}

const WORDS: Readonly<Record<JudgedShare, string>> = {
  complaints: 'reported as spam',
  bounces: 'failed permanently',
  policy: 'refused by policy (5.7.x)',
};

/** Returns a provider's shares on one line. */
export function providerText({ provider, cut, ...standing }: ProviderStatus): string {
  const shares = JUDGED_SHARES.map((share) => {
    const { part, whole, standing: found } = standing[share];
    return `${percent(part, whole)} ${WORDS[share]} (${standingText(found, share, provider)})`;
  });
  const { whole } = standing.complaints;
  const left = cut ? '; in slices with very many providers it may be counted as other' : '';
  return `${WATCHED_PROVIDERS[provider]}, ${JUDGED_TIME}: ${number(whole)} delivered, ${shares.join(', ')}${left}`;
}

/** Returns the shares above their limits, each with what to do. */
export function providersWrong(domain: string, providers: readonly ProviderStatus[]): string[] {
  return providers.flatMap(({ provider, ...standing }) =>
    JUDGED_SHARES.filter((share) => standing[share].standing === 'over').map((share) => {
      const { part, whole } = standing[share];
      const name = WATCHED_PROVIDERS[provider];
      return `${percent(part, whole)} of ${number(whole)} mails of ${domain} to ${name} ${WORDS[share]} in the ${JUDGED_TIME}, ${standingText('over', share, provider)}: docs/runbook.md#${share}-at-provider`;
    }),
  );
}

const percent = (part: number, whole: number) =>
  whole === 0 ? '0 %' : `${((100 * part) / whole).toFixed(2).replace(/\.?0+$/, '')} %`;
