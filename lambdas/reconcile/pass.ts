import { isDeeperThan, type JsonObject } from '../domain/canonical.ts';
import { add } from '../domain/counts.ts';
import { tombstoneIdentity } from '../domain/erasure.ts';
import { type Entry, joinStreams } from '../domain/join-streams.ts';
import type { ErasureKey, EventQueue } from '../domain/ports.ts';
import {
  type DayIndex,
  type LedgerBook,
  type ListingRequest,
  type MailgunSource,
  type SendingDomain,
  type StoredEvents,
  type StoredFacts,
  storedName,
} from '../domain/reconcile-ports.ts';
import type { Slice, SliceBounds } from '../domain/slice.ts';
import {
  attemptName,
  countAttempt,
  countListed,
  countOrigin,
  emptyTally,
  storedTypeOf,
  type Tally,
  typeOf,
} from '../domain/tally.ts';
import { isExpectedByWebhook } from '../domain/webhook-type.ts';
import { listPages } from './list-pages.ts';

export interface PassDeps {
  source: MailgunSource;
  index: DayIndex;
  events: StoredEvents;
  erasureKey: ErasureKey;
  queue: EventQueue;
  book: Pick<LedgerBook, 'readProgress' | 'putProgress'>;
  /** Webhook types that are registered at Mailgun. */
  registered: readonly string[];
  now: () => number;
  /** Called between steps; throws where the run is no longer ours. */
  keepAlive: () => Promise<void>;
}

export interface PassJob {
  domain: SendingDomain;
  bounds: SliceBounds;
  previous: Slice | undefined;
  /** The slice is as old as its second pass: what no webhook has brought by now is lost. */
  isFinal: boolean;
  maySend: boolean;
  /** Mailgun no longer keeps this time: judge by what is stored alone. */
  unlisted: boolean;
  deadlineMs: number;
}

/** `held`: something is missing while nothing may be sent; `paused`: time is up, and the progress is noted. */
export type PassOutcome = { kind: 'done'; tally: Tally } | { kind: 'held' } | { kind: 'paused' };

const LOOK_UP_AT_ONCE = 100;
const SEND_AT_ONCE = 10;
/** What the queue takes as one message, with room for its envelope. */
const LONGEST_EVENT = 1_000_000;
const DEEPEST_EVENT = 64;

/** Compares what Mailgun lists of a slice with what is stored, and sends what is missing. */
export function createPass(deps: PassDeps): (job: PassJob) => Promise<PassOutcome> {
  return async (job) => {
    const { domain, bounds, previous } = job;
    const saved = await deps.book.readProgress(domain.name);
    const resumed = saved?.start === bounds.start && saved.passes === (previous?.passes ?? 0) ? saved : undefined;
    const tally = resumed?.tally ?? emptyTally();
    const fromMs = resumed?.fromMs ?? -Infinity;
    const begin = Math.max(bounds.start, Number.isFinite(fromMs) ? Math.floor(fromMs / 1000) : 0) - 1;
    const request: ListingRequest = { domain, begin, end: bounds.end + 1, deadlineMs: job.deadlineMs };
    const pages = job.unlisted ? noPages() : listPages(deps.source, request);
    const stored = deps.index.stored(domain.name, begin * 1000, request.end * 1000);

    const erasureKey = await deps.erasureKey.read();
    const nameOf = (identity: Entry['identity']) => storedName(tombstoneIdentity(identity, erasureKey));

    for await (const batch of joinStreams(pages, stored, domain.name, fromMs, nameOf)) {
      await deps.keepAlive();
      const missing = await judge(deps, job, batch.entries, tally, erasureKey);
      if (missing.length > 0 && !job.maySend) return { kind: 'held' };
      const toSend = missing.filter(({ name }) => countAttempt(tally, attemptName(name), previous));
      const isLast = batch.untilMs === Infinity;
      const isLate = !isLast && deps.now() >= job.deadlineMs;
      if (toSend.length > 0 || isLate) {
        // Before the sends, so that a run that dies on the way sends nothing twice that it counts once.
        await deps.book.putProgress(domain.name, {
          start: bounds.start,
          passes: previous?.passes ?? 0,
          fromMs: isLast ? (bounds.end + 2) * 1000 : batch.untilMs,
          tally,
        });
      }
      await sendAll(
        deps,
        domain.name,
        toSend.map(({ event }) => event),
      );
      if (isLate) return { kind: 'paused' };
    }
    return { kind: 'done', tally };
  };
}

interface Missing {
  name: string;
  event: JsonObject;
}

/** Counts a batch and answers what is truly missing in it. */
async function judge(
  deps: PassDeps,
  job: PassJob,
  entries: Entry[],
  tally: Tally,
  erasureKey: string,
): Promise<Missing[]> {
  const { bounds, previous } = job;
  // Only where something was sent before can a stored event have come without a webhook.
  const wasSent = (previous?.sends ?? 0) > 0;
  const asked = entries.filter((entry) => entry.event !== undefined && (entry.storedAtMs === undefined || wasSent));
  const facts = await lookUp(deps.events, asked, erasureKey);
  const isInside = (atMs: number) => atMs >= bounds.start * 1000 && atMs < bounds.end * 1000;
  const missing: Missing[] = [];
  for (const { identity, event, storedAtMs, orderMs, straggler } of entries) {
    const name = storedName(identity);
    const found = facts.get(name);
    const atMs = storedAtMs ?? found?.atMs ?? orderMs;
    if (!isInside(atMs)) continue;
    if (event === undefined) {
      add(tally.stored, storedTypeOf(identity.eventSort));
      add(tally.unconfirmed, storedTypeOf(identity.eventSort));
      continue;
    }
    // A listing out of order may repeat what it listed long before.
    if (straggler && Object.hasOwn(tally.attempts, attemptName(name))) continue;
    countListed(tally, event);
    if (isExpectedByWebhook(event, deps.registered)) tally.deliverable += 1;
    const isStored = storedAtMs !== undefined || found !== undefined;
    if (!isStored) {
      add(tally.missing, typeOf(event));
      missing.push({ name, event });
    } else if (straggler) {
      // Its stored copy was counted when it went by, as one that Mailgun does not list.
      add(tally.unconfirmed, typeOf(event), -1);
    } else add(tally.stored, typeOf(event));
    if (found !== undefined || !isStored) countOrigin(tally, event, found, deps.registered, job.isFinal);
  }
  return missing;
}

/** What the table says of the entries, by the names they are listed under. */
async function lookUp(events: StoredEvents, entries: Entry[], erasureKey: string): Promise<Map<string, StoredFacts>> {
  const found = new Map<string, StoredFacts>();
  for (let from = 0; from < entries.length; from += LOOK_UP_AT_ONCE) {
    const identities = entries.slice(from, from + LOOK_UP_AT_ONCE).map(({ identity }) => identity);
    for (const [name, facts] of await events.lookUp(identities)) found.set(name, facts);
    // Strictly afterwards: a tombstone is put before its event is deleted, so one of the two reads finds it.
    const absent = identities.filter((identity) => !found.has(storedName(identity)));
    if (absent.length === 0) continue;
    const tombstones = await events.lookUp(absent.map((identity) => tombstoneIdentity(identity, erasureKey)));
    for (const identity of absent) {
      const facts = tombstones.get(storedName(tombstoneIdentity(identity, erasureKey)));
      if (facts !== undefined) found.set(storedName(identity), facts);
    }
  }
  return found;
}

async function sendAll({ queue, now, keepAlive }: PassDeps, domain: string, events: JsonObject[]): Promise<void> {
  const sendable = events.filter((event) => !isDeeperThan(event, DEEPEST_EVENT) && isShort(event));
  for (let from = 0; from < sendable.length; from += SEND_AT_ONCE) {
    const some = sendable.slice(from, from + SEND_AT_ONCE);
    await Promise.all(some.map((event) => queue.send({ source: 'reconcile', receivedAt: now(), domain, event })));
    await keepAlive();
  }
}

const isShort = (event: JsonObject) => JSON.stringify(event).length < LONGEST_EVENT;

async function* noPages(): AsyncGenerator<JsonObject[]> {}
