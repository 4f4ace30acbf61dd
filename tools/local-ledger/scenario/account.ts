import type { TwinEvent } from '../../mailgun-twin/twin.ts';
import { answersOf } from '../../mailgun-twin/webhooks/delivery.ts';
import type { PlayedMessage } from './play.ts';
import type { StoredEvent } from './read-back.ts';

/** One event of Mailgun's, however often it was sent, and what is stored of it. */
export interface AccountedEvent {
  /** As the read API shows it; unknown for a legacy form, which names no event id. */
  readonly key: string | null;
  readonly event: string;
  readonly recipient: string;
  /** To every copy, in no particular order; null where none came. */
  readonly answers: readonly (number | null)[];
  /** Some copy was answered 200, which is the promise to keep the event. */
  readonly acknowledged: boolean;
  /** Some copy was answered 406, though nothing about it was wrong. */
  readonly refused: boolean;
  /** Mailgun's API shows it. */
  readonly listed: boolean;
  /** It must be stored: it was acknowledged, or is there for reconciliation to find. */
  readonly owed: boolean;
  readonly decides: boolean;
  readonly stored: number;
}

export interface Account {
  readonly events: readonly AccountedEvent[];
  /** Keys of stored events that Mailgun never sent. */
  readonly unknown: readonly string[];
}

/** Sets what Mailgun sent of a message against what is stored of it, after reconciliation or without. */
export function accountFor(played: PlayedMessage, stored: readonly StoredEvent[], reconciled: boolean): Account {
  const sent = new Map<string, PlayedMessage['reported'][number][]>();
  for (const one of played.reported) {
    const { event } = one;
    const identity = `${keyOf(event) ?? event.data.event} ${event.data.recipient}`;
    sent.set(identity, [...(sent.get(identity) ?? []), one]);
  }

  const claimed = new Set<StoredEvent>();
  const events = [...sent.values()].map((copies) => {
    const { event } = copies[0]!;
    const matches = stored.filter((candidate) => isCopy(candidate, event));
    for (const match of matches) claimed.add(match);
    const answers = copies.flatMap((copy) => answersOf(copy.event.record));
    const acknowledged = answers.includes(200);
    return {
      key: keyOf(event),
      event: event.data.event,
      recipient: event.data.recipient,
      answers,
      acknowledged,
      refused: answers.includes(406),
      listed: event.listed,
      owed: acknowledged || (reconciled && event.listed),
      decides: copies.some(({ step }) => step.decides),
      stored: matches.length,
    };
  });
  return { events, unknown: stored.filter((event) => !claimed.has(event)).map(({ key }) => key) };
}

const keyOf = ({ encoding, data }: TwinEvent) => (encoding === 'json' ? `${data.event}#${data.id}` : null);

function isCopy(stored: StoredEvent, event: TwinEvent): boolean {
  const key = keyOf(event);
  const isSameEvent = key === null ? stored.event === event.data.event : stored.key === key;
  return isSameEvent && isSameAddress(stored.recipient, event.data.recipient);
}

/** Mail treats the case of an address as meaningless, in practice, on both sides of the @. */
export const isSameAddress = (one: string | null, other: string) => one?.toLowerCase() === other.toLowerCase();

export const isLost = ({ owed, stored }: AccountedEvent) => owed && stored === 0;

/** No webhook brought it, and it is there. */
export const isRecovered = ({ acknowledged, stored }: AccountedEvent) => !acknowledged && stored > 0;

/** Nobody's broken promise, unlike an event that was refused. */
export const isExcused = ({ owed, refused }: AccountedEvent) => !owed && !refused;
