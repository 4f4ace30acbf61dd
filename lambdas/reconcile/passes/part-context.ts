import type { SendingDomain } from '../../contract.ts';
import type { JsonObject } from '../../domain/canonical.ts';
import type { StoredKey } from '../../domain/events/day-index.ts';
import type { EventPlace } from '../../domain/ledger/ledger-name.ts';
import { placeName } from '../../domain/ledger/ledger-name.ts';
import { addName, type Tally } from '../../domain/ledger/tally.ts';
import { tombstoneIdentity } from '../../domain/recipients/erasure.ts';
import { doubtfulKindOf } from '../../domain/webhooks/webhook-type.ts';
import type { DayIndex, LedgerState, MailgunSource, Requeue, SliceKey, StoredEvents, StoredFacts } from '../ports.ts';
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

/** The kinds that Mailgun may never post, as far as webhooks of a domain have brought events of them. */
export interface PostedKinds {
  /** Returns true for a time (epoch milliseconds) from which on webhooks of this kind come. */
  isPosted(kind: string, atMs: number): Promise<boolean>;
  note(kind: string, atMs: number): Promise<void>;
}

/** Reads them once an event of such a kind is listed; most domains have none. */
export function createPostedKinds({ ledger }: Pick<ComparePartDeps, 'ledger'>, domain: string): PostedKinds {
  let known: Promise<Map<string, number>> | undefined;
  const read = () => {
    known ??= ledger.readPostedKinds(domain);
    return known;
  };
  const isPosted = async (kind: string, atMs: number) => ((await read()).get(kind) ?? Number.POSITIVE_INFINITY) <= atMs;
  return {
    isPosted,
    async note(kind, atMs) {
      if (await isPosted(kind, atMs)) return;
      await ledger.notePostedKind(domain, kind, atMs);
      (await read()).set(kind, atMs);
    },
  };
}

/** Returns the webhook types that are registered for an event; none where webhooks of its kind were never seen before. */
export async function registeredFor(
  { registered }: Pick<ComparePartDeps, 'registered'>,
  { postedKinds }: Pick<SlicePass, 'postedKinds'>,
  event: JsonObject,
  atMs: number,
): Promise<readonly string[]> {
  const kind = doubtfulKindOf(event);
  return kind === undefined || (await postedKinds.isPosted(kind, atMs)) ? registered : [];
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
