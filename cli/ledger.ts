import { QueryCommand } from '@aws-sdk/lib-dynamodb';
import { z } from 'zod';
import { readLedgerDomains } from '../lambdas/adapters/table/domain-repository.ts';
import type { LedgerTable } from '../lambdas/adapters/table/ledger-table.ts';
import { createReconciliationStateRepository } from '../lambdas/adapters/table/reconciliation-state-repository.ts';
import {
  createSliceFactsReader,
  createSliceRepository,
  createWitnessReader,
} from '../lambdas/adapters/table/slice-repository.ts';
import {
  ACCOUNT_DOMAINS,
  DAY_MS,
  INDEXES,
  MAX_SLICE_SECONDS,
  type SendingDomain,
  secondPassSeconds,
} from '../lambdas/contract.ts';
import { dayPartitions } from '../lambdas/domain/events/day-index.ts';
import { type DayShards, parseDayShards } from '../lambdas/domain/events/day-shards.ts';
import { parseDayIndexKey } from '../lambdas/domain/keys.ts';
import type { Completeness } from '../lambdas/domain/ledger/completeness.ts';
import { total } from '../lambdas/domain/ledger/counts.ts';
import { formerDomains, type LedgerDomains } from '../lambdas/domain/ledger/ledger-domains.ts';
import { doubtfulIn, isDue, type Slice, sliceFrom, stateOf, unconfirmedIn } from '../lambdas/domain/ledger/slice.ts';
import { type JudgedHour, judgeHours } from '../lambdas/domain/ledger/witness.ts';
import { createConfirmedCheck } from '../lambdas/read-api/messages/confirmed.ts';
import { awsSentence, TargetUnavailableError } from './errors.ts';
import { type Deployment, hasOutput } from './target/types.ts';

/** Completeness of one domain. */
interface DomainLedger {
  readonly domain: string;
  /** `unknown`: no ledger is kept, or it is behind. */
  readonly completeness: Completeness;
  /** Epoch seconds up to which everything is judged; undefined where no ledger is kept. */
  readonly judgedUntil: number | undefined;
  /** Epoch seconds from which on the sums count. */
  readonly since: number;
  readonly expected: number;
  readonly missing: number;
  readonly lost: number;
  /** Epoch seconds: the slices with lost events lie between them; undefined without any. */
  readonly lostBetween: { readonly from: number; readonly to: number } | undefined;
  /** Stored, not listed by Mailgun, and past the second pass; of any time, as the alarm counts them. */
  readonly unconfirmed: number;
  /** Stored otherwise than Mailgun lists; of any time. */
  readonly altered: number;
  readonly openSlices: number;
  /** Open slices of which Mailgun listed more before. */
  readonly shortSlices: number;
  readonly stuck: number;
  /** Epoch seconds at which the first slice with a stuck event begins; undefined without any. */
  readonly stuckFrom: number | undefined;
  readonly lastSlice: Slice | undefined;
  /** The hours that Mailgun's own counts were compared in. */
  readonly witness: readonly JudgedHour[];
}

/** Reads the ledger from two second passes ago on, since only then is an event called unconfirmed. */
export async function readDomainLedger(
  deployment: Deployment,
  domain: string,
  times: LedgerSettings,
  nowMs: number,
): Promise<DomainLedger> {
  const table = tableOf(deployment);
  const ledger = createReconciliationStateRepository(table);
  const [watermarks, { open }] = await Promise.all([ledger.readWatermarks(domain), ledger.readMarkers(domain)]);
  const since = Math.floor(nowMs / 1000) - 2 * secondPassSeconds(times.retentionSeconds) - times.settleSeconds;
  const sums = { expected: 0, missing: 0, lost: 0, unconfirmed: 0, altered: 0, shortSlices: 0 };
  const slices = createSliceRepository(table);
  const addOpen = (slice: Slice) => {
    sums.missing += total(slice.missing);
    if (stateOf(slice) === 'short') sums.shortSlices += 1;
  };
  const nowSeconds = Math.ceil(nowMs / 1000);
  let lastSlice: Slice | undefined;
  let lostBetween: DomainLedger['lostBetween'];
  const counted: Parameters<typeof judgeHours>[0][number][] = [];
  for await (const slice of slices.list(domain, since, nowSeconds)) {
    lastSlice = slice;
    const { start, end, expected, accepted } = slice;
    counted.push({ start, end, expected, accepted, state: stateOf(slice) });
    sums.expected += total(slice.expected);
    addOpen(slice);
    sums.lost += total(slice.lost);
    if (total(slice.lost) > 0) lostBetween = { from: lostBetween?.from ?? start, to: end };
  }
  // An open slice is open at any age.
  for (const { start } of open.filter(({ end }) => end <= since)) {
    const slice = await slices.read(domain, start);
    if (slice !== undefined) addOpen(slice);
  }
  for await (const slice of readDoubtful(table, domain)) {
    sums.unconfirmed += unconfirmedIn(slice);
    sums.altered += total(slice.altered);
  }
  const isIncomplete = open.length > 0 || sums.missing > 0;
  const isKnown = watermarks !== undefined && !isBehind(watermarks.position, times, nowMs);
  return {
    domain,
    completeness: isIncomplete ? 'incomplete' : isKnown ? 'complete' : 'unknown',
    judgedUntil: watermarks?.position,
    since,
    ...sums,
    lostBetween,
    openSlices: open.length,
    stuck: open.reduce((sum, { stuck }) => sum + stuck, 0),
    stuckFrom: open.filter(({ stuck }) => stuck > 0).reduce(earliest, undefined),
    lastSlice,
    witness: judgeHours(counted, await createWitnessReader(table).read(domain, since, nowSeconds), nowSeconds),
  };
}

const earliest = (first: number | undefined, { start }: { readonly start: number }) =>
  first === undefined ? start : Math.min(first, start);

/** Yields the slices of a domain that the alarm unconfirmed counts, whatever their age. */
export async function* readDoubtful(table: LedgerTable, domain: string): AsyncGenerator<Slice> {
  const slices = createSliceRepository(table);
  for (const start of await createReconciliationStateRepository(table).readDoubts(domain)) {
    const slice = await slices.read(domain, start);
    if (slice !== undefined && doubtfulIn(slice) > 0) yield slice;
  }
}

/** Returns the slice that holds a second; undefined where the ledger has none. */
export async function sliceAt(
  slices: ReturnType<typeof createSliceRepository>,
  domain: string,
  atSeconds: number,
): Promise<Slice | undefined> {
  for await (const slice of slices.list(domain, atSeconds - MAX_SLICE_SECONDS, atSeconds + 1)) {
    if (slice.start <= atSeconds && atSeconds < slice.end) return slice;
  }
  return undefined;
}

/** Returns true if the next slice has waited for longer than two runs. */
function isBehind(
  position: number,
  { everySeconds, settleSeconds, sliceSeconds }: LedgerSettings,
  nowMs: number,
): boolean {
  return isDue(sliceFrom(position, sliceSeconds), settleSeconds + 2 * everySeconds, nowMs);
}

const times = z.object({
  everySeconds: z.number(),
  settleSeconds: z.number(),
  sliceSeconds: z.number(),
  retentionSeconds: z.number(),
});

/** The stack's settings of its ledger. */
export type LedgerSettings = z.infer<typeof times>;

export function ledgerTimes(deployment: Deployment): LedgerSettings {
  const parsed = times.safeParse(JSON.parse(deployment.output('LedgerTimes')));
  if (!parsed.success)
    throw new TargetUnavailableError(`the output LedgerTimes of ${deployment.stackName} is of another version`);
  return parsed.data;
}

/** Returns when the ledger of a former domain ended, in epoch seconds; undefined for any other domain. */
export async function readLedgerEnd(deployment: Deployment, domain: string): Promise<number | undefined> {
  if (deployment.domains.includes(domain)) return undefined;
  const { domains } = await readLedgerDomains(tableOf(deployment));
  return domains.find(({ name }) => name === domain)?.goneAt;
}

/** Returns the deployment's table for the adapters. */
export const tableOf = (deployment: Deployment): LedgerTable => ({
  client: deployment.clients.table,
  name: deployment.output('TableName'),
  shards: shardsOf(deployment),
});

function shardsOf(deployment: Deployment): DayShards {
  return hasOutput(deployment, 'DayShards') ? parseDayShards(deployment.output('DayShards')) : [];
}

/** Returns a check of whether Mailgun lists events of the deployment. */
export function confirmedCheckOf(deployment: Deployment, now: () => number) {
  const table = tableOf(deployment);
  return createConfirmedCheck(createSliceFactsReader(table), createReconciliationStateRepository(table), {
    ...ledgerTimes(deployment),
    retentionDays: retentionDaysOf(deployment),
    now,
  });
}

/** Returns how long the table keeps events; undefined for a stack that an earlier version deployed. */
export function retentionDaysOf(deployment: Deployment): number | undefined {
  return hasOutput(deployment, 'RetentionDays') ? Number(deployment.output('RetentionDays')) : undefined;
}

interface LastEvent {
  readonly type: string;
  /** Epoch milliseconds at which it happened. */
  readonly atMs: number;
}

/** An older event does not show if webhooks arrive. */
export const LOOKBACK_DAYS = 2;

/** Returns the newest stored event of a domain: one index read per type and day, without reading the events. */
export async function readLastEvent(
  deployment: Deployment,
  domain: string,
  nowMs: number,
): Promise<LastEvent | undefined> {
  const days = dayPartitions(domain, nowMs - LOOKBACK_DAYS * DAY_MS, nowMs, shardsOf(deployment)).reverse();
  for (const partitions of days) {
    const found = await Promise.all(partitions.map((partition) => readNewest(deployment, partition, nowMs)));
    const events = found.filter((event) => event !== undefined);
    if (events.length > 0) return events.reduce((newest, event) => (event.atMs > newest.atMs ? event : newest));
  }
  return undefined;
}

async function readNewest(deployment: Deployment, partition: string, nowMs: number): Promise<LastEvent | undefined> {
  const { byDay } = INDEXES;
  const { client, name } = tableOf(deployment);
  const { Items = [] } = await client.send(
    new QueryCommand({
      TableName: name,
      IndexName: byDay.name,
      KeyConditionExpression: '#day = :day AND #at <= :now',
      ExpressionAttributeNames: { '#day': byDay.partitionKey, '#at': byDay.sortKey },
      ExpressionAttributeValues: { ':day': partition, ':now': nowMs },
      ScanIndexForward: false,
      Limit: 1,
    }),
  );
  const [item] = Items;
  return item && { type: parseDayIndexKey(partition).type, atMs: item[byDay.sortKey] as number };
}

interface StackDomains {
  /** Those that Mailgun has. */
  readonly atMailgun: readonly SendingDomain[];
  /** Others under which events may be stored; throws where they cannot be read. */
  readonly further: readonly string[];
  /** Those of them that have or had a ledger. */
  readonly former: readonly SendingDomain[];
  /** Set if the domains with a ledger come from Mailgun. */
  readonly discovered?: LedgerDomains;
}

/** Returns the domains of a stack: those of its output `Domains`, or those that it has found at Mailgun. */
export async function readStackDomains(output: string, table: LedgerTable): Promise<StackDomains> {
  const configured = JSON.parse(output) as SendingDomain[] | typeof ACCOUNT_DOMAINS;
  const read = readLedgerDomains(table, true).catch((cause) => {
    const why = awsSentence(cause) ?? (cause as Error).message;
    return new TargetUnavailableError(`the domains of the stack cannot be read: ${why}`, { cause });
  });
  const discovered = await read;
  if (configured !== ACCOUNT_DOMAINS) return withFormer(configured, discovered);
  if (discovered instanceof Error) throw discovered;
  const { domains, undiscovered } = discovered;
  const gone = domains.filter(({ goneAt }) => goneAt !== undefined);
  return {
    atMailgun: domains.filter(({ goneAt }) => goneAt === undefined),
    further: [...new Set([...gone, ...undiscovered].map(({ name }) => name))],
    former: gone,
    discovered,
  };
}

/** Many commands need no former domain, so they work where the table cannot be read. */
function withFormer(configured: readonly SendingDomain[], known: LedgerDomains | Error): StackDomains {
  const names = configured.map(({ name }) => name);
  const former = known instanceof Error ? [] : formerDomains(known, names);
  return {
    atMailgun: configured,
    former,
    get further() {
      if (known instanceof Error) throw known;
      return former.map(({ name }) => name);
    },
  };
}
