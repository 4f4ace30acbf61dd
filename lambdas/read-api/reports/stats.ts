import type { StatsDimension } from '../../../api/parameters.ts';
import type { MailgunClassesEntry, StatsBucket, StatsResponse } from '../../../api/responses/ledger.ts';
import { READS_AT_ONCE, resultsOf } from '../../domain/concurrency.ts';
import { isRecent } from '../../domain/ledger/bounce-classes.ts';
import { addAll, type Counts, type Rows } from '../../domain/ledger/counts.ts';
import { lacksFailures, mayBeCut } from '../../domain/ledger/dimensions.ts';
import { type Slice, stateOf } from '../../domain/ledger/slice.ts';
import { MAX_TAGS } from '../../domain/ledger/tally.ts';
import type { ClassesReader, SliceRowNames } from '../ports.ts';
import type { LedgerDeps, LedgerQuery } from './ledger.ts';

/** Dimension that details statistics by another, and the field that holds it in a bucket. */
const DETAILS: Partial<Record<StatsDimension, { of: 'policy' | 'failure'; as: 'policy' | 'failures' }>> = {
  provider: { of: 'policy', as: 'policy' },
  tag: { of: 'failure', as: 'failures' },
};

const LENGTHS = { hour: 3600, day: 86_400 };

interface StatsDeps extends Pick<LedgerDeps, 'slices' | 'ledger' | 'ends' | 'now'> {
  classes: ClassesReader;
}

/** Returns the range of the whole hours or days that this one touches, in epoch seconds. */
export function bucketRange({ from, to }: { from: number; to: number }, per: keyof typeof LENGTHS) {
  const length = LENGTHS[per];
  return { from: Math.floor(from / length) * length, to: Math.ceil(to / length) * length };
}

interface StatsQuery extends Omit<LedgerQuery, 'domain'> {
  domains: readonly string[];
  /** Lower case; undefined for every tag. */
  tag: string | undefined;
  by: StatsDimension;
  per: keyof typeof LENGTHS;
}

/** Counts of one hour or day by name, with details: policy rejections by provider, or failures by tag. */
interface Stretch {
  rows: Map<string, Counts>;
  details: Map<string, Counts>;
  isOpen: boolean;
  isCut: boolean;
}

/**
 * Statistics by hour or day: slices added up, and spellings of a tag that differ in case. A bucket is open while one of
 * its slices is missing or not settled.
 */
export function createStats({ slices, ledger, classes, ends, now }: StatsDeps) {
  return async ({ domains, ...query }: StatsQuery): Promise<StatsResponse> => {
    const [only] = domains;
    const [mailgunClasses, buckets] = await Promise.all([
      query.by === 'provider' && only !== undefined ? classesOf(only) : undefined,
      resultsOf(domains, READS_AT_ONCE, (domain) => bucketsOf(domain, query)),
    ]);
    return { buckets: buckets.flat(), ...(mailgunClasses && { mailgunClasses }) };
  };

  async function classesOf(domain: string): Promise<MailgunClassesEntry | undefined> {
    const known = await classes.read(domain);
    if (known === undefined) return undefined;
    const { triedAt, note, read } = known;
    const shown = read && isRecent(read, now()) ? read : null;
    return {
      triedAt: new Date(triedAt).toISOString(),
      note,
      read: shown && {
        at: isoTime(shown.at),
        from: isoTime(shown.from),
        to: isoTime(shown.to),
        classes: [...shown.classes],
        cut: shown.isCut,
      },
    };
  }

  async function bucketsOf(domain: string, { from, to, tag, by, per }: Omit<StatsQuery, 'domains'>) {
    const length = LENGTHS[per];
    const stretches = new Map<number, Stretch>();
    const rows: readonly SliceRowNames[] = by === 'tag' ? ['tags', 'dimensions'] : ['dimensions'];
    const range = bucketRange({ from, to }, per);
    for await (const slice of slices.list(domain, range.from, range.to, rows)) {
      const start = Math.floor(slice.start / length) * length;
      const held = stretches.get(start) ?? { rows: new Map(), details: new Map(), isOpen: false, isCut: false };
      stretches.set(start, held);
      held.isOpen ||= stateOf(slice) !== 'settled';
      held.isCut ||= isCut(slice, by);
      addRows(held.rows, rowsBy(slice, by), tag);
      const detail = DETAILS[by];
      if (detail) addRows(held.details, Object.entries(slice.dimensions[detail.of]), tag);
      if (tag !== undefined) countsOf(held.rows, tag);
    }
    const watermarks = await ledger.readWatermarks(domain);
    const endsAt = ends.get(domain) ?? Number.POSITIVE_INFINITY;
    const isOver = (start: number) =>
      watermarks !== undefined && watermarks.position >= Math.min(start + length, endsAt);
    return [...stretches].flatMap(([start, { rows, details, isOpen, isCut: cut }]) =>
      [...rows].toSorted(byName).map(([name, counts]): StatsBucket => {
        const detail = details.get(name);
        const shownAs = DETAILS[by]?.as;
        return {
          hour: new Date(start * 1000).toISOString(),
          domain,
          tag: by === 'tag' ? name : '*',
          ...((by === 'provider' || by === 'ip') && { [by]: name }),
          counts,
          ...(detail && shownAs && { [shownAs]: detail }),
          open: isOpen || !isOver(start),
          ...(cut && { cut }),
        };
      }),
    );
  }
}

/** Returns the rows of a slice; every event of ours has one provider, so their sum is the domain's. */
function rowsBy(
  { domain, tags, dimensions }: Pick<Slice, 'domain' | SliceRowNames>,
  by: StatsDimension,
): [string, Counts][] {
  if (by === 'domain') return Object.values(dimensions.provider).map((row) => [domain, row]);
  const rows: Rows = by === 'tag' ? tags : dimensions[by];
  return Object.entries(rows);
}

function isCut({ tags, dimensions }: Pick<Slice, SliceRowNames>, by: StatsDimension): boolean {
  if (by === 'domain') return false;
  if (by !== 'tag') return mayBeCut(dimensions[by]);
  return Object.keys(tags).length >= MAX_TAGS || lacksFailures(tags, dimensions);
}

function addRows(sum: Map<string, Counts>, rows: readonly [string, Counts][], only?: string): void {
  for (const [spelled, row] of rows) {
    const name = spelled.toLowerCase();
    if (only !== undefined && only !== name) continue;
    addAll(countsOf(sum, name), row);
  }
}

const isoTime = (seconds: number) => new Date(seconds * 1000).toISOString();

const byName = ([a]: [string, Counts], [b]: [string, Counts]) => (a < b ? -1 : 1);

function countsOf(rows: Map<string, Counts>, name: string): Counts {
  const counts = rows.get(name) ?? {};
  rows.set(name, counts);
  return counts;
}
