import { createDayIndexTable } from '../../../lambdas/adapters/table/events/day-index.ts';
import { createSlicesTable } from '../../../lambdas/adapters/table/ledger/slice-repository.ts';
import { batchGetAll, type LedgerTable } from '../../../lambdas/adapters/table/ledger-table.ts';
import { MAX_SLICE_SECONDS } from '../../../lambdas/contract.ts';
import type { StoredKey } from '../../../lambdas/domain/events/day-index.ts';
import { total } from '../../../lambdas/domain/ledger/counts.ts';
import { eventOf, type HistoryEvent } from '../../event-history.ts';
import { tableOf } from '../../ledger.ts';
import type { Deployment } from '../../target/types.ts';

/** An event that the second pass marked. */
export type UnconfirmedEvent = HistoryEvent & { readonly unconfirmedSinceMs: number };

/** What one slice adds. */
export interface Finding {
  readonly slices: 1;
  /** Epoch seconds. */
  readonly start: number;
  readonly end: number;
  /** Events that the second pass has yet to look for. */
  readonly undecided: number;
  readonly events: UnconfirmedEvent[];
}

/** Looks through the slices of a domain from one time to another (epoch seconds), and into those that count any. */
export async function* findUnconfirmed(
  deployment: Deployment,
  domain: string,
  since: number,
  until: number,
): AsyncGenerator<Finding> {
  const table = tableOf(deployment);
  for await (const slice of createSlicesTable(table).list(domain, since - MAX_SLICE_SECONDS, until)) {
    if (slice.end <= since) continue;
    const bounds = { slices: 1, start: slice.start, end: slice.end } as const;
    const count = total(slice.unconfirmed);
    if (count === 0 || slice.finalAt === null) {
      yield { ...bounds, undecided: count, events: [] };
      continue;
    }
    const fromMs = Math.max(slice.start, since) * 1000;
    const keys = await createDayIndexTable(table).keys(domain, fromMs, slice.end * 1000 - 1);
    yield { ...bounds, undecided: 0, events: await readMarked(table, keys) };
  }
}

async function readMarked(table: LedgerTable, keys: readonly StoredKey[]): Promise<UnconfirmedEvent[]> {
  const Keys = keys.map(({ partition, eventSort }) => ({ pk: partition, sk: eventSort }));
  const events = (await batchGetAll(table, { Keys })).map(eventOf);
  return events.filter(isMarked).toSorted((a, b) => a.atMs - b.atMs);
}

const isMarked = (event: HistoryEvent): event is UnconfirmedEvent => event.unconfirmedSinceMs !== undefined;
