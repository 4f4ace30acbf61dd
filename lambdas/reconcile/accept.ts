import { UNKNOWN_DOMAIN } from '../contract.ts';
import { isDue, isPastSecondPass } from '../domain/ledger/slice.ts';
import { LostRaceError, withLease } from '../shared/lease.ts';
import { createPassSlice } from './passes/pass-slice.ts';
import { slicesBetween } from './passes/slices-between.ts';
import { ListingError } from './ports.ts';
import type { ReconcileDeps } from './reconcile.ts';
import type { AcceptEvent, AcceptReport } from './replays/replay-contract.ts';

/**
 * Closes a slice that cannot settle: accepts its missing, altered, short and unconfirmed events by name, with the
 * reason, so that they do not reopen it. Events found later count again.
 */
export function createAccept(
  deps: ReconcileDeps,
): (request: AcceptEvent & { deadlineMs: number }) => Promise<AcceptReport> {
  const { slices, times, now } = deps;

  return async (request) => {
    const { domain } = request;
    if (domain !== UNKNOWN_DOMAIN && deps.domains.every(({ name }) => name !== domain))
      return refused('unknown-domain');
    if (!(await deps.isConfigured())) return refused('off');
    const result = await withLease(deps, (held) => accept(request, held)).catch((error) => {
      if (error instanceof LostRaceError) return refused('busy');
      if (error instanceof ListingError) return { ...refused('failed'), reason: error.reason };
      throw error;
    });
    return result === 'busy' ? refused('busy') : result;
  };

  async function accept(
    { domain, atEpochSeconds, reason, deadlineMs }: AcceptEvent & { deadlineMs: number },
    held: { runId: string; assertHeld: () => void },
  ): Promise<AcceptReport> {
    const range = { from: atEpochSeconds, to: atEpochSeconds + 1 };
    for await (const { start, end, slice } of slicesBetween(slices, domain, range, times.sliceSeconds)) {
      if (slice === undefined || !isDue({ start, end }, times.settleSeconds, now())) break;
      const open = (await deps.ledger.readMarkers(domain)).open.find((each) => each.start === start);
      const run = { ...held, ignoreWaits: false };
      const bounds = { start, end };
      const isOld = isPastSecondPass(bounds, times.retentionSeconds, now());
      const about = { isOld, maySend: false, isBackfill: true, acceptReason: reason, deadlineMs };
      const outcome = await createPassSlice(deps)(run, { domain, bounds, open, ...about });
      if (outcome.kind !== 'done') return refused(outcome.kind === 'too-many' ? 'too-many' : 'paused');
      return { state: 'accepted', slice: bounds, accepted: outcome.slice.accepted };
    }
    return refused('unknown-slice');
  }
}

const refused = (state: AcceptReport['state']): AcceptReport => ({ state, accepted: 0 });
