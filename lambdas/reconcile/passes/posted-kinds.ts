import { DAY_MS } from '../../contract.ts';
import type { MailgunEvent } from '../../domain/events/mailgun-event.ts';
import { addAll, type Counts } from '../../domain/ledger/counts.ts';
import type { ExpectedKinds, Slice } from '../../domain/ledger/slice.ts';
import { addKind, type Tally, typeOf } from '../../domain/ledger/tally.ts';
import { doubtfulKindOf } from '../../domain/webhooks/webhook-type.ts';
import type { PostedTimes, ReconciliationState } from '../ports.ts';

export interface PostedKindsDeps {
  ledger: Pick<ReconciliationState, 'readPostedKinds' | 'notePostedKind'>;
}

/** This long after the last webhook of a type, no more are expected: Mailgun may have stopped posting it. */
const POSTED_KIND_MS = 14 * DAY_MS;
/** Interval at which the last webhook's time is renewed. */
const RENEWED_AFTER_MS = DAY_MS;

/** The kinds that Mailgun may never post, as far as webhooks of a domain have brought events of them. */
export interface PostedKinds {
  /** Returns true if a webhook should bring an event of this type, now or according to an earlier pass of the slice. */
  isExpected(kind: string, event: MailgunEvent, atMs: number): Promise<boolean>;
  /** Returns true if no event of this type and time needs a lookup. */
  isKnown(kind: string, atMs: number): Promise<boolean>;
  /** Returns true if it is known what an earlier pass expected. */
  holds(kinds: ExpectedKinds): Promise<boolean>;
  note(kind: string, atMs: number): Promise<void>;
}

/** Reads them once an event of such a kind is listed; most domains have none. */
export function createPostedKinds(
  { ledger }: PostedKindsDeps,
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
  // An earlier version expected every kind, and what it counted must stay expected.
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
  { registered }: { registered: readonly string[] },
  { postedKinds }: { postedKinds: PostedKinds },
  tally: Tally,
  event: MailgunEvent,
  atMs: number,
): Promise<readonly string[]> {
  const kind = doubtfulKindOf(event);
  if (kind === undefined) return registered;
  if (!(await postedKinds.isExpected(kind, event, atMs))) return [];
  addKind(tally, kind, atMs);
  return registered;
}
