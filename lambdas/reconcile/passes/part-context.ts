import type { SendingDomain } from '../../contract.ts';
import type { StoredKey } from '../../domain/events/day-index.ts';
import type { EventPlace } from '../../domain/ledger/ledger-name.ts';
import { placeName } from '../../domain/ledger/ledger-name.ts';
import type { ListedWindow } from '../../domain/ledger/slice.ts';
import { addName, type Tally } from '../../domain/ledger/tally.ts';
import { tombstoneIdentity } from '../../domain/recipients/erasure.ts';
import type { NamedFacts } from '../../domain/status/deciding-facts.ts';
import type { DayIndex, MailgunSource, Requeue, SliceKey, StoredEvents, StoredFacts } from '../ports.ts';
import type { PostedKinds, PostedKindsDeps } from './posted-kinds.ts';
import type { RequeueDeps } from './requeue-missing.ts';

export interface ComparePartDeps extends RequeueDeps, PostedKindsDeps {
  source: MailgunSource;
  index: DayIndex;
  events: StoredEvents;
  /** Webhook types that are registered at Mailgun. */
  registered: readonly string[];
  everySeconds: number;
  settleSeconds: number;
  retentionSeconds: number;
  /** Called for each event that is stored otherwise than Mailgun lists it, in each pass until it is corrected. */
  onAltered?: (altered: AlteredEvent) => void;
}

/** An event that is stored otherwise than Mailgun lists it. */
export interface AlteredEvent {
  domain: string;
  /** Undefined where the event names no message. */
  messageId: string | undefined;
  eventKey: string;
  /** Present where nothing else differs: an operator has distrusted what Mailgun lists by now. */
  wasDistrusted?: true;
  stored: NamedFacts;
  listed: NamedFacts;
}

/** The facts of a slice that are the same for all parts of a pass. */
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
  /** True if any event may be a distrusted one: an earlier pass could not name those, or may not have sent one. */
  mayHoldDistrusted: boolean;
  accepted: ReadonlySet<string>;
  /** When the last pass began that read the listing; undefined before the first. */
  comparedAtMs: number | undefined;
  /** What the day index held of each part in the last pass that read the listing; empty if unknown. */
  windowsBefore: readonly ListedWindow[];
  /** Slice old enough that what no webhook brought by now is lost. */
  isFinal: boolean;
  maySend: boolean;
  /** Requeues again what an earlier pass has requeued, without waiting. */
  ignoreWaits: boolean;
  /** True if the time is beyond Mailgun's retention: only stored events count. */
  unlisted: boolean;
  /** Mailgun keeps what happened from then on, by the configured retention as the pass begins (epoch milliseconds). */
  keptFromMs: number;
  /** An event came in after the last pass that would have compared it. */
  hasStragglers: boolean;
  /** Accept everything that does not add up. */
  accepts: boolean;
  deadlineMs: number;
  /** Throws if the run no longer holds the lease. */
  assertHeld: () => void;
}

/** Epoch seconds; the start belongs to the part, the end does not. */
export interface PartBounds {
  from: number;
  to: number;
}

/** The events of a part by name, and their counts. */
export interface Sets {
  stored: ReadonlyMap<string, StoredKey>;
  sends: ReadonlyMap<string, Requeue>;
  tally: Tally;
}

/** Returns the stored events at these places, read consistently, by place name. */
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
