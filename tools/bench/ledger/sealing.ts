import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { closeSync, createReadStream, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setInterval } from 'node:timers';
import { SALT_BYTES } from '../../../lambdas/domain/archive/archive-row.ts';
import { identify } from '../../../lambdas/domain/events/identity.ts';
import type { JsonObject } from '../../../lambdas/domain/json.ts';
import { placeName } from '../../../lambdas/domain/ledger/ledger-name.ts';
import type { Slice } from '../../../lambdas/domain/ledger/slice.ts';
import { emptyTally, slicePassed } from '../../../lambdas/domain/ledger/tally.ts';
import { packEvent, unpackEvent } from '../../../lambdas/formats/packed-event.ts';
import { openParquetWriter } from '../../../lambdas/formats/parquet.ts';
import { createChainWriter } from '../../../lambdas/seal/chain-writer.ts';
import type { EventObjects, SealableEvent } from '../../../lambdas/seal/ports.ts';
import { createSealSlice } from '../../../lambdas/seal/seal-slice.ts';
import { createSliceRows } from '../../../lambdas/seal/slice-rows.ts';
import { InMemoryBucket, InMemorySealState } from '../../../test/support/archive/in-memory-archive.ts';
import { ordinaryMail } from '../traffic-mix.ts';

/** Measurements of sealing one slice. */
export interface SealingFigures {
  readonly events: number;
  /** CPU time of all threads, garbage collection included. */
  readonly cpuSeconds: number;
  readonly seconds: number;
  /** Above the memory held before. */
  readonly peakMebibytes: number;
  readonly bytesPerEvent: number;
}

export interface Sealings {
  readonly command: string;
  readonly date: string;
  readonly machine: string;
  readonly slices: readonly SealingFigures[];
}

/** Seals slices of this number of events, each in a process of its own. */
export function measureSealings(sizes: readonly number[], say: (line: string) => void): SealingFigures[] {
  return sizes.map((events) => {
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      ['--expose-gc', import.meta.filename, String(events)],
      {
        encoding: 'utf8',
      },
    );
    if (status !== 0) throw new Error(`a slice of ${events} events was not sealed: ${stderr}`);
    const figures = JSON.parse(stdout) as SealingFigures;
    say(`${events} events sealed: ${figures.cpuSeconds.toFixed(1)} s, ${figures.peakMebibytes.toFixed(0)} MiB`);
    return figures;
  });
}

const DOMAIN = 'mg.example.com';
const START = 1_793_750_400;
const SLICE_SECONDS = 900;
const SAMPLE_MS = 10;

/** Seals a slice of ordinary mail: real rows, Merkle tree and Parquet, with the bucket in memory and the table on disk. */
export async function measureSealing(events: number): Promise<SealingFigures> {
  const folder = mkdtempSync(join(tmpdir(), 'sealing-'));
  try {
    return await measureFrom(writeTable(join(folder, 'table'), events), events);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Writes the slice's events to a file, ordered by time; a large slice does not fit into memory. */
function writeTable(path: string, events: number): string {
  const file = openSync(path, 'w');
  let nth = 0;
  const now = () => START * 1000 + Math.floor((nth++ * SLICE_SECONDS * 1000) / events);
  for (const sent of ordinaryMail(events, DOMAIN, 1, now)) {
    const event = sent as JsonObject;
    const { partition, eventSort } = identify(event, DOMAIN);
    const raw = Buffer.from(packEvent(event, { pk: partition, sk: eventSort })).toString('base64');
    writeSync(file, `${[partition, eventSort, Math.floor(Number(event.timestamp) * 1000), raw].join('\t')}\n`);
  }
  closeSync(file);
  return path;
}

async function measureFrom(path: string, events: number): Promise<SealingFigures> {
  /** Events whose keys were read, kept until they are looked up. */
  const read = new Map<string, Uint8Array>();
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
    state,
    bucket,
    objects,
    chain: createChainWriter({ bucket, state, now: Date.now }),
    now: Date.now,
    rowsOf: createSliceRows({
      keys: {
        async *stored() {
          for await (const line of createInterface({ input: createReadStream(path) })) {
            const [partition = '', eventSort = '', at, raw = ''] = line.split('\t');
            const key = { partition, eventSort, atMs: Number(at) };
            read.set(placeName(key), Buffer.from(raw, 'base64'));
            yield key;
          }
        },
      },
      events: {
        async lookUp(places) {
          const found = new Map<string, SealableEvent>();
          for (const place of places) {
            const name = placeName(place);
            const raw = read.get(name);
            const key = { pk: place.partition, sk: place.eventSort };
            if (raw !== undefined) found.set(name, { ...facts, event: unpackEvent(raw, key) });
            read.delete(name);
          }
          return found;
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
  if (outcome.rows !== events) throw new Error(`sealed ${outcome.rows} of ${events} events`);
  return {
    events,
    cpuSeconds: (user + system) / 1e6,
    seconds,
    peakMebibytes: (peak - heldBefore) / 2 ** 20,
    bytesPerEvent: written / events,
  };
}

// node --expose-gc sealing.ts EVENTS: seals one slice and prints the measurements as JSON.
if (import.meta.main) console.log(JSON.stringify(await measureSealing(Number(process.argv[2]))));
