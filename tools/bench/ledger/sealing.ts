import { randomBytes } from 'node:crypto';
import { setInterval } from 'node:timers';
import { openParquetWriter } from '../../../lambdas/adapters/archive/parquet-file.ts';
import { packEvent, unpackEvent } from '../../../lambdas/adapters/table/events/event-codec.ts';
import { SALT_BYTES } from '../../../lambdas/domain/archive/row.ts';
import type { JsonObject } from '../../../lambdas/domain/canonical.ts';
import type { StoredKey } from '../../../lambdas/domain/events/day-index.ts';
import { identify } from '../../../lambdas/domain/events/identity.ts';
import { placeName } from '../../../lambdas/domain/ledger/ledger-name.ts';
import type { Slice } from '../../../lambdas/domain/ledger/slice.ts';
import { emptyTally, slicePassed } from '../../../lambdas/domain/ledger/tally.ts';
import { createChainWriter } from '../../../lambdas/seal/chain-writer.ts';
import type { EventObjects } from '../../../lambdas/seal/ports.ts';
import { createSealSlice } from '../../../lambdas/seal/seal-slice.ts';
import { createSliceRows } from '../../../lambdas/seal/slice-rows.ts';
import { InMemoryBucket, InMemorySealState } from '../../../test/support/in-memory-archive.ts';
import { ordinaryMail } from '../mail.ts';

/** What it took to seal one slice. */
export interface SealingFigures {
  events: number;
  /** Of all threads, garbage collection included. */
  cpuSeconds: number;
  seconds: number;
  /** Above what the process held before, which is the table's part. */
  peakMebibytes: number;
  bytesPerEvent: number;
}

const DOMAIN = 'mg.example.com';
const START = 1_793_750_400;
const SLICE_SECONDS = 900;
const SAMPLE_MS = 10;

/** Seals a slice of ordinary mail: real rows, Merkle tree and Parquet, with table and bucket in memory. */
export async function measureSealing(events: number): Promise<SealingFigures> {
  const stored = new Map<string, { key: StoredKey; raw: Uint8Array }>();
  let nth = 0;
  const now = () => START * 1000 + Math.floor((nth++ * SLICE_SECONDS * 1000) / events);
  for (const sent of ordinaryMail(events, DOMAIN, 1, now)) {
    const event = sent as JsonObject;
    const { partition, eventSort } = identify(event, DOMAIN);
    const key = { partition, eventSort, atMs: Math.floor(Number(event.timestamp) * 1000) };
    stored.set(placeName(key), { key, raw: packEvent(event) });
  }
  let written = 0;
  const objects: EventObjects = {
    begin() {
      const writer = openParquetWriter();
      return {
        add: async (rows) => writer.add(rows),
        async putIfAbsent() {
          const { sha256, bytes } = writer.end();
          written += bytes;
          return { sha256, bytes };
        },
        discard: async () => writer.remove(),
      };
    },
    open: async () => undefined,
  };
  const state = new InMemorySealState();
  const bucket = new InMemoryBucket();
  const facts = { receivedAtMs: START * 1000, source: 'webhook' as const, broughtByWebhook: true };
  const sealSlice = createSealSlice({
    ...{ state, bucket, objects, chain: createChainWriter({ bucket, state }), now: Date.now },
    rowsOf: createSliceRows({
      keys: {
        async *stored() {
          for (const { key } of stored.values()) yield key;
        },
      },
      events: {
        async lookUp(places) {
          const found = places.map(placeName).map((name) => [name, stored.get(name)] as const);
          return new Map(
            found.flatMap(([name, one]) => (one ? [[name, { ...facts, event: unpackEvent(one.raw) }]] : [])),
          );
        },
      },
      erasureKey: { read: async () => 'erasure-key' },
      noteErased: async () => {},
      newSalt: () => randomBytes(SALT_BYTES).toString('hex'),
      now: Date.now,
    }),
  });
  const bounds = { domain: DOMAIN, start: START, end: START + SLICE_SECONDS };
  const passed = { startedAtMs: START * 1000, nowMs: START * 1000, unlisted: false, isOld: true };
  const slice = slicePassed(bounds, undefined, emptyTally(), passed) as Slice;

  globalThis.gc?.();
  const heldBefore = process.memoryUsage.rss();
  let peak = heldBefore;
  const sampler = setInterval(() => (peak = Math.max(peak, process.memoryUsage.rss())), SAMPLE_MS);
  const cpuBefore = process.cpuUsage();
  const startedMs = performance.now();
  const outcome = await sealSlice(slice, { deadlineMs: Number.POSITIVE_INFINITY, assertHeld() {} });
  const seconds = (performance.now() - startedMs) / 1000;
  const { user, system } = process.cpuUsage(cpuBefore);
  clearInterval(sampler);
  peak = Math.max(peak, process.memoryUsage.rss());
  if (outcome.rows !== stored.size) throw new Error(`sealed ${outcome.rows} of ${stored.size} events`);
  return {
    events,
    cpuSeconds: (user + system) / 1e6,
    seconds,
    peakMebibytes: (peak - heldBefore) / 2 ** 20,
    bytesPerEvent: written / stored.size,
  };
}
