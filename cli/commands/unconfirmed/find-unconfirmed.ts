import { createDayIndexTable } from '../../../lambdas/adapters/table/events/day-index.ts';
import { createSlicesTable } from '../../../lambdas/adapters/table/ledger/slice-repository.ts';
import { batchGetAll, type LedgerTable } from '../../../lambdas/adapters/table/ledger-table.ts';
import { MAX_SLICE_SECONDS } from '../../../lambdas/contract.ts';
import type { StoredKey } from '../../../lambdas/domain/events/day-index.ts';
import { type Counts, total } from '../../../lambdas/domain/ledger/counts.ts';
import { doubtsOf, type Slice } from '../../../lambdas/domain/ledger/slice.ts';
import { eventOf, type HistoryEvent } from '../../event-history.ts';
import { readDoubtful, tableOf } from '../../ledger.ts';
import type { Deployment } from '../../target/types.ts';

/** An event that the second pass marked. */
export type UnconfirmedEvent = HistoryEvent & { readonly unconfirmedSinceMs: number };

/** The unconfirmed events of one slice. */
export interface Finding {
  readonly slices: 1;
  /** Epoch seconds. */
  readonly start: number;
  readonly end: number;
  /** Events by type that the second pass has yet to look for. */
  readonly undecided: Counts;
  /** Events by type that are stored otherwise than Mailgun lists. */
  readonly altered: Counts;
  readonly events: UnconfirmedEvent[];
}

/**
 * Looks through the slices of a domain from one time to another (epoch seconds), and into those that count any; first
 * through the older ones that the alarm counts, where these are asked for.
 */
export async function* findUnconfirmed(
  deployment: Deployment,
  domain: string,
  since: number,
  until: number,
  withOlder: boolean,
): AsyncGenerator<Finding> {
  const table = tableOf(deployment);
  if (withOlder) {
    for await (const slice of readDoubtful(table, domain)) if (slice.end <= since) yield findIn(table, slice, 0);
  }
  for await (const slice of createSlicesTable(table).list(domain, since - MAX_SLICE_SECONDS, until)) {
    if (slice.end > since) yield findIn(table, slice, since);
  }
}

async function findIn(table: LedgerTable, slice: Slice, since: number): Promise<Finding> {
  const { domain, start, end, altered } = slice;
  const { unconfirmed, undecided } = doubtsOf(slice);
  const common = { slices: 1, start, end, altered, undecided } as const;
  if (total(unconfirmed) === 0) return { ...common, events: [] };
  const keys = await createDayIndexTable(table).keys(domain, Math.max(start, since) * 1000, end * 1000 - 1);
  return { ...common, events: await readMarked(table, keys) };
}

async function readMarked(table: LedgerTable, keys: readonly StoredKey[]): Promise<UnconfirmedEvent[]> {
  const Keys = keys.map(({ partition, eventSort }) => ({ pk: partition, sk: eventSort }));
  const events = (await batchGetAll(table, { Keys })).map(eventOf);
  return events.filter(isMarked).toSorted((a, b) => a.atMs - b.atMs);
}

const isMarked = (event: HistoryEvent): event is UnconfirmedEvent => event.unconfirmedSinceMs !== undefined;
