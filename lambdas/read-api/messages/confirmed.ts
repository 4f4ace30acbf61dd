import type { EventEntry } from '../../../api/responses/events.ts';
import { eventName } from '../../domain/events/event.ts';
import type { Source } from '../../domain/events/queue-message.ts';
import { storedTimeOf } from '../../domain/events/stored-time.ts';
import { keyPart, nameInEventKey } from '../../domain/keys.ts';
import { numberOf } from '../../domain/ledger/counts.ts';
import { alignedStart, doubtsOf, wasComparedSince } from '../../domain/ledger/slice.ts';
import type {
  ComparedSlice,
  EventOrigin,
  LedgerReader,
  SliceFactsReader,
  StoredEvent,
  StoredStatus,
} from '../ports.ts';
import { eventEntry } from './event-entry.ts';
import { mayBeGone } from './expired-events.ts';

/** What decides whether an event is confirmed. */
export interface JudgedEvent {
  readonly domain: string;
  readonly name: string;
  readonly source: Source | null;
  readonly atMs: number;
  /** When it was stored; undefined where it is not, or no longer. */
  readonly storedAtMs: number | undefined;
  readonly isUnconfirmed: boolean;
}

interface ComparisonSettings {
  readonly sliceSeconds: number;
  readonly settleSeconds: number;
  /** How long the table keeps events; where that is not known, none that is gone is confirmed. */
  readonly retentionDays: number | undefined;
  readonly now: () => number;
}

export type ConfirmedCheck = (events: readonly JudgedEvent[]) => Promise<boolean[]>;

/**
 * Returns a check of whether Mailgun lists events, as far as its list was compared since they were stored: one read for each
 * hundred slices. Noting it on the event would cost a write unit with every event.
 */
export function createConfirmedCheck(
  slices: SliceFactsReader,
  ledger: LedgerReader,
  settings: ComparisonSettings,
): ConfirmedCheck {
  const { sliceSeconds } = settings;
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
      return (
        event.source === 'reconcile' ||
        isListed(event, known.get(nameOf({ ...event, start: startOf(event) })), settings)
      );
    });
  };
}

const nameOf = ({ domain, start }: { domain: string; start: number }) => `${start} ${domain}`;

function isListed(
  { atMs, storedAtMs, name }: JudgedEvent,
  slice: ComparedSlice | undefined,
  { settleSeconds, retentionDays: days, now }: ComparisonSettings,
): boolean {
  if (slice === undefined || slice.unlisted) return false;
  if (atMs < slice.start * 1000 || atMs >= slice.end * 1000) return false;
  // Which events are unlisted is known once the second pass has marked them; no event bears that it is altered.
  const isExpired = storedAtMs === undefined && days !== undefined && mayBeGone({ statusAtMs: atMs }, { days, now });
  if (!isExpired && (storedAtMs === undefined || !wasComparedSince(slice, storedAtMs, settleSeconds))) return false;
  const type = keyPart(name);
  // The mark of an event goes with it.
  const doubted = isExpired ? slice.unconfirmed : doubtsOf(slice).undecided;
  return numberOf(doubted, type) + numberOf(slice.altered, type) === 0;
}

/** An entry of a page that says whether it is confirmed, with what decides that. */
export interface JudgedEntry {
  readonly entry: { confirmed: boolean };
  readonly judged: JudgedEvent;
}

export interface JudgedEventEntry extends JudgedEntry {
  readonly entry: EventEntry;
}

/** Returns a stored event as a page shows it. */
export const shownEvent = (stored: StoredEvent): JudgedEventEntry => ({
  entry: eventEntry(stored),
  judged: judgedEvent(stored),
});

/** Notes on entries whether Mailgun lists them. */
export async function confirmEntries(check: ConfirmedCheck, entries: readonly JudgedEntry[]): Promise<void> {
  const confirmed = await check(entries.map(({ judged }) => judged));
  for (const [nth, { entry }] of entries.entries()) entry.confirmed = confirmed[nth] ?? false;
}

/** Returns what decides whether a status is confirmed; the origin is that of the event that decided it, where it is stored. */
export function judgedStatus(
  { domain, decidedBy, statusAtMs: atMs }: StoredStatus,
  origin: EventOrigin | undefined,
): JudgedEvent {
  return {
    domain,
    name: nameInEventKey(decidedBy),
    source: origin?.source ?? null,
    atMs,
    storedAtMs: origin && storedTimeOf(origin),
    isUnconfirmed: origin?.unconfirmedSinceMs !== undefined,
  };
}

/** Returns what decides whether a stored event is confirmed. */
export function judgedEvent({ domain, event, unconfirmedSinceMs, ...stored }: StoredEvent): JudgedEvent {
  const { source, atMs } = stored;
  const isUnconfirmed = unconfirmedSinceMs !== undefined;
  return { domain, name: eventName(event), source, atMs, storedAtMs: storedTimeOf(stored), isUnconfirmed };
}
