import { PROVIDER_METRICS } from '../../../lambdas/contract.ts';
import {
  type JudgedShare,
  overFrom,
  WATCHED_PROVIDERS,
  type WatchedProvider,
} from '../../../lambdas/domain/recipients/provider-limits.ts';
import { runPeriodSeconds } from '../../config/derived-defaults.ts';
import type { AlarmRow } from '../monitoring/ledger-alarm.ts';
import { unjudged } from './missing-data.ts';
import type { AlarmSources } from './sources.ts';

const NOT_JUDGED = unjudged('a run that could not read the ledger says nothing of providers');

/** Watches how mail fares at individual mailbox providers, by the ledger; returns no row where none is chosen. */
export function providerRows(sources: AlarmSources): AlarmRow[] {
  const { providers = [], metrics, limits } = sources;
  // Every fourth run judges, so each of these periods holds one judgement, or occasionally none.
  const periodSeconds = 2 * runPeriodSeconds(sources);
  const row = (provider: WatchedProvider, share: JudgedShare, limit: number) => ({
    id: `${share.charAt(0).toUpperCase()}${share.slice(1)}At${WATCHED_PROVIDERS[provider]}`,
    metric: metrics.provider(PROVIDER_METRICS[share], provider, periodSeconds),
    limit,
    breaches: overFrom(limit),
    datapoints: [1, 1] as const,
    severity: 'ticket' as const,
    missing: NOT_JUDGED,
    runbook: `${share}-at-provider`,
    ending: `${share}-at-${provider}`,
    firstCommand: 'status',
  });
  return providers.flatMap((provider) => {
    const name = WATCHED_PROVIDERS[provider];
    return [
      {
        ...row(provider, 'complaints', limits.providerComplaintPercent),
        happened: `Many recipients at ${name} marked mail of the last 7 days as spam.`,
        impact: `All recipients at ${name}: it moves the mail of the domain to the spam folder, or refuses it.`,
        recovered: `The share of complaints at ${name} in 7 days is below the limit.`,
      },
      {
        ...row(provider, 'bounces', limits.providerBouncePercent),
        happened: `Many mails of the last 7 days to ${name} failed permanently.`,
        impact: `Their recipients got nothing. If it lasts, ${name} throttles the other mail of the domain too.`,
        recovered: `The share of failures at ${name} in 7 days is below the limit.`,
      },
      {
        ...row(provider, 'policy', limits.providerPolicyPercent),
        happened: `${name} refused mail of the last 7 days by its policy (5.7.x).`,
        impact: `Recipients at ${name} get nothing, whatever the mail holds, until the cause is fixed.`,
        recovered: `${name} refuses hardly any mail by its policy, in 7 days.`,
      },
    ];
  });
}
