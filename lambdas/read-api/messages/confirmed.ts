import type { EventEntry } from '../../../api/responses/events.ts';
import type { RecipientStatus } from '../../../api/responses/message.ts';
import { eventName } from '../../domain/events/event.ts';
import type { Source } from '../../domain/events/queue-message.ts';
import { storedTimeOf } from '../../domain/events/stored-time.ts';
import { keyPart, nameInEventKey } from '../../domain/keys.ts';
import { numberOf } from '../../domain/ledger/counts.ts';
import { alignedStart, doubtsOf } from '../../domain/ledger/slice.ts';
import type { ComparedSlice, LedgerReader, RecipientMessage, SliceFactsReader, StoredEvent } from '../ports.ts';

/** What decides whether an event is confirmed. */
export interface JudgedEvent {
  readonly domain: string;
  readonly name: string;
  readonly source: Source | null;
  readonly atMs: number;
  /** When it came in, or when it was stored where that is known to be later. */
  readonly receivedAtMs: number;
  readonly isUnconfirmed: boolean;
}

export type ConfirmedCheck = (events: readonly JudgedEvent[]) => Promise<boolean[]>;

/**
 * Returns a check of whether Mailgun lists events, as far as its list was compared since they came in: one read for each
 * hundred slices. Noting it on the event would cost a write unit with every event.
 */
export function createConfirmedCheck(
  slices: SliceFactsReader,
  ledger: LedgerReader,
  sliceSeconds: number,
): ConfirmedCheck {
  return async (events) => {
    const startOf = ({ atMs }: JudgedEvent) => alignedStart(atMs / 1000, sliceSeconds);
    const known = new Map<string, ComparedSlice>();
    const read = async (places: readonly { domain: string; start: number }[], alignedStarts = places) => {
      const found = await slices.facts(places);
      for (const [nth, slice] of found.entries()) {
        if (slice !== undefined) known.set(nameOf(alignedStarts[nth] as { domain: string; start: number }), slice);
      }
    };
    const open = events.filter((event) => !event.isUnconfirmed && event.source !== 'reconcile');
    const wanted = new Map(open.map((event) => [nameOf({ ...event, start: startOf(event) }), event]));
    await read([...wanted.values()].map((event) => ({ domain: event.domain, start: startOf(event) })));
    // The first slice of a ledger begins between two others.
    const missed = [...wanted].flatMap(([name, event]) => (known.has(name) ? [] : [event]));
    for (const domain of new Set(missed.map((event) => event.domain))) {
      const { start } = (await ledger.readWatermarks(domain)) ?? {};
      if (start === undefined) continue;
      const first = missed.find(
        (event) => event.domain === domain && startOf(event) === alignedStart(start, sliceSeconds),
      );
      if (first !== undefined) await read([{ domain, start }], [{ domain, start: startOf(first) }]);
    }
    return events.map((event) => {
      if (event.isUnconfirmed) return false;
      return event.source === 'reconcile' || isListed(event, known.get(nameOf({ ...event, start: startOf(event) })));
    });
  };
}

const nameOf = ({ domain, start }: { domain: string; start: number }) => `${start} ${domain}`;

function isListed({ atMs, receivedAtMs, name }: JudgedEvent, slice: ComparedSlice | undefined): boolean {
  // What comes in during a pass may have missed it.
  if (slice === undefined || slice.unlisted || receivedAtMs > (slice.startedAt ?? slice.passedAt)) return false;
  if (atMs < slice.start * 1000 || atMs >= slice.end * 1000) return false;
  // Which events are unlisted is known once the second pass has marked them; no event bears that it is altered.
  const type = keyPart(name);
  return numberOf(doubtsOf(slice).undecided, type) + numberOf(slice.altered, type) === 0;
}

/** Notes on events, and on the statuses of a message, whether Mailgun lists them. */
export async function confirmEntries(
  check: ConfirmedCheck,
  { events, recipients = [] }: { events: EventEntry[]; recipients?: RecipientStatus[] },
): Promise<void> {
  const judged = [...events.map(judgedEntry), ...recipients.map((each) => judgedOutcome(each, events))];
  const confirmed = await check(judged);
  for (const [nth, entry] of [...events, ...recipients].entries()) entry.confirmed = confirmed[nth] ?? false;
}

const judgedEntry = ({ domain, event, source, timestamp, receivedAt, unconfirmed }: EventEntry): JudgedEvent => ({
  ...{ domain, name: event, source, isUnconfirmed: unconfirmed },
  ...{ atMs: timestamp * 1000, receivedAtMs: Date.parse(receivedAt) },
});

/** Of a status whose event is on another page, or not stored any more, no more is known than its time. */
function judgedOutcome(outcome: RecipientStatus, events: readonly EventEntry[]): JudgedEvent {
  const { domain, decidedBy, source, statusAt, unconfirmed, recipient } = outcome;
  const deciding = events.find(
    (event) => event.key === decidedBy && event.recipient?.toLowerCase() === recipient?.toLowerCase(),
  );
  if (deciding !== undefined) return judgedEntry(deciding);
  const atMs = statusAt * 1000;
  return { domain, name: nameInEventKey(decidedBy), source, atMs, receivedAtMs: atMs, isUnconfirmed: unconfirmed };
}

/** Returns what decides whether the status of a mail is confirmed. */
export function judgedMail({ status, deciding }: RecipientMessage): JudgedEvent {
  const { domain, decidedBy, statusAtMs } = status;
  if (deciding === undefined) {
    const times = { atMs: statusAtMs, receivedAtMs: statusAtMs };
    return { domain, name: nameInEventKey(decidedBy), source: null, ...times, isUnconfirmed: false };
  }
  return judgedEvent(deciding);
}

/** Returns what decides whether a stored event is confirmed. */
export function judgedEvent({ domain, event, unconfirmedSinceMs, ...stored }: StoredEvent): JudgedEvent {
  const { source, atMs } = stored;
  const receivedAtMs = storedTimeOf(stored);
  const isUnconfirmed = unconfirmedSinceMs !== undefined;
  return { domain, name: eventName(event), source, atMs, receivedAtMs, isUnconfirmed };
}
