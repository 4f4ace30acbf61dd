import { shellWord } from '../../../lambdas/domain/shell-word.ts';
import type { Drift, DriftKind } from '../../../lambdas/domain/webhooks/webhook-drift.ts';

/** The fix of each kind of drift, the most urgent first: without a type its events come by reconciliation alone. */
const FIXES: Readonly<Record<DriftKind, (run: (command: string) => string, drift: Drift) => string>> = {
  missing: (run) => `first, since events of these types come late: ${run('webhooks sync')}`,
  'no-room': (run) =>
    `first, since events of these types come late: ${run('webhooks sync')} --remove <a URL of ${run('webhooks check')}>`,
  double: (run, { url }) =>
    url === undefined
      ? `${run('webhooks sync')} --account, or delete one of the two at Mailgun`
      : `${run('webhooks sync --yes')} --remove ${shellWord(url)}`,
  unwanted: () => 'delete it at Mailgun, or add the type to eventTypes in cdk.json',
  foreign: (run, { url }) =>
    `if it belongs at no domain: ${run('webhooks sync')} --remove ${url === undefined ? '<url>' : shellWord(url)}`,
};

/** Returns what to do about differences, each step once. */
export function driftFixes(drift: readonly Drift[], run: (command: string) => string): string[] {
  const kinds = Object.keys(FIXES) as DriftKind[];
  const inOrder = kinds.flatMap((kind) => drift.filter((each) => each.kind === kind));
  return [...new Set(inOrder.map((each) => FIXES[each.kind](run, each)))];
}
