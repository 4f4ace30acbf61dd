import { PutCommand } from '@aws-sdk/lib-dynamodb';
import { createEventQueue, createQueueDepth } from '../../../lambdas/adapters/aws/messaging.ts';
import { createRestoreNotes } from '../../../lambdas/adapters/table/delivery-repository.ts';
import { createDomainRepository } from '../../../lambdas/adapters/table/domain-repository.ts';
import { conditionalWrite } from '../../../lambdas/adapters/table/ledger-table.ts';
import { createReconciliationStateRepository } from '../../../lambdas/adapters/table/reconciliation-state-repository.ts';
import { createSliceRepository } from '../../../lambdas/adapters/table/slice-repository.ts';
import { DAY_MS, MAX_SLICE_SECONDS } from '../../../lambdas/contract.ts';
import {
  daysOf,
  domainRecordsPrefix,
  ERASED_PREFIX,
  MANIFESTS_PREFIX,
  parseErasedKey,
  parseRecordKey,
  recordsPrefix,
} from '../../../lambdas/domain/archive/object-keys.ts';
import { eachOf } from '../../../lambdas/domain/concurrency.ts';
import { isHashed, keyPart, markerKey } from '../../../lambdas/domain/keys.ts';
import { withRestored } from '../../../lambdas/domain/ledger/ledger-domains.ts';
import { createLedgerNaming } from '../../../lambdas/domain/ledger/ledger-name.ts';
import { doubtfulIn, isUnsettled, type Slice } from '../../../lambdas/domain/ledger/slice.ts';
import { readErasureKey } from '../../access.ts';
import {
  checkErasureKey,
  type HistoryRow,
  openDeploymentArchive,
  openHistory,
  restoredMessages,
} from '../../archive/history.ts';
import type { ArchiveSource } from '../../certificates/archive-source.ts';
import { type CliContext, chosenDomains } from '../../command.ts';
import { UsageError } from '../../errors.ts';
import { retentionDaysOf, tableOf } from '../../ledger.ts';
import { counted, createEmit, createProgress, createProgressEmit, type Emit, number } from '../../output.ts';
import { PRICES } from '../../planning/prices.ts';
import { addEach, MAX_STALL_MS, WAIT_MS } from '../../resumable.ts';
import type { Deployment } from '../../target/types.ts';
import { timeText } from '../../time.ts';
import { costOf, NO_COUNTS, type ReplayCost } from './report.ts';

/** The counts of what was brought back from the archive, or in a plan would be. */
interface RestoredCounts {
  /** In table and archive together. */
  readonly events: number;
  /** Sent to the queue. */
  readonly sent: number;
  /**
   * Of those, older than the table's retention: they restore only statuses and suppressions. Null where a stack of an
   * earlier version does not say its retention.
   */
  readonly expired: number | null;
  /** Rows whose position is not known: of erased recipients, or named for another place than their event has. */
  readonly unplaced: number;
  /** Slices of the ledger that were written. */
  readonly slices: number;
  /** Erasure markers that were written. */
  readonly markers: number;
}

/** What was found, as it is added up. */
type FoundCounts = RestoredCounts & { readonly expired: number };

/** The lines of `replay --from-archive --json`. */
export type RestoreLine =
  | ({ event: 'progress'; domain: string; reached: string } & RestoredCounts)
  | { event: 'waiting'; messages: number }
  | { event: 'left'; domain: string; why: string }
  | { event: 'resume'; commands: string[] }
  | ({ event: 'restored'; complete: boolean } & RestoredCounts)
  | ({ event: 'plan'; complete: boolean; cost: ReplayCost } & RestoredCounts);

interface RestoreRequest {
  readonly from: number;
  readonly to: number;
  readonly domain: string | undefined;
  readonly plan: boolean;
  readonly json: boolean;
  /** Returns the command that continues from a time. */
  readonly commandFrom: (fromEpochSeconds: number, domain: string) => string;
}

const NOTHING: FoundCounts = { events: 0, sent: 0, expired: 0, unplaced: 0, slices: 0, markers: 0 };
const AT_ONCE = 16;
/** Nothing is sent into a longer queue, so that webhooks do not wait behind the archive. */
const BACKLOG_MESSAGES = 1000;

/**
 * Brings back what the archive holds and the table lacks, day by day: first who is erased, then the events of the day by
 * the queue, then its slices as they are. Repeated, or cut short and run again, it ends the same.
 */
export async function restoreFromArchive(
  context: CliContext,
  deployment: Deployment,
  request: RestoreRequest,
): Promise<number> {
  const archive = openDeploymentArchive(deployment);
  if (archive === undefined) throw new UsageError('this stack has no archive (seal.enabled)');
  const { plan } = request;
  // Slices do not cross an hour. A partial slice would come back without its record, or with one that counts too much.
  const from = Math.floor(request.from / MAX_SLICE_SECONDS) * MAX_SLICE_SECONDS;
  const to = Math.ceil(request.to / MAX_SLICE_SECONDS) * MAX_SLICE_SECONDS;
  const emit = createEmit<RestoreLine>(context, request.json);
  const note = createProgressEmit<RestoreLine>(context, request.json);
  const report = createProgress(context);
  const own = chosenDomains(deployment, undefined);
  const domains = await domainsOf(archive, own, request.domain);
  const days = [...daysOf(from * 1000, to * 1000)];
  const nameOf = createLedgerNaming(await readErasureKey(deployment));
  // Before anything is written: a table that took the records would seem complete.
  await checkErasureKey(archive, domains, days, { nameOf, signal: context.signal });
  const restorer = await createRestorer(deployment, archive, context, { emit, note }, { plan, nameOf });
  let found = { ...NOTHING, markers: await restorer.markers() };
  const isRetentionKnown = retentionDaysOf(deployment) !== undefined;
  const counts = (): RestoredCounts => (isRetentionKnown ? found : { ...found, expired: null });
  const rest: string[] = [];
  for (const domain of domains) {
    let reached = from;
    for (const { fromMs, toMs } of days) {
      if (!(await restorer.day(domain, fromMs, toMs, (more) => (found = addEach(found, more))))) break;
      reached = toMs / 1000;
      report(() =>
        note(
          { event: 'progress', domain, reached: timeText(reached), ...counts() },
          `${domain}  until ${timeText(reached)}  ${number(found.events)} events · ${number(found.sent)} sent`,
        ),
      );
    }
    if (!plan && !own.includes(domain)) await restorer.noteDomain(domain);
    if (reached < to) rest.push(request.commandFrom(reached, domain));
  }
  const complete = rest.length === 0;
  if (!complete) emit({ event: 'resume', commands: rest }, 'Continue with:', ...rest.map((command) => `  ${command}`));
  const sums = counts();
  if (plan) emit({ event: 'plan', complete, ...sums, cost: costOfRestoring(sums) }, ...planText(sums));
  else emit({ event: 'restored', complete, ...sums }, ...restoredText(sums));
  return complete ? 0 : 1;
}

/**
 * Returns the requested domain, or those of the stack and those that only the archive names: where the table is lost,
 * former and discovered ones are. Throws UsageError for a domain of neither.
 */
async function domainsOf(archive: ArchiveSource, own: readonly string[], requested: string | undefined) {
  if (requested !== undefined && own.includes(requested)) return [requested];
  const names = new Map(own.map((name) => [keyPart(name), name]));
  for await (const folder of archive.folders(MANIFESTS_PREFIX)) {
    const [, nameInKeys] = /^domain=(.+)$/.exec(folder) ?? [];
    if (nameInKeys !== undefined && !names.has(nameInKeys)) names.set(nameInKeys, await nameOf(archive, nameInKeys));
  }
  const all = [...names.values()];
  if (requested === undefined) return all;
  if (all.includes(requested)) return [requested];
  throw new UsageError(`--domain ${requested} is neither one of the stack's nor in its archive: ${all.join(', ')}`);
}

/** Returns the name of a domain; keys hold only the hash of a long one, so a record names it. */
async function nameOf(archive: ArchiveSource, nameInKeys: string): Promise<string> {
  if (!isHashed(nameInKeys)) return nameInKeys;
  for await (const key of archive.list(domainRecordsPrefix(nameInKeys))) {
    const text = await archive.readText(key);
    if (text !== undefined) return (JSON.parse(text) as Slice).domain;
  }
  return nameInKeys;
}

async function createRestorer(
  deployment: Deployment,
  archive: ArchiveSource,
  { signal, now, sleep }: CliContext,
  { emit, note }: Readonly<Record<'emit' | 'note', Emit<RestoreLine>>>,
  { plan, nameOf }: { plan: boolean; nameOf: ReturnType<typeof createLedgerNaming> },
) {
  const table = tableOf(deployment);
  const slices = createSliceRepository(table);
  const restores = createRestoreNotes(table);
  const ledger = createReconciliationStateRepository(table);
  const readDay = await openHistory(deployment);
  const { queues } = deployment.clients;
  const queue = createEventQueue(queues, deployment.output('QueueUrl'), true);
  /** Marks a slice so that later runs find it unfinished; before the slice is written, so that no crash hides it. */
  async function markUnsettled(slice: Slice): Promise<void> {
    const { domain, start, end, stuck } = slice;
    const nowMs = now();
    if (isUnsettled(slice))
      await ledger.putOpen(domain, { start, end, stuck, nextAt: nowMs, since: nowMs, isBackfill: true });
    if (doubtfulIn(slice) > 0) await ledger.putDoubt(domain, start);
  }
  const depth = createQueueDepth(queues, deployment.output('QueueUrl'));
  const keptMs = (retentionDaysOf(deployment) ?? 0) * DAY_MS;
  let hasGivenUp = false;
  const store = createDomainRepository(table);
  /** When the last slice that was found of a domain ends, in epoch seconds. */
  const sealedUntil = new Map<string, number>();

  return {
    /** Notes a domain that the table does not name, so that what was restored of it can be read. */
    async noteDomain(domain: string): Promise<void> {
      const until = sealedUntil.get(domain) ?? 0;
      if (until === 0) return;
      for (;;) {
        const known = await store.read();
        const next = withRestored(known, domain, until);
        if (next === known || (await store.write(next, known)) !== undefined) return;
      }
    },

    /** Writes the markers that the table lacks; returns how many. A plan writes none, and takes all as new. */
    async markers(): Promise<number> {
      // Before all else, so that nothing that is decided by a part of the archive is published as before the restore.
      if (!plan) await restores.noteBegin(now());
      const hashes: string[] = [];
      for await (const key of archive.list(ERASED_PREFIX)) hashes.push(...[parseErasedKey(key) ?? []].flat());
      let written = 0;
      await eachOf(hashes, AT_ONCE, async (hash) => {
        if (plan || (await putMarker(hash))) written += 1;
      });
      return written;
    },

    /** Brings back what a day, or a part of one, lacks; false where it was interrupted. */
    async day(domain: string, fromMs: number, toMs: number, onFound: (found: FoundCounts) => void) {
      const records = await recordsOf(domain, fromMs, toMs);
      sealedUntil.set(domain, Math.max(sealedUntil.get(domain) ?? 0, ...records.map(({ end }) => end)));
      const unconfirmed = new Map(
        records.flatMap(({ unconfirmedNames, passedAt }) => unconfirmedNames.map((name) => [name, passedAt] as const)),
      );
      for await (const rows of readDay(domain, fromMs, toMs)) {
        if (signal.aborted || !(await hasRoom(domain))) return false;
        onFound({ ...NOTHING, events: rows.length, ...(await send(domain, rows, unconfirmed)) });
      }
      if (signal.aborted) return false;
      let written = 0;
      await eachOf(records, AT_ONCE, async (slice) => {
        const known = await slices.read(domain, slice.start);
        if (known !== undefined) return;
        if (!plan) await markUnsettled(slice);
        if (plan || (await slices.write(slice, undefined))) written += 1;
      });
      onFound({ ...NOTHING, slices: written });
      return true;
    },
  };

  function putMarker(hash: string): Promise<boolean> {
    return conditionalWrite(() =>
      table.client.send(
        new PutCommand({
          TableName: table.name,
          Item: { ...markerKey(hash), markedAt: now() },
          ConditionExpression: 'attribute_not_exists(pk)',
        }),
      ),
    );
  }

  async function send(domain: string, rows: readonly HistoryRow[], unconfirmed: ReadonlyMap<string, number>) {
    const missing = rows.flatMap(({ row, isStored }) => (isStored ? [] : row));
    const messages = restoredMessages(missing, { domain, nameOf, unconfirmed });
    if (!plan) await eachOf(messages, AT_ONCE, queue.send);
    const expired = messages.filter(({ receivedAt }) => receivedAt + keptMs <= now()).length;
    return { sent: messages.length, expired, unplaced: missing.length - messages.length };
  }

  /** Returns the last record of each slice that starts in the time range. */
  async function recordsOf(domain: string, fromMs: number, toMs: number): Promise<Slice[]> {
    const last = new Map<number, { number: number; key: string }>();
    for await (const key of archive.list(recordsPrefix(domain, fromMs))) {
      const place = parseRecordKey(key);
      if (place === undefined || place.start * 1000 < fromMs || place.start * 1000 >= toMs) continue;
      if ((last.get(place.start)?.number ?? -1) < place.number) last.set(place.start, { number: place.number, key });
    }
    const found: Slice[] = [];
    await eachOf(last.values(), AT_ONCE, async ({ key }) => {
      const text = await archive.readText(key);
      if (text !== undefined) found.push(JSON.parse(text) as Slice);
    });
    return found;
  }

  /** Waits until the queue is short; false where it was interrupted, or the queue stayed long. */
  async function hasRoom(domain: string): Promise<boolean> {
    if (plan) return true;
    for (const untilMs = now() + MAX_STALL_MS; !signal.aborted && !hasGivenUp; await sleep(WAIT_MS)) {
      const messages = await depth.messages();
      if (messages <= BACKLOG_MESSAGES) return true;
      hasGivenUp = now() >= untilMs;
      if (hasGivenUp) {
        const why = 'stopped: the queue has a backlog, and stays so for 15 minutes';
        emit({ event: 'left', domain, why }, `${domain}  ${why}`);
      } else note({ event: 'waiting', messages }, `waiting: the queue holds ${counted(messages, 'message')}`);
    }
    return false;
  }
}

function costOfRestoring({ events, sent, slices }: RestoredCounts): ReplayCost {
  return costOf({ ...NO_COUNTS, slices, expected: events, missing: sent, sent });
}

function planText(counts: RestoredCounts): string[] {
  const { events, sent, slices, markers } = counts;
  const { dollars, writes, reads, queueRequests } = costOfRestoring(counts);
  return [
    'Plan: nothing was written, and nothing was sent.',
    `  events       ${number(events)} in table and archive together`,
    `  would send   ${number(sent)} to the queue`,
    ...expiredText(counts, '  '),
    `  would write  ${counted(slices, 'slice')}, ${counted(markers, 'erasure marker')} at most`,
    `  would cost   at most $${dollars.toFixed(4)}: ${number(writes)} writes, ${number(reads)} reads, ` +
      `${number(queueRequests)} queue requests (prices of ${PRICES.region}, ${PRICES.date})`,
    ...unplacedText(counts),
  ];
}

function restoredText(counts: RestoredCounts): string[] {
  const { events, sent, slices, markers } = counts;
  return [
    `Restored: of ${number(events)} events ${number(sent)} were sent to the queue; ` +
      `${counted(slices, 'slice')} and ${counted(markers, 'erasure marker')} were written.`,
    ...expiredText(counts),
    ...unplacedText(counts),
  ];
}

function expiredText({ sent, expired }: RestoredCounts, indent = ''): string[] {
  if (sent === 0 || expired === 0) return [];
  const which =
    expired === null
      ? 'those that have left the table (how many is not known: this stack does not say how long it keeps events; deploy this version to know)'
      : `of which ${counted(expired, 'event')} have left the table: they`;
  return [`${indent}${which} bring statuses and suppressions only`];
}

const unplacedText = ({ unplaced }: RestoredCounts) =>
  unplaced === 0
    ? []
    : [`${counted(unplaced, 'event')}, most of erased recipients, cannot be put back; the ledger has them.`];
