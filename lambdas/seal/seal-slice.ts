import { leafOf } from '../domain/archive/archive-row.ts';
import { figuresOf, isSameFigures, linkOf, type Manifest, parseManifest } from '../domain/archive/manifest.ts';
import { createMerkleTree, sha256Hex } from '../domain/archive/merkle.ts';
import { objectKey, recordKey } from '../domain/archive/object-keys.ts';
import { canonicalJson } from '../domain/canonical-json.ts';
import type { Slice } from '../domain/ledger/slice.ts';
import type { ChainWriter } from './chain-writer.ts';
import type { EventObjects, ManifestBucket, ObjectWriter, SealMark, SealState } from './ports.ts';
import type { SliceRows } from './slice-rows.ts';

interface SealSliceDeps {
  state: SealState;
  chain: ChainWriter;
  objects: EventObjects;
  bucket: ManifestBucket;
  rowsOf: SliceRows;
  now: () => number;
}

/** The run that seals a slice. */
export interface SealRun {
  /** Epoch milliseconds. */
  deadlineMs: number;
  /** Throws `LostRaceError` if the run no longer holds the lease. */
  assertHeld: () => void;
}

/** `known`: nothing is new; `sealed`: a manifest was written; `adopted`: one was, over an object that was there already. */
interface SealOutcome {
  kind: 'known' | 'sealed' | 'adopted';
  rows: number;
}

interface WrittenObject {
  isAdopted: boolean;
  object: Manifest['object'];
  root: string;
}

const NOTHING_ROOT = createMerkleTree().root();

/**
 * Seals the unsealed part of a slice: its events' object, then the ledger's record, the manifest, the mark. Each is put
 * only if absent, so the work of an interrupted or concurrent run is adopted.
 */
export function createSealSlice({ state, chain, objects, bucket, rowsOf, now }: SealSliceDeps) {
  return async (slice: Slice, run: SealRun): Promise<SealOutcome> => {
    const { domain, start, version } = slice;
    for (;;) {
      // The head comes before the mark: what another run sealed since is then in the mark, or takes the next place.
      const head = await chain.catchUp(domain, run.deadlineMs);
      const mark = await state.readMark(domain, start);
      if (mark?.version === version) return { kind: 'known', rows: 0 };
      const number = mark === undefined ? 0 : mark.number + 1;
      const written = await writeObject(slice, number, run);
      if (mark !== undefined && written.object === null && (await isSealedAlike(slice, mark))) {
        await state.putMark(domain, { ...mark, version });
        return { kind: 'known', rows: 0 };
      }
      const record = await writeRecord(slice, number, run);
      const link = linkOf({
        v: 1,
        kind: 'slice',
        domain,
        sequence: head.sequence + 1,
        previous: head.sequence === 0 ? null : head.hash,
        start,
        end: slice.end,
        number,
        object: written.object,
        root: written.root,
        slice: figuresOf(JSON.parse(record) as Slice),
        sealedAt: new Date(now()).toISOString(),
        record: { key: recordKey(domain, start, number), sha256: sha256Hex(record) },
      });
      run.assertHeld();
      if (!(await chain.append(link))) continue;
      // For an existing object, the version of the slice that it holds is unknown.
      const isAdopted = written.isAdopted || record !== canonicalJson(slice);
      const sealed = isAdopted ? null : version;
      const { sequence } = link.manifest;
      await state.putMark(domain, { start, number, sequence, first: mark?.first ?? sequence, version: sealed });
      await state.moveHead(domain, { sequence, hash: link.hash });
      return { kind: isAdopted ? 'adopted' : 'sealed', rows: written.object?.rows ?? 0 };
    }
  };

  /** Writes what no earlier object of the slice holds; of nothing no object is written. */
  async function writeObject(
    slice: Slice,
    number: number,
    { deadlineMs, assertHeld }: SealRun,
  ): Promise<WrittenObject> {
    const { domain, start } = slice;
    const key = objectKey(domain, start, number);
    const found = await adopt(domain, key);
    if (found !== undefined) return found;
    const sealed = await namesBefore(domain, start, number);
    const writer = objects.begin();
    try {
      const { rows, root } = await fill(writer, slice, sealed, deadlineMs);
      if (rows === 0) return { isAdopted: false, object: null, root: NOTHING_ROOT };
      // Erase has the archive once the lease is lost, and what was read before may be of the recipient it erases.
      assertHeld();
      const put = await writer.putIfAbsent(key);
      if (put !== false) return { isAdopted: false, object: { key, ...put, rows }, root };
    } finally {
      await writer.discard();
    }
    const other = await adopt(domain, key);
    if (other === undefined) throw new Error(`the object ${key} is there and cannot be read`);
    return other;
  }

  /** Returns the record under the slice's key: the one that is put, or that another run has put meanwhile. */
  async function writeRecord(slice: Slice, number: number, { assertHeld }: SealRun): Promise<string> {
    const key = recordKey(slice.domain, slice.start, number);
    const text = canonicalJson(slice);
    assertHeld();
    if (await bucket.putTextIfAbsent(key, text)) return text;
    return (await bucket.readText(key)) ?? text;
  }

  async function fill(writer: ObjectWriter, slice: Slice, sealed: ReadonlySet<string>, deadlineMs: number) {
    const tree = createMerkleTree();
    let rows = 0;
    for await (const group of rowsOf(slice, sealed, deadlineMs)) {
      for (const row of group) tree.add(leafOf(row, slice.domain));
      rows += group.length;
      await writer.add(group);
    }
    return { rows, root: tree.root() };
  }

  async function adopt(domain: string, key: string): Promise<WrittenObject | undefined> {
    const stored = await objects.open(key);
    if (stored === undefined) return undefined;
    try {
      const tree = createMerkleTree();
      let rows = 0;
      for await (const group of stored.rows()) {
        for (const row of group) tree.add(leafOf(row, domain));
        rows += group.length;
      }
      const { sha256, bytes } = stored;
      return { isAdopted: true, object: { key, sha256, bytes, rows }, root: tree.root() };
    } finally {
      await stored.discard();
    }
  }

  /** Returns the names of the slice's events that earlier objects hold. */
  async function namesBefore(domain: string, start: number, number: number): Promise<Set<string>> {
    const names = new Set<string>();
    for (let earlier = 0; earlier < number; earlier += 1) {
      const stored = await objects.open(objectKey(domain, start, earlier));
      if (stored === undefined) continue;
      try {
        for await (const group of stored.rows()) for (const { name } of group) names.add(name);
      } finally {
        await stored.discard();
      }
    }
    return names;
  }

  /** A record without a manifest is one of a run that was cut short, and gets its manifest. */
  async function isSealedAlike(slice: Slice, { sequence, number }: SealMark): Promise<boolean> {
    const text = await chain.textOf(slice.domain, sequence);
    const figures = text === undefined ? null : (parseManifest(text)?.manifest.slice ?? null);
    if (figures === null || !isSameFigures(figures, figuresOf(slice))) return false;
    return (await bucket.readText(recordKey(slice.domain, slice.start, number + 1))) === undefined;
  }
}
