import { createDayIndexRepository, mergeSorted } from '../../lambdas/adapters/table/day-index-repository.ts';
import { createErasureRepository } from '../../lambdas/adapters/table/event-repository.ts';
import { createStoredEventRepository } from '../../lambdas/adapters/table/stored-event-repository.ts';
import type { ArchiveRow } from '../../lambdas/domain/archive/archive-row.ts';
import { isBefore } from '../../lambdas/domain/archive/check-object.ts';
import { erasedAs, rowErasure } from '../../lambdas/domain/archive/erased-row.ts';
import { dayPrefix, type ObjectPlace, parseObjectKey } from '../../lambdas/domain/archive/object-keys.ts';
import { identify } from '../../lambdas/domain/events/identity.ts';
import type { QueueMessage } from '../../lambdas/domain/events/queue-message.ts';
import type { JsonObject } from '../../lambdas/domain/json.ts';
import { eventSort } from '../../lambdas/domain/keys.ts';
import { createLedgerNaming, placeName } from '../../lambdas/domain/ledger/ledger-name.ts';
import { namedAddresses } from '../../lambdas/domain/recipients/erasure.ts';
import type { EventKeys, SealableEvents } from '../../lambdas/seal/ports.ts';
import { inOrder, type NamedKey, rowOfStored } from '../../lambdas/seal/slice-rows.ts';
import { readErasureKey } from '../access.ts';
import { type ArchiveSource, archiveIn, rowGroups } from '../certificates/archive-source.ts';
import { TargetUnavailableError } from '../errors.ts';
import { tableOf } from '../ledger.ts';
import { type Deployment, hasOutput } from '../target/types.ts';
import { timeText } from '../time.ts';

/** An event of the table, the archive, or both. */
export interface HistoryRow {
  row: ArchiveRow;
  /** True if the table holds it. */
  isStored: boolean;
}

interface HistoryDeps {
  /** Undefined without an archive. */
  archive: Pick<ArchiveSource, 'list' | 'open'> | undefined;
  keys: EventKeys;
  events: SealableEvents;
  erasures: {
    /** Returns those of the addresses that are erased. */
    among(addresses: readonly string[]): Promise<string[]>;
  };
  erasureKey: { read(): Promise<string> };
}

/**
 * Yields the events of a domain from one time on and before another (epoch milliseconds, of one UTC day), by time, each
 * once, a chunk at a time. Where table and archive hold an event, the table's copy counts: what was erased is so there
 * first, and what was corrected after it was sealed is so there alone. Of an erased recipient only the tombstone is left,
 * wherever the erasure has got to.
 */
export type ReadDay = (domain: string, fromMs: number, toMs: number) => AsyncGenerator<HistoryRow[]>;

const CHUNK = 500;
/** Events that are looked up by one call. */
const LOOK_UP = 100;

export function createHistory({ archive, keys, events, erasures, erasureKey }: HistoryDeps): ReadDay {
  const check = createCheck({ events, erasures });
  return async function* (domain, fromMs, toMs) {
    const secret = await erasureKey.read();
    const nameOf = createLedgerNaming(secret);
    const isInRange = ({ row: { atMs } }: HistoryRow) => atMs >= fromMs && atMs < toMs;
    const lanes = archive === undefined ? [] : await openLanes(archive, dayPrefix(domain, fromMs), [fromMs, toMs]);
    const table = storedRows(inOrder(keys.stored(domain, fromMs, toMs - 1), nameOf));
    const merged = withoutRepeats(mergeSorted([table, ...lanes], (one, other) => isBefore(one.row, other.row)));
    try {
      for await (const chunk of inChunks(merged, CHUNK)) yield await check(domain, chunk.filter(isInRange), secret);
    } finally {
      // Objects are temporary files, which stay where a reader stops early.
      await Promise.all(lanes.map((lane) => lane.return(undefined)));
    }
  };

  async function* storedRows(named: AsyncIterable<NamedKey>): AsyncGenerator<HistoryRow> {
    for await (const chunk of inChunks(named, LOOK_UP)) {
      const found = await events.lookUp(chunk.map(({ key }) => key));
      for (const each of chunk) {
        const stored = found.get(placeName(each.key));
        // The index may still name what was removed since.
        if (stored !== undefined) yield { row: rowOfStored(each, stored, ''), isStored: true };
      }
    }
  }
}

/**
 * Yields the rows of a day that only the archive holds, of those that are wanted: of the others nothing is looked up in
 * the table. In no order.
 */
type ReadArchivedDay = (
  domain: string,
  fromMs: number,
  toMs: number,
  isWanted: (row: ArchiveRow) => boolean,
) => AsyncGenerator<ArchiveRow[]>;

export function createArchivedHistory(
  deps: Omit<HistoryDeps, 'keys' | 'archive'> & { archive: NonNullable<HistoryDeps['archive']> },
): ReadArchivedDay {
  const check = createCheck(deps);
  return async function* (domain, fromMs, toMs, isWanted) {
    const secret = await deps.erasureKey.read();
    const lanes = await openLanes(deps.archive, dayPrefix(domain, fromMs), [fromMs, toMs]);
    for (const lane of lanes) {
      try {
        for await (const chunk of inChunks(lane, CHUNK)) {
          const wanted = chunk.filter(({ row }) => row.atMs >= fromMs && row.atMs < toMs && isWanted(row));
          // Also where none is, so that a reader can stop in the midst of a day.
          yield wanted.length === 0 ? [] : (await check(domain, wanted, secret)).map(({ row }) => row);
        }
      } finally {
        // An object is a temporary file, which stays where a reader stops early.
        await lane.return(undefined);
      }
    }
  };
}

/** Leaves out what the table holds under another time, and takes erased recipients out of the others. */
function createCheck({ events, erasures }: Pick<HistoryDeps, 'events' | 'erasures'>) {
  return async (domain: string, chunk: readonly HistoryRow[], secret: string): Promise<HistoryRow[]> => {
    const parsed = chunk.map((each) => ({ ...each, event: eventOf(each.row) }));
    const unstored = parsed.filter(({ isStored, event }) => !isStored && event !== undefined);
    const places = unstored.map(({ event }) => identify(event as JsonObject, domain));
    const stored = await events.lookUp(places);
    const addresses = new Set(parsed.flatMap(({ event }) => (event === undefined ? [] : namedAddresses(event))));
    const erased = new Set(await erasures.among([...addresses]));
    return parsed.flatMap(({ row, isStored, event }) => {
      if (event === undefined) return [{ row, isStored }];
      if (!isStored && stored.has(placeName(identify(event, domain)))) return [];
      const named = namedAddresses(event).filter((address) => erased.has(address));
      return [{ row: named.reduce((left, address) => rowErasure(address, domain, secret)(left), row), isStored }];
    });
  };
}

const eventOf = (row: ArchiveRow) =>
  row.event === null || erasedAs(row) !== undefined ? undefined : (JSON.parse(row.event) as JsonObject);

/**
 * Opens the objects of a day. Slices do not overlap, so objects of the same number are one sorted stream, of which one
 * object is open at a time.
 */
async function openLanes(
  archive: Pick<ArchiveSource, 'list' | 'open'>,
  prefix: string,
  [fromMs, toMs]: [number, number],
): Promise<AsyncGenerator<HistoryRow>[]> {
  const lanes = new Map<number, (ObjectPlace & { key: string })[]>();
  for await (const key of archive.list(prefix)) {
    const place = parseObjectKey(key);
    if (place === undefined || place.start * 1000 >= toMs) continue;
    lanes.set(place.number, [...(lanes.get(place.number) ?? []), { ...place, key }]);
  }
  return [...lanes.values()].map((objects) => {
    const ascending = objects.sort((a, b) => a.start - b.start);
    // An object ends before the next of its number begins.
    const first = ascending.findLastIndex(({ start }) => start * 1000 <= fromMs);
    return rowsOf(archive, ascending.slice(Math.max(first, 0)));
  });
}

async function* rowsOf(
  archive: Pick<ArchiveSource, 'open'>,
  objects: readonly { key: string }[],
): AsyncGenerator<HistoryRow> {
  let before: ArchiveRow | undefined;
  for (const { key } of objects) {
    for await (const group of rowGroups(archive, key)) {
      for (const row of group) {
        if (before !== undefined && !isBefore(before, row))
          throw new TargetUnavailableError(
            `the rows of ${key} are not in order; run verify --archive to see what is wrong`,
          );
        before = row;
        yield { row, isStored: false };
      }
    }
  }
}

/** Yields the first of several rows that name one event. */
async function* withoutRepeats(rows: AsyncIterable<HistoryRow>): AsyncGenerator<HistoryRow> {
  let before: ArchiveRow | undefined;
  for await (const each of rows) {
    if (before?.name === each.row.name && before.atMs === each.row.atMs) continue;
    before = each.row;
    yield each;
  }
}

async function* inChunks<Value>(values: AsyncIterable<Value>, size: number): AsyncGenerator<Value[]> {
  let chunk: Value[] = [];
  for await (const value of values) {
    if (chunk.push(value) < size) continue;
    yield chunk;
    chunk = [];
  }
  if (chunk.length > 0) yield chunk;
}

/** Opens table and archive of a deployment as one. */
export async function openHistory(deployment: Deployment): Promise<ReadDay> {
  const keys = createDayIndexRepository(tableOf(deployment));
  return createHistory({ archive: openDeploymentArchive(deployment), keys, ...(await openTableSide(deployment)) });
}

/** Opens what only the archive of a deployment holds; undefined where it has none. */
export async function openArchivedHistory(deployment: Deployment): Promise<ReadArchivedDay | undefined> {
  const archive = openDeploymentArchive(deployment);
  return archive && createArchivedHistory({ archive, ...(await openTableSide(deployment)) });
}

async function openTableSide(deployment: Deployment) {
  const secret = await readErasureKey(deployment);
  const table = tableOf(deployment);
  const erasureKey = { read: async () => secret };
  return {
    events: createStoredEventRepository(table),
    erasures: createErasureRepository(table, erasureKey),
    erasureKey,
  };
}

/** Opens the archive of a deployment; undefined where it has none. */
export function openDeploymentArchive(deployment: Deployment): ArchiveSource | undefined {
  if (!hasOutput(deployment, 'ArchiveBucketName')) return undefined;
  return archiveIn({ client: deployment.clients.archive, name: deployment.output('ArchiveBucketName') });
}

/** The dependencies that turn rows of the archive into messages. */
interface Restoring {
  readonly domain: string;
  readonly nameOf: ReturnType<typeof createLedgerNaming>;
  /** Since when (epoch milliseconds) events are unconfirmed, by their names. */
  readonly unconfirmed: ReadonlyMap<string, number>;
}

/** Returns the queue messages that restore archived rows, except rows that name another place than their event has. */
export function restoredMessages(rows: readonly ArchiveRow[], restoring: Restoring): QueueMessage[] {
  return rows.flatMap((row) => restoredMessage(row, restoring) ?? []);
}

/**
 * Throws TargetUnavailableError where no row that was sealed in some time ranges (as `daysOf` gives them) has the name
 * that the erasure key gives its event, and one at least should: then the names of all are by another key. Single ones
 * may be of events that an earlier version placed elsewhere.
 */
export async function checkErasureKey(
  archive: Pick<ArchiveSource, 'list' | 'open'>,
  domains: readonly string[],
  days: readonly { fromMs: number; toMs: number }[],
  { nameOf, signal }: Pick<Restoring, 'nameOf'> & { signal: AbortSignal },
): Promise<void> {
  let foreign: string | undefined;
  for (const domain of domains) {
    for (const { fromMs, toMs } of days) {
      for await (const key of archive.list(dayPrefix(domain, fromMs))) {
        const startMs = (parseObjectKey(key)?.start ?? 0) * 1000;
        if (startMs < fromMs || startMs >= toMs) continue;
        for await (const group of rowGroups(archive, key)) {
          if (signal.aborted) return;
          for (const row of group) {
            // The row of an erased recipient says itself what its name is made of, without the key.
            if (row.salt === null) continue;
            if (placed(row, domain, nameOf) !== undefined) return;
            foreign ??= `${domain} from ${timeText(Math.floor(row.atMs / 1000))} on`;
          }
        }
      }
    }
  }
  if (foreign === undefined) return;
  throw new TargetUnavailableError(
    `no archived event of ${foreign} has the name that this stack's erasure key gives it: the archive was written under another one`,
  );
}

/** Returns the event of a row as it is stored, or undefined where the row names another place than that of its event. */
function placed(row: ArchiveRow, domain: string, nameOf: Restoring['nameOf']) {
  if (row.event === null) return undefined;
  const erased = erasedAs(row);
  const { 'erased-recipient': _erased, ...event } = JSON.parse(row.event) as JsonObject;
  const identity = identify(event, domain);
  const place = erased === undefined ? identity : { ...identity, eventSort: eventSort(erased, identity.eventKey) };
  return nameOf(place) === row.name ? { event, erased } : undefined;
}

function restoredMessage(row: ArchiveRow, { domain, nameOf, unconfirmed }: Restoring): QueueMessage | undefined {
  const found = placed(row, domain, nameOf);
  if (found === undefined) return undefined;
  const { event, erased } = found;
  const unconfirmedSince = unconfirmed.get(row.name);
  const facts = {
    atMs: row.atMs,
    byWebhook: row.byWebhook,
    ...(unconfirmedSince !== undefined && { unconfirmedSince }),
  };
  return {
    source: row.source,
    receivedAt: row.receivedAtMs,
    domain,
    event,
    restored: { ...facts, ...(erased !== undefined && { erasedAs: erased }) },
  };
}
