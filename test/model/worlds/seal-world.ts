import { type ArchiveLine, type ErasedArchive, eraseArchive } from '../../../cli/commands/erase/erase-from-archive.ts';
import { checkChain } from '../../../lambdas/domain/archive/chain.ts';
import { createObjectCheck } from '../../../lambdas/domain/archive/check-object.ts';
import { figuresOf } from '../../../lambdas/domain/archive/manifest.ts';
import { sha256Hex } from '../../../lambdas/domain/archive/merkle.ts';
import { manifestKey } from '../../../lambdas/domain/archive/object-keys.ts';
import { canonicalJson } from '../../../lambdas/domain/canonical-json.ts';
import { identify } from '../../../lambdas/domain/events/identity.ts';
import { recipientOf } from '../../../lambdas/domain/events/mailgun-event.ts';
import type { JsonObject } from '../../../lambdas/domain/json.ts';
import { createLedgerNaming, placeName } from '../../../lambdas/domain/ledger/ledger-name.ts';
import type { Slice, SliceCounts } from '../../../lambdas/domain/ledger/slice.ts';
import { emptyTally, slicePassed } from '../../../lambdas/domain/ledger/tally.ts';
import { isOf, tombstoneIdentity, tombstoneOf, withoutAddress } from '../../../lambdas/domain/recipients/erasure.ts';
import { createSeal, type SealDeps } from '../../../lambdas/seal/seal.ts';
import type { Lease } from '../../../lambdas/shared/ports.ts';
import { createRandom } from '../../../tools/mailgun-twin/random.ts';
import { SLICE_SECONDS, SLICE_START } from '../../support/archive/archive.ts';
import {
  crashableArchive,
  InMemoryBucket,
  InMemoryEvents,
  InMemorySealState,
} from '../../support/archive/in-memory-archive.ts';
import { CrashableInvocation, type InjectedFailure } from '../../support/doubles/crashable-invocation.ts';
import { ERASURE_KEY } from '../../support/fixtures/erasures.ts';
import { DOMAIN, deliveredEvent } from '../../support/fixtures/webhooks.ts';

export const DAY = 86_400;
export const SLICES = 4;
/** After the second pass of every slice in the tests. */
export const LATER_MS = (SLICE_START + 3 * DAY) * 1000;

/** How recipients are sent in the slices: an address as it is, in quotes, or with a trailing dot. */
const recipientIn = (nth: number, slice: number) =>
  [`r${nth}@example.org`, `r${nth}@example.org`, `'r${nth}@example.org'`, `r${nth}@example.org.`][slice];

/** A run whose calls take different times, so that concurrent runs interleave anywhere. */
class Dawdler extends CrashableInvocation {
  readonly #random: () => number;

  constructor(trouble: InjectedFailure | undefined, seed: number) {
    super(trouble);
    this.#random = createRandom(seed).next;
  }

  override async gate<T>(point: string, call: () => Promise<T>): Promise<T> {
    for (let turns = Math.floor(this.#random() * 40); turns > 0; turns -= 1) await null;
    return super.gate(point, call);
  }
}

/** An in-memory lease that expires only by `end`. */
class InMemoryLease implements Lease {
  #holder: string | undefined;

  async hold(holder: string) {
    if (this.#holder !== undefined && this.#holder !== holder) return false;
    this.#holder = holder;
    return true;
  }

  async release(holder: string) {
    if (this.#holder === holder) this.#holder = undefined;
  }

  /** Expires the lease, whichever run holds it. */
  end(): void {
    this.#holder = undefined;
  }
}

/** A ledger sealed by runs that can be interrupted at every call, with the invariants of its archive. */
export class SealWorld {
  readonly ledger = new InMemoryEvents();
  readonly bucket = new InMemoryBucket();
  readonly state = new InMemorySealState();
  readonly failures: unknown[] = [];
  readonly lease = new InMemoryLease();
  nowMs = LATER_MS;
  /** Slices with events that arrived after their last pass. */
  readonly unseen = new Set<number>();
  #salts = 0;
  #runs = 0;

  /** Stores an event; many share one millisecond. */
  store(nth: number, slice: number): void {
    this.unseen.add(slice);
    const at = SLICE_START + slice * SLICE_SECONDS + (nth % 3);
    const event = deliveredEvent({ id: `id-${nth}-${slice}`, timestamp: at, recipient: recipientIn(nth, slice) });
    const { partition, eventSort } = identify(event, DOMAIN);
    const key = { partition, eventSort, atMs: at * 1000 };
    const facts = { receivedAtMs: at * 1000, source: 'webhook' as const, broughtByWebhook: true, event };
    this.ledger.events.set(placeName(key), { key, event: facts });
  }

  /** Changes an event as a forged webhook would, or back, as a correction does. */
  change(nth: number, slice: number, over: JsonObject): void {
    const at = SLICE_START + slice * SLICE_SECONDS + (nth % 3);
    const fields = { id: `id-${nth}-${slice}`, timestamp: at, recipient: recipientIn(nth, slice) };
    const name = placeName(identify(deliveredEvent(fields), DOMAIN));
    const known = this.ledger.events.get(name);
    if (known === undefined) throw new Error('it is not stored');
    this.ledger.events.set(name, {
      ...known,
      event: { ...known.event, event: deliveredEvent({ ...fields, ...over }) },
    });
  }

  /** Passes a slice again, as reconcile does, at a time in epoch milliseconds. */
  pass(slice: number, isOld = true, found: Partial<SliceCounts> = {}, atMs = LATER_MS - DAY * 1000): void {
    this.unseen.delete(slice);
    const start = SLICE_START + slice * SLICE_SECONDS;
    const bounds = { domain: DOMAIN, start, end: start + SLICE_SECONDS };
    const events = [...this.ledger.events.values()].filter(
      ({ key: { atMs } }) => atMs >= start * 1000 && atMs < bounds.end * 1000,
    );
    const counts = events.length === 0 ? {} : { delivered: events.length };
    const tally = { ...emptyTally(), listed: counts, stored: counts, ...found };
    const passed = { startedAtMs: atMs, nowMs: atMs, unlisted: false, isOld };
    this.ledger.slices.set(start, slicePassed(bounds, this.ledger.slices.get(start), tally, passed) as Slice);
  }

  /**
   * Returns the dependencies of one run. With the default lease, concurrent runs do not exclude each other, as after a
   * lost lease.
   */
  deps(
    invocation = new CrashableInvocation(),
    lease: Lease = { hold: async () => true, release: async () => {} },
  ): SealDeps {
    return {
      ...crashableArchive(invocation, this.bucket, this.state),
      lease,
      slices: this.ledger,
      keys: this.ledger,
      domains: [DOMAIN],
      events: { lookUp: (places) => invocation.gate('events.lookUp', () => this.ledger.lookUp(places)) },
      erasureKey: { read: async () => ERASURE_KEY },
      newSalt: () => String(++this.#salts).padStart(32, '0'),
      everySeconds: 900,
      reachSeconds: 90 * DAY,
      now: () => this.nowMs,
      newRunId: () => `run-${this.#salts}`,
      every: () => () => {},
      onFailure: (_domain, error) => this.failures.push(error),
    };
  }

  run(trouble?: InjectedFailure, seed = 0, lease?: Lease) {
    const invocation = seed === 0 ? new CrashableInvocation(trouble) : new Dawdler(trouble, seed);
    const runId = `run-${++this.#runs}`;
    const seal = createSeal({ ...this.deps(invocation, lease), newRunId: () => runId });
    return invocation
      .run(() => seal({ ignoreWaits: false, deadlineMs: this.nowMs + 600_000 }))
      .then((report) => ({ report, invocation }))
      .finally(() => lease?.release(runId));
  }

  /** Runs seal undisturbed until nothing is left. */
  async settle(): Promise<void> {
    const seal = createSeal(this.deps());
    for (let run = 0; run < 3; run += 1) {
      const report = await seal({ ignoreWaits: true, deadlineMs: this.nowMs + 600_000 });
      if (report.sealed === 0 && report.done) return;
    }
    throw new Error('there is always something to seal');
  }

  chain(): string[] {
    const texts: string[] = [];
    for (let sequence = 1; ; sequence += 1) {
      const text = this.bucket.objects.get(manifestKey(DOMAIN, sequence));
      if (text === undefined) return texts;
      texts.push(text);
    }
  }

  /** Replaces a recipient's events by tombstones, as the command's sweeps do. */
  sweepTable(recipient: string): void {
    for (const [name, { key, event: facts }] of this.ledger.events) {
      if (!isOf(recipientOf(facts.event) ?? '', recipient)) {
        const event = withoutAddress(facts.event, recipient);
        this.ledger.events.set(name, { key, event: { ...facts, event } });
        continue;
      }
      const erased = { ...key, ...tombstoneIdentity({ eventSort: key.eventSort }, ERASURE_KEY) };
      this.ledger.events.delete(name);
      const tombstone = tombstoneOf(facts.event, DOMAIN);
      this.ledger.events.set(placeName(erased), { key: erased, event: { ...facts, event: tombstone } });
    }
  }

  /** Runs the command's last step; returns undefined if it crashed. */
  async erase(recipient: string, trouble?: InjectedFailure, seed = 0): Promise<ErasedArchive | undefined> {
    const invocation = seed === 0 ? new CrashableInvocation(trouble) : new Dawdler(trouble, seed);
    const runId = `erase-${++this.#runs}`;
    const archive = crashableArchive(invocation, this.bucket, this.state);
    const deps = { ...archive, objects: archive.rewritable, lease: this.lease, now: () => this.nowMs };
    const { signal } = new AbortController();
    const context = { signal, now: () => this.nowMs, sleep: async () => {} };
    const everyNone = { newRunId: () => runId, every: () => () => {} };
    this.points = invocation.points;
    const note = (line: ArchiveLine) => this.lines.push(line);
    const work = () => eraseArchive({ ...deps, ...everyNone }, { recipient, erasureKey: ERASURE_KEY }, context, note);
    return invocation.run(work).finally(() => this.lease.release(runId));
  }

  points: string[] = [];
  /** What the command has printed. */
  readonly lines: ArchiveLine[] = [];

  /** Returns everything readable in the bucket, old versions included. */
  everyText(): string[] {
    const old = [...this.bucket.versions.values()].flatMap((versions) => [...versions.values()]);
    return [...this.bucket.objects.values(), ...old];
  }

  /** The oracle: checks the archive of a settled ledger. */
  async check(): Promise<void> {
    const { links, faults } = checkChain(DOMAIN, this.chain());
    expect(faults).toEqual([]);
    const slices = links.filter(({ manifest: { kind } }) => kind === 'slice');
    // Nothing can be proven of slices behind the head.
    const provable = this.state.heads.get(DOMAIN)?.sequence ?? 0;
    expect(provable).toBeGreaterThanOrEqual(slices.at(-1)?.manifest.sequence ?? 0);
    const named = slices.flatMap(({ manifest: { object, record } }) => [object?.key, record?.key].filter(Boolean));
    const objects = [...this.bucket.objects.keys()].filter((key) => /^(events|slices)\//.test(key));
    expect(objects.toSorted()).toEqual(named.toSorted());
    for (const { manifest } of slices) {
      if (manifest.object === null) continue;
      const stored = await this.bucket.open(manifest.object.key);
      const digests = links.filter(({ manifest: { object } }) => object?.key === manifest.object?.key);
      expect(digests.map(({ manifest: { object } }) => object?.sha256)).toContain(stored?.sha256);
      const check = createObjectCheck(manifest);
      for await (const group of stored?.rows() ?? []) for (const row of group) check.add(row);
      expect(check.end().faults).toEqual([]);
    }
    const nameOf = createLedgerNaming(ERASURE_KEY);
    for (const { start, end, version } of this.ledger.slices.values()) {
      const events = [...this.ledger.events.values()].filter(
        ({ key: { atMs } }) => atMs >= start * 1000 && atMs < end * 1000,
      );
      const sealed = this.bucket.rowsOf(DOMAIN, start).map(({ name }) => name);
      expect(sealed.toSorted()).toEqual(events.map(({ key }) => nameOf(key)).toSorted());
      // What an erasure has changed has no salt any more.
      const whole = this.bucket.rowsOf(DOMAIN, start).filter(({ salt }) => salt !== null);
      const stored = new Map(events.map(({ key, event: facts }) => [nameOf(key), canonicalJson(facts.event)]));
      for (const row of whole) expect(row.event).toBe(stored.get(row.name));
      expect(this.state.marks.get(`${DOMAIN} ${start}`)?.version).toBe(version);
      const last = slices.findLast(({ manifest }) => manifest.start === start)?.manifest;
      const record = this.bucket.objects.get(last?.record?.key ?? '') ?? '';
      expect(last?.record?.sha256).toBe(sha256Hex(record));
      expect(figuresOf(JSON.parse(record) as Slice)).toEqual(last?.slice);
      expect(Object.values(last?.slice?.stored ?? {})).toEqual(events.length === 0 ? [] : [events.length]);
    }
  }
}

export function fullWorld(): SealWorld {
  const world = new SealWorld();
  for (let slice = 0; slice < SLICES; slice += 1) {
    for (let nth = 0; nth < 5 * slice; nth += 1) world.store(nth, slice);
    world.pass(slice);
  }
  return world;
}
