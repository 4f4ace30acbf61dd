import type { LedgerResponse, SliceEntry } from '../../../api/responses/ledger.ts';
import { MAX_SLICE_SECONDS } from '../../contract.ts';
import { CompletenessCheck, dueEndOf } from '../../domain/ledger/completeness.ts';
import { total } from '../../domain/ledger/counts.ts';
import { announcementText } from '../../domain/ledger/listing-note.ts';
import { doubtsOf, isDue, sliceFrom, stateOf } from '../../domain/ledger/slice.ts';
import { hourOf, type JudgedHour, judgeHours } from '../../domain/ledger/witness.ts';
import type { LedgerReader, ListingReader, SliceReader, WitnessReader } from '../ports.ts';

export interface LedgerDeps {
  slices: SliceReader;
  ledger: LedgerReader;
  witness: WitnessReader;
  listing: ListingReader;
  sliceSeconds: number;
  settleSeconds: number;
  /** When the ledgers of former domains end, in epoch seconds; later slices of them are not due. */
  ends: ReadonlyMap<string, number>;
  now: () => number;
}

/** A domain and a stretch of time in epoch seconds; the end does not belong to it. */
export interface LedgerQuery {
  domain: string;
  from: number;
  to: number;
}

/** Slices that are due and not compared yet are shown up to this many. */
const MAX_DUE = 1000;

/**
 * Returns the ledger in the read API's format. `completeness` covers the due part of the requested time: `complete`
 * only if every slice was compared with Mailgun's listing and nothing is missing, short or altered.
 */
export function createLedger(deps: LedgerDeps) {
  const { slices, ledger, witness, listing, sliceSeconds, settleSeconds, ends, now } = deps;
  return async ({ domain, from, to }: LedgerQuery): Promise<LedgerResponse> => {
    const entries: SliceEntry[] = [];
    const sums = { expected: 0, stored: 0, unaccounted: 0, unconfirmed: 0, undecided: 0 };
    const check = new CompletenessCheck(from);
    for await (const slice of slices.list(domain, from - MAX_SLICE_SECONDS, to, [])) {
      const { start, end, expected, stored, missing, recovered, passes } = slice;
      const { unconfirmed, undecided } = doubtsOf(slice);
      const state = stateOf(slice);
      check.take({ start, end, state });
      if (start < from) continue;
      const { polled, late, lost, altered, stuck, short, accepted } = slice;
      const counts = { expected, stored, missing, recovered, unconfirmed, undecided, polled, late, lost, altered };
      entries.push({ domain, start, end, state, ...counts, stuck, short, accepted, passes });
      sums.expected += total(expected);
      sums.stored += total(stored);
      sums.unaccounted += total(missing);
      sums.unconfirmed += total(unconfirmed);
      sums.undecided += total(undecided);
    }
    const [watermarks, counted, { fellBackAt, announced }] = await Promise.all([
      ledger.readWatermarks(domain),
      witness.read(domain, from, to),
      listing.read(),
    ]);
    const dueTo = Math.min(to, ends.get(domain) ?? Number.POSITIVE_INFINITY);
    // While a ledger catches up, newer slices are written before older ones.
    const written = new Set(entries.map(({ start }) => start));
    // The first that starts in this time, as those above.
    const firstStart = Math.ceil(from / sliceSeconds) * sliceSeconds;
    let due = 0;
    let at = watermarks && (watermarks.position < from ? firstStart : watermarks.position);
    while (at !== undefined && at < dueTo && due < MAX_DUE) {
      const bounds = sliceFrom(at, sliceSeconds);
      if (!isDue(bounds, settleSeconds, now())) break;
      at = bounds.end;
      if (written.has(bounds.start)) continue;
      due += 1;
      entries.push({ domain, ...bounds, state: 'due', ...NOTHING });
    }
    entries.sort((a, b) => a.start - b.start);
    const judged = judgeHours(entries, counted, Math.floor(now() / 1000));
    return {
      slices: withWitness(entries, judged),
      totals: { ...sums, due },
      completeness: check.result(to, dueEndOf(now(), deps)),
      comparedTo: check.comparedTo(to),
      listing: {
        fellBackAt: fellBackAt === undefined ? null : new Date(fellBackAt).toISOString(),
        announced: announced === undefined ? null : announcementText(announced),
      },
      witness: judged.map((hour) => ({ domain, ...hour })),
    };
  };
}

/** Slices that Mailgun no longer lists are judged by its counts of their hour. */
function withWitness(slices: readonly SliceEntry[], judged: readonly JudgedHour[]): SliceEntry[] {
  const hours = new Map(judged.map((hour) => [hour.start, hour]));
  return slices.map((slice) => {
    const hour = slice.state === 'unlisted' ? hours.get(hourOf(slice.start)) : undefined;
    if (hour === undefined) return slice;
    return { ...slice, witness: hour.lacks === 0 ? 'agrees' : `lacks ${hour.lacks}` };
  });
}

const NOTHING = {
  expected: {},
  stored: {},
  missing: {},
  recovered: {},
  unconfirmed: {},
  undecided: {},
  polled: {},
  late: {},
  lost: {},
  altered: {},
  stuck: 0,
  short: 0,
  accepted: 0,
  passes: 0,
};
