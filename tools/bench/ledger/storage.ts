import { randomUUID } from 'node:crypto';
import { createClaimRepository } from '../../../lambdas/adapters/table/claim-repository.ts';
import { createEventRepository } from '../../../lambdas/adapters/table/event-repository.ts';
import { createSliceRepository } from '../../../lambdas/adapters/table/slice-repository.ts';
import { eventHash } from '../../../lambdas/domain/canonical-json.ts';
import type { JsonObject } from '../../../lambdas/domain/json.ts';
import { isClaimSort, isEventPartition, parseMessageSort } from '../../../lambdas/domain/keys.ts';
import { emptyTally, slicePassed } from '../../../lambdas/domain/ledger/tally.ts';
import { claimExpiry } from '../../../lambdas/domain/webhooks/claim.ts';
import { claimKey } from '../../../lambdas/domain/webhooks/signature.ts';
import { createProcess } from '../../../lambdas/process/process.ts';
import { InMemoryBucket } from '../../../test/support/archive/in-memory-archive.ts';
import { createTableSeal } from '../../../test/support/archive/table-seal.ts';
import { LONE_PROCESS } from '../../../test/support/fixtures/erasures.ts';
import { DOMAIN } from '../../../test/support/fixtures/webhooks.ts';
import type { TestEngines } from '../../../test/support/stacks/engines.ts';
import { signedNow } from '../../../test/support/stacks/local-stack.ts';
import { request } from '../../local-stack/engines/engine.ts';
import { ordinaryMail } from '../traffic-mix.ts';
import { countUndisturbed } from '../undisturbed.ts';
import { type StoredBytes, storedBytes, type TypedItem } from './item-size.ts';

/** Item types that a webhook leaves in the table. */
export type ItemKind = 'events' | 'statuses' | 'others' | 'claims';

export interface Storage extends StorageFigures {
  readonly command: string;
  readonly date: string;
  readonly machine: string;
}

export interface StorageFigures {
  readonly webhooks: number;
  /** Average bytes per webhook, as AWS bills them. */
  readonly bytes: Readonly<Record<ItemKind, StoredBytes>>;
  readonly sealing: {
    /** Read units of the table per event. */
    readonly readUnitsPerEvent: number;
    /** Usage per slice in addition to its events. */
    readonly perSlice: SealUsage;
    /** Usage of a run that finds nothing to seal. */
    readonly perRun: SealUsage;
  };
}

/** Table units and bucket requests. */
export interface SealUsage {
  readonly readUnits: number;
  readonly writeUnits: number;
  readonly puts: number;
  readonly reads: number;
}

const START = 1_793_750_400;
const SLICE_SECONDS = 900;
const DAY = 86_400;
const AT_ONCE = 12;

/** Stores ordinary mail in a table as process does, counts what stays, and seals it. */
export function measureStorage(webhooks: number): Promise<StorageFigures> {
  return countUndisturbed(async (engines) => {
    await store(engines, webhooks);
    const bytes = await bytesByKind(engines, webhooks);
    const sealing = await measureSeal(engines, webhooks);
    return { webhooks, bytes, sealing };
  });
}

async function store({ table }: TestEngines, webhooks: number): Promise<void> {
  const records = createEventRepository(table);
  const process = createProcess({ ...LONE_PROCESS, records, retentionDays: 90, stragglers: NO_STRAGGLERS });
  const claims = createClaimRepository(table);
  let nth = 0;
  const now = () => START * 1000 + Math.floor((nth++ * SLICE_SECONDS * 1000) / webhooks);
  const mail = ordinaryMail(webhooks, DOMAIN, 1, now);
  await Promise.all(
    Array.from({ length: AT_ONCE }, async () => {
      for (let next = mail.next(); !next.done; next = mail.next()) {
        const event = next.value as JsonObject;
        const signature = signedNow();
        const [key, hash] = [claimKey(signature), eventHash(event)];
        await claims.claim({ key, id: randomUUID(), hash, expiresAt: claimExpiry(signature.timestamp) }, START);
        const receivedAt = Math.floor(Number(event.timestamp) * 1000) + 900;
        await process({ source: 'webhook', domain: DOMAIN, event, receivedAt });
      }
    }),
  );
}

const NO_STRAGGLERS = { ledgerStart: async () => START, note: async () => {} };

async function bytesByKind({ raw, table }: TestEngines, webhooks: number): Promise<StorageFigures['bytes']> {
  const none = () => ({ items: 0, entries: 0 });
  const sums = { events: none(), statuses: none(), others: none(), claims: none() };
  let stored = 0;
  let ExclusiveStartKey: unknown;
  do {
    const page = await request<{ Items: TypedItem[]; LastEvaluatedKey?: unknown }>(raw.dynamodb, 'Scan', {
      TableName: table.name,
      ExclusiveStartKey,
    });
    for (const item of page.Items) {
      const kind = kindOf(item);
      const { items, entries } = storedBytes(item);
      sums[kind].items += items / webhooks;
      sums[kind].entries += entries / webhooks;
      if (kind === 'events') stored += 1;
    }
    ExclusiveStartKey = page.LastEvaluatedKey;
  } while (ExclusiveStartKey !== undefined);
  if (stored !== webhooks) throw new Error(`stored ${stored} of ${webhooks} events`);
  return sums;
}

function kindOf(item: TypedItem): ItemKind {
  const text = (name: string) => (item[name] as { S?: string } | undefined)?.S ?? '';
  const [pk, sk] = [text('pk'), text('sk')];
  if (isClaimSort(sk)) return 'claims';
  if (!isEventPartition(pk)) return 'others';
  return parseMessageSort(sk).isStatus ? 'statuses' : 'events';
}

async function measureSeal({ table, usage }: TestEngines, webhooks: number): Promise<StorageFigures['sealing']> {
  const nowMs = (START + 3 * DAY) * 1000;
  const slices = createSliceRepository(table);
  const pass = async (nth: number) => {
    const start = START + nth * SLICE_SECONDS;
    const bounds = { domain: DOMAIN, start, end: start + SLICE_SECONDS };
    const passed = { startedAtMs: nowMs - DAY * 1000, nowMs: nowMs - DAY * 1000, unlisted: false, isOld: true };
    await slices.write(slicePassed(bounds, undefined, emptyTally(), passed), undefined);
  };
  const [puts, reads] = [new Set(['putTextIfAbsent']), new Set(['readText', 'open'])];
  let requests = { puts: 0, reads: 0 };
  const stored = new InMemoryBucket();
  const counted = new Proxy(stored, {
    get(target, name) {
      if (puts.has(String(name))) requests.puts += 1;
      if (reads.has(String(name))) requests.reads += 1;
      const member = Reflect.get(target, name);
      // Bound to the proxy, so that objects put as text count too.
      return typeof member === 'function' ? member.bind(counted) : member;
    },
  });
  const reachSeconds = 400 * DAY;
  const seal = createTableSeal({ table }, { bucket: counted, objects: counted }, nowMs, { reachSeconds });
  const run = async (sealed: number): Promise<SealUsage> => {
    const before = usage.total().capacity;
    requests = { puts: 0, reads: 0 };
    const report = await seal();
    if (report.busy || report.sealed !== sealed) throw new Error(`sealed: ${JSON.stringify(report)}`);
    const after = usage.total().capacity;
    return { readUnits: after.read - before.read, writeUnits: after.write - before.write, ...requests };
  };
  await pass(0);
  const full = await run(1);
  const idle = await run(0);
  await pass(1);
  const empty = await run(1);
  const beyond = (one: SealUsage, other: SealUsage): SealUsage => ({
    readUnits: one.readUnits - other.readUnits,
    writeUnits: one.writeUnits - other.writeUnits,
    puts: one.puts - other.puts,
    reads: one.reads - other.reads,
  });
  const perSlice = beyond(empty, idle);
  return {
    readUnitsPerEvent: (full.readUnits - empty.readUnits) / webhooks,
    // A slice with events has an object too.
    perSlice: { ...perSlice, puts: full.puts - idle.puts, reads: full.reads - idle.reads },
    perRun: idle,
  };
}
