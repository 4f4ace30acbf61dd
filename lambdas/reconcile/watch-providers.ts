import type { SendingDomain } from '../contract.ts';
import type { ProviderSums } from '../domain/ledger/provider-sums.ts';
import {
  JUDGED_SHARES,
  type JudgedShare,
  providerStanding,
  type WatchedProvider,
} from '../domain/recipients/provider-limits.ts';
import { judgedSums } from '../shared/judged-sums.ts';
import type { Slices } from './ports.ts';
import { type ComparisonRequest, isTimeToCompare } from './webhooks/compare-webhooks.ts';

interface WatchProvidersDeps {
  slices: Pick<Slices, 'list'>;
  domains: readonly SendingDomain[];
  /** Empty where none is watched. */
  providers: readonly WatchedProvider[];
  /** No share of fewer mails to a provider is judged. @default `MIN_JUDGED_MAILS` */
  minMails?: number | undefined;
  /** Seconds between runs. */
  everySeconds: number;
  now: () => number;
  /** Called for every provider with the shares of the domain with the worst rates there, in percent; 0 where there is too little mail. */
  onJudged: (provider: WatchedProvider, percents: Readonly<Record<JudgedShare, number>>) => void;
  /** Called for every domain that is above what a provider wants. */
  onHigh: (facts: {
    domain: string;
    provider: WatchedProvider;
    share: JudgedShare;
    part: number;
    whole: number;
  }) => void;
  onFailure: (error: unknown) => void;
}

/** Judges the mail's rates at mailbox providers by the ledger of the last days, about once an hour. Never throws. */
export function createWatchProviders(deps: WatchProvidersDeps) {
  const { slices, domains, providers, minMails, now } = deps;

  return async ({ ignoreWaits, deadlineMs = Number.POSITIVE_INFINITY }: ComparisonRequest): Promise<void> => {
    if (providers.length === 0 || (!ignoreWaits && !isTimeToCompare(now(), deps.everySeconds))) return;
    try {
      const sums = new Map<string, ProviderSums>();
      for (const { name } of domains) {
        if (now() >= deadlineMs) throw new Error(`only ${sums.size} of ${domains.length} domains were read in time`);
        sums.set(name, await judgedSums(slices, name, now()));
      }
      for (const provider of providers) judge(provider, sums);
    } catch (error) {
      // Incomplete data is not reported: the alarms keep their state.
      deps.onFailure(error);
    }
  };

  function judge(provider: WatchedProvider, sums: ReadonlyMap<string, ProviderSums>): void {
    const worst = { complaints: 0, bounces: 0, policy: 0 };
    for (const [domain, each] of sums) {
      const found = providerStanding(each.of(provider), minMails);
      for (const share of JUDGED_SHARES) {
        const { part, whole, standing } = found[share];
        if (standing === 'few') continue;
        worst[share] = Math.max(worst[share], (100 * part) / whole);
        if (standing !== 'good') deps.onHigh({ domain, provider, share, part, whole });
      }
    }
    // Too little mail is 0 %: an alarm whose mailing was stopped would never end.
    deps.onJudged(provider, worst);
  }
}
