import type { SendingDomain } from '../../contract.ts';
import type { JsonObject } from '../../domain/canonical.ts';
import type { StoredKey } from '../../domain/events/day-index.ts';
import { addAll, type Counts } from '../../domain/ledger/counts.ts';
import type { EventPlace } from '../../domain/ledger/ledger-name.ts';
import { placeName } from '../../domain/ledger/ledger-name.ts';
import type { ExpectedKinds, Slice } from '../../domain/ledger/slice.ts';
import { addKind, addName, type Tally, typeOf } from '../../domain/ledger/tally.ts';
import { tombstoneIdentity } from '../../domain/recipients/erasure.ts';
import { doubtfulKindOf } from '../../domain/webhooks/webhook-type.ts';
import type {
  DayIndex,
  LedgerState,
  MailgunSource,
  PostedTimes,
  Requeue,
  SliceKey,
  StoredEvents,
  StoredFacts,
} from '../ports.ts';
import type { RequeueDeps } from './requeue-missing.ts';

export interface ComparePartDeps extends RequeueDeps {
  source: MailgunSource;
  index: DayIndex;
  events: StoredEvents;
  /** Webhook types that are registered at Mailgun. */
  registered: readonly string[];
  everySeconds: number;
  ledger: Pick<LedgerState, 'readPostedKinds' | 'notePostedKind'>;
}

/** What a pass knows of its slice, the same for all its parts. */
export interface SlicePass {
  slice: SliceKey;
  /** The domains whose listings hold the events of this ledger: its own, or all for events of an unknown domain. */
  listings: readonly SendingDomain[];
  nameOf: (place: EventPlace) => string;
  erasureKey: string;
  runId: string;
  postedKinds: PostedKinds;
  /** Names that an earlier pass left unconfirmed; undefined where they were too many to be kept. */
  unconfirmedBefore: ReadonlySet<string> | undefined;
  accepted: ReadonlySet<string>;
  /** When the last pass began that read the listing; undefined before the first. */
  comparedAtMs: number | undefined;
  /** Slice old enough that what no webhook brought by now is lost. */
  isFinal: boolean;
  maySend: boolean;
  /** Send again at once what an earlier pass has sent. */
  ignoreWaits: boolean;
  /** Mailgun no longer keeps this time: judge by what is stored alone. */
  unlisted: boolean;
  /** An event came in after the last pass that would have compared it. */
  hasStragglers: boolean;
  /** Accept everything that does not add up. */
  accepts: boolean;
  deadlineMs: number;
  /** Throws where the run is no longer ours. */
  assertHeld: () => void;
}

/** What is known of the events of a part, by name, and what was counted of them. */
export interface Sets {
  stored: ReadonlyMap<string, StoredKey>;
  sends: ReadonlyMap<string, Requeue>;
  tally: Tally;
}

/** Longer after the last webhook of a kind nothing of it is expected any more: Mailgun may have stopped posting it. */
const POSTED_KIND_MS = 14 * 86_400_000;
/** So much later an event of the kind is looked up again, to renew the last time. */
const RENEWED_AFTER_MS = 86_400_000;

/** The kinds that Mailgun may never post, as far as webhooks of a domain have brought events of them. */
export interface PostedKinds {
  /** Whether a webhook should bring an event of this kind, or an earlier pass of this slice said so. */
  isExpected(kind: string, event: JsonObject, atMs: number): Promise<boolean>;
  /** Whether no event of this kind and time has to be looked up. */
  isKnown(kind: string, atMs: number): Promise<boolean>;
  /** Whether all that an earlier pass expected is known. */
  holds(kinds: ExpectedKinds): Promise<boolean>;
  note(kind: string, atMs: number): Promise<void>;
}

/** Reads them once an event of such a kind is listed; most domains have none. */
export function createPostedKinds(
  { ledger }: Pick<ComparePartDeps, 'ledger'>,
  domain: string,
  previous: Slice | undefined,
): PostedKinds {
  let reading: Promise<Map<string, PostedTimes>> | undefined;
  const read = () => {
    reading ??= ledger.readPostedKinds(domain);
    return reading;
  };
  const timesOf = async (kind: string) => (await read()).get(kind);
  const isWithin = (times: PostedTimes | undefined, atMs: number, forMs: number) =>
    times !== undefined && times.first <= atMs && atMs <= times.last + forMs;
  const isKnown = async (kind: string, atMs: number) => isWithin(await timesOf(kind), atMs, RENEWED_AFTER_MS);
  // An earlier version expected every kind, and what it counted must not become expected by nobody.
  const unbrought: Counts = {};
  if (previous !== undefined && previous.kinds === undefined) {
    for (const counts of [previous.late, previous.lost]) addAll(unbrought, counts);
  }
  return {
    async isExpected(kind, event, atMs) {
      const since = previous?.kinds?.[kind] ?? Number.POSITIVE_INFINITY;
      if (since <= atMs || (unbrought[typeOf(event)] ?? 0) > 0) return true;
      return isWithin(await timesOf(kind), atMs, POSTED_KIND_MS);
    },
    isKnown,
    async holds(kinds) {
      for (const [kind, atMs] of Object.entries(kinds)) {
        if (((await timesOf(kind))?.first ?? Number.POSITIVE_INFINITY) > atMs) return false;
      }
      return true;
    },
    async note(kind, atMs) {
      if (await isKnown(kind, atMs)) return;
      await ledger.notePostedKind(domain, kind, atMs);
      // Parts are compared side by side: another may have noted an earlier or a later one meanwhile.
      const known = await read();
      const { first, last } = known.get(kind) ?? { first: atMs, last: atMs };
      known.set(kind, { first: Math.min(first, atMs), last: Math.max(last, atMs) });
    },
  };
}

/**
 * Returns the webhook types that are registered for an event; none where webhooks of its kind are not expected. An
 * expected kind is counted.
 */
export async function registeredFor(
  { registered }: Pick<ComparePartDeps, 'registered'>,
  { postedKinds }: Pick<SlicePass, 'postedKinds'>,
  tally: Tally,
  event: JsonObject,
  atMs: number,
): Promise<readonly string[]> {
  const kind = doubtfulKindOf(event);
  if (kind === undefined) return registered;
  if (!(await postedKinds.isExpected(kind, event, atMs))) return [];
  addKind(tally, kind, atMs);
  return registered;
}

/** Returns what the table holds of the places, read strongly, by the names of the places they were asked for. */
export async function lookUp(
  events: StoredEvents,
  places: EventPlace[],
  erasureKey: string,
): Promise<Map<string, StoredFacts>> {
  const found = await events.lookUp(places);
  // Strictly afterwards: a tombstone is put before its event is deleted, so one of the two reads finds it.
  const absent = places.filter((place) => !found.has(placeName(place)));
  const tombstones = await events.lookUp(absent.map((place) => tombstoneIdentity(place, erasureKey)));
  for (const place of absent) {
    const facts = tombstones.get(placeName(tombstoneIdentity(place, erasureKey)));
    if (facts !== undefined) found.set(placeName(place), facts);
  }
  return found;
}

/** Counts an event that an operator has accepted, or accepts with this pass. */
export function acceptName(tally: Tally, name: string): void {
  tally.accepted += 1;
  addName(tally.acceptedNames, name);
}
