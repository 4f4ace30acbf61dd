import type { ArchiveRow } from '../../../lambdas/domain/archive/archive-row.ts';
import { sha256Hex } from '../../../lambdas/domain/archive/merkle.ts';
import { objectKey } from '../../../lambdas/domain/archive/object-keys.ts';
import { canonicalJson } from '../../../lambdas/domain/canonical-json.ts';
import type { StoredKey } from '../../../lambdas/domain/events/day-index.ts';
import type { EventPlace } from '../../../lambdas/domain/ledger/ledger-name.ts';
import { placeName } from '../../../lambdas/domain/ledger/ledger-name.ts';
import type { Slice } from '../../../lambdas/domain/ledger/slice.ts';
import type {
  ChainHead,
  EventKeys,
  EventObjects,
  LedgerSlices,
  ManifestBucket,
  ObjectWriter,
  RewritableObjects,
  SealableEvent,
  SealableEvents,
  SealMark,
  SealState,
} from '../../../lambdas/seal/ports.ts';
import type { CrashableInvocation } from '../doubles/crashable-invocation.ts';

/** An in-memory bucket with object versions; refuses a second unconditional put of a key. */
export class InMemoryBucket implements ManifestBucket, EventObjects {
  readonly objects = new Map<string, string>();
  /** Earlier versions of objects, by key and number. */
  readonly versions = new Map<string, Map<string, string>>();
  /** Keys of objects that were deleted, whose delete marker is left. */
  readonly deleted = new Set<string>();

  async readText(key: string) {
    return this.objects.get(key);
  }

  async putTextIfAbsent(key: string, text: string) {
    if (this.objects.has(key)) return false;
    this.objects.set(key, text);
    return true;
  }

  begin(): ObjectWriter {
    const rows: ArchiveRow[] = [];
    return {
      add: async (group) => {
        rows.push(...structuredClone(group));
      },
      putIfAbsent: async (key) => {
        const text = canonicalJson(rows);
        return (await this.putTextIfAbsent(key, text)) && { sha256: sha256Hex(text), bytes: text.length };
      },
      discard: async () => {},
    };
  }

  async open(key: string) {
    const text = this.objects.get(key);
    if (text === undefined) return undefined;
    return {
      sha256: sha256Hex(text),
      bytes: text.length,
      async *rows() {
        yield JSON.parse(text) as ArchiveRow[];
      },
      discard: async () => {},
    };
  }

  /** Returns the same bucket with the interface for rewriting objects. */
  rewritable(): RewritableObjects {
    return {
      list: (prefix) => this.#listKept(prefix),
      open: async (key) => {
        const stored = await this.open(key);
        return stored && { ...stored, tag: stored.sha256 };
      },
      begin: () => {
        const rows: ArchiveRow[] = [];
        return {
          add: async (group) => {
            rows.push(...structuredClone(group));
          },
          end: async () => ({ sha256: sha256Hex(canonicalJson(rows)), bytes: canonicalJson(rows).length }),
          putOver: async (key, tag) => {
            const before = this.objects.get(key);
            if (before === undefined || sha256Hex(before) !== tag) return false;
            const versions = this.versions.get(key) ?? new Map<string, string>();
            this.versions.set(key, versions.set(String(++this.#puts), before));
            this.objects.set(key, canonicalJson(rows));
            return true;
          },
          discard: async () => {},
        };
      },
      removeVersion: async (key, version) => {
        this.versions.get(key)?.delete(version);
      },
    };
  }

  #puts = 0;

  async *list(prefix: string) {
    yield* [...this.objects.keys()].filter((each) => each.startsWith(prefix)).sort();
  }

  async *#listKept(prefix: string) {
    for (const key of [...new Set([...this.objects.keys(), ...this.deleted])].sort()) {
      if (!key.startsWith(prefix)) continue;
      yield { key, isThere: this.objects.has(key), oldVersions: [...(this.versions.get(key)?.keys() ?? [])] };
    }
  }

  /** Returns the rows of a slice over all its objects. */
  rowsOf(domain: string, start: number): ArchiveRow[] {
    const found: ArchiveRow[] = [];
    for (let number = 0; number < 50; number += 1) {
      found.push(...(JSON.parse(this.objects.get(objectKey(domain, start, number)) ?? '[]') as ArchiveRow[]));
    }
    return found;
  }
}

/** In-memory state of sealing, which is in the table when deployed. */
export class InMemorySealState implements SealState {
  readonly heads = new Map<string, ChainHead>();
  readonly marks = new Map<string, SealMark>();
  readonly positions = new Map<string, number>();

  async readHead(domain: string) {
    return this.heads.get(domain);
  }

  async moveHead(domain: string, head: ChainHead) {
    if ((this.heads.get(domain)?.sequence ?? 0) < head.sequence) this.heads.set(domain, head);
  }

  async readMark(domain: string, start: number) {
    return this.marks.get(`${domain} ${start}`);
  }

  async *listMarks(domain: string, from: number, to: number) {
    for (const [key, mark] of this.marks) {
      if (key.startsWith(`${domain} `) && mark.start >= from && mark.start < to) yield mark;
    }
  }

  async putMark(domain: string, mark: SealMark) {
    const key = `${domain} ${mark.start}`;
    if ((this.marks.get(key)?.sequence ?? 0) <= mark.sequence) this.marks.set(key, mark);
  }

  async readPosition(domain: string) {
    return this.positions.get(domain);
  }

  async putPosition(domain: string, position: number) {
    this.positions.set(domain, position);
  }
}

/** Events and slices of one domain, in memory. */
export class InMemoryEvents implements EventKeys, SealableEvents, LedgerSlices {
  readonly events = new Map<string, { key: StoredKey; event: SealableEvent }>();
  readonly slices = new Map<number, Slice>();

  async *stored(_domain: string, fromMs: number, toMs: number) {
    const keys = [...this.events.values()].map(({ key }) => key).filter(({ atMs }) => atMs >= fromMs && atMs <= toMs);
    yield* keys.sort((a, b) => a.atMs - b.atMs);
  }

  async lookUp(places: EventPlace[]) {
    const found = new Map<string, SealableEvent>();
    for (const place of places) {
      const event = this.events.get(placeName(place));
      if (event !== undefined) found.set(placeName(place), event.event);
    }
    return found;
  }

  async *list(domain: string, from: number, to: number) {
    const own = [...this.slices.values()].filter((slice) => slice.domain === domain);
    yield* own.filter(({ start }) => start >= from && start < to).sort((a, b) => a.start - b.start);
  }
}

/** Returns the ports of one run, each of whose calls may crash it. */
export function crashableArchive(invocation: CrashableInvocation, bucket: InMemoryBucket, state: InMemorySealState) {
  const gated = <Port extends object>(prefix: string, target: Port, names: readonly (keyof Port & string)[]): Port => {
    const wrapped = invocation.wrap(prefix, target);
    return new Proxy(target, {
      get: (object, name) => Reflect.get(names.includes(name as keyof Port & string) ? wrapped : object, name, object),
    });
  };
  const texts = gated('bucket', bucket, ['readText', 'putTextIfAbsent', 'open']);
  const objects: EventObjects = {
    begin: () => gated('writer', bucket.begin(), ['putIfAbsent']),
    open: (key) => texts.open(key),
  };
  const marks = ['readHead', 'moveHead', 'readMark', 'putMark', 'readPosition', 'putPosition'] as const;
  const versions = bucket.rewritable();
  const rewritable: RewritableObjects = {
    ...gated('objects', versions, ['open', 'removeVersion']),
    list: versions.list,
    begin: () => gated('replacement', versions.begin(), ['putOver']),
  };
  return { bucket: texts as ManifestBucket, objects, rewritable, state: gated<SealState>('state', state, marks) };
}
