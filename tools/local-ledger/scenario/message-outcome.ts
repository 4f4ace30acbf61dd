import type { Expected } from '../../mailgun-twin/traffic/timeline.ts';
import type { TwinEvent } from '../../mailgun-twin/twin.ts';
import { statusesOf } from '../../mailgun-twin/webhooks/delivery.ts';
import type { PlayedMessage } from './play.ts';
import type { ReportedEvent, StoredMessage, StoredRecipient } from './read-stack.ts';

/** One Mailgun event, however often it was sent, with its stored copies. */
export interface AccountedEvent {
  /** Event key as in the read API; null for the legacy form, which has no event id. */
  readonly key: string | null;
  readonly event: string;
  readonly recipient: string;
  /** Statuses of all copies, unordered; null where no response came. */
  readonly statuses: readonly (number | null)[];
  /** True if a copy got a 200, which promises to keep the event. */
  readonly acknowledged: boolean;
  /** True if a copy got a 406 although nothing was wrong with it. */
  readonly refused: boolean;
  /** True if Mailgun's API lists it. */
  readonly listed: boolean;
  /** True if it must be stored: it was acknowledged, or reconciliation can find it. */
  readonly owed: boolean;
  readonly decides: boolean;
  readonly stored: number;
}

interface Account {
  readonly events: readonly AccountedEvent[];
  /** Keys of stored events that Mailgun never sent. */
  readonly unknown: readonly string[];
}

/** Compares the events that Mailgun sent for a message with the stored ones, with or without reconciliation. */
function accountFor(played: PlayedMessage, stored: readonly ReportedEvent[], reconciled: boolean): Account {
  const sent = new Map<string, PlayedMessage['reported'][number][]>();
  for (const one of played.reported) {
    const { event } = one;
    const identity = `${keyOf(event) ?? event.data.event} ${event.data.recipient}`;
    sent.set(identity, [...(sent.get(identity) ?? []), one]);
  }

  const claimed = new Set<ReportedEvent>();
  const events = [...sent.values()].map((copies) => {
    const { event } = copies[0]!;
    const matches = stored.filter((candidate) => isCopy(candidate, event));
    for (const match of matches) claimed.add(match);
    const statuses = copies.flatMap((copy) => statusesOf(copy.event.record));
    const acknowledged = statuses.includes(200);
    return {
      key: keyOf(event),
      event: event.data.event,
      recipient: event.data.recipient,
      statuses,
      acknowledged,
      refused: statuses.includes(406),
      listed: event.listed,
      owed: acknowledged || (reconciled && event.listed),
      decides: copies.some(({ step }) => step.decides),
      stored: matches.length,
    };
  });
  return { events, unknown: stored.filter((event) => !claimed.has(event)).map(({ key }) => key) };
}

const keyOf = ({ encoding, data }: TwinEvent) => (encoding === 'json' ? `${data.event}#${data.id}` : null);

function isCopy(stored: ReportedEvent, event: TwinEvent): boolean {
  const key = keyOf(event);
  const isSameEvent = key === null ? stored.event === event.data.event : stored.key === key;
  return isSameEvent && isSameAddress(stored.recipient, event.data.recipient);
}

/** In practice the case of an address has no meaning, on both sides of the @. */
const isSameAddress = (one: string | null, other: string) => one?.toLowerCase() === other.toLowerCase();

export const isLost = ({ owed, stored }: AccountedEvent) => owed && stored === 0;

/** Returns true if the event is stored although no webhook was acknowledged. */
export const isRecovered = ({ acknowledged, stored }: AccountedEvent) => !acknowledged && stored > 0;

/** Returns true if the event was neither promised nor refused. */
export const isExcused = ({ owed, refused }: AccountedEvent) => !owed && !refused;

/** `never-acknowledged`: it differs only by events that were neither acknowledged nor listed. */
type Judgement = 'as-expected' | 'never-acknowledged' | 'wrong';

export interface RecipientOutcome {
  readonly recipient: string;
  readonly status: string | null;
  readonly reason: string | null;
  readonly events: number;
  readonly judgement: Judgement;
  readonly differences: readonly string[];
}

export interface MessageOutcome {
  readonly timeline: string;
  readonly messageId: string;
  readonly recipients: readonly RecipientOutcome[];
  readonly account: Account;
}

/** Compares what is stored of a message with its timeline's handwritten expectation. */
export function compareMessage(
  played: PlayedMessage,
  stored: StoredMessage | undefined,
  reconciled: boolean,
): MessageOutcome {
  const { timeline, mail } = played.scheduled;
  const account = accountFor(played, stored?.events ?? [], reconciled);
  const recipients = mail.to.map((recipient, nth) =>
    compareRecipient(recipient, timeline.expected[nth]!, account, stored ?? { recipients: [], events: [] }),
  );
  return { timeline: timeline.name, messageId: mail.messageId, recipients, account };
}

function compareRecipient(recipient: string, expected: Expected, account: Account, stored: StoredMessage) {
  const found = stored.recipients.find((candidate) => isSameAddress(candidate.recipient, recipient));
  const events = stored.events.filter((event) => isSameAddress(event.recipient, recipient)).length;
  const sent = account.events.filter((event) => isSameAddress(event.recipient, recipient));

  const status = statusDifferences(expected, sent, found);
  const counts = countDifferences(expected, events, found);
  const unacknowledged = sent.filter(isExcused);
  const statusExplained = unacknowledged.some(({ decides }) => decides);
  const countsExplained = counts.every(({ missing }) => missing > 0 && missing <= unacknowledged.length);

  const differences = [...status, ...counts.map(({ text }) => text)];
  const explained = (status.length === 0 || statusExplained) && countsExplained;
  const judgement: Judgement = differences.length === 0 ? 'as-expected' : explained ? 'never-acknowledged' : 'wrong';
  return {
    recipient,
    status: found?.status ?? null,
    reason: found?.reason ?? null,
    events,
    judgement,
    differences,
  };
}

function statusDifferences(expected: Expected, sent: readonly AccountedEvent[], found?: StoredRecipient): string[] {
  if (!found) return [`no status, expected ${expected.status}`];
  const deciding = sent.find(({ decides }) => decides)?.key;
  return [
    difference('status', found.status, expected.status),
    difference('reason', found.reason ?? null, expected.reason ?? null),
    deciding ? difference('decidedBy', found.decidedBy, deciding) : [],
  ].flat();
}

const difference = (name: string, found: unknown, expected: unknown) =>
  found === expected ? [] : [`${name} ${found}, expected ${expected}`];

function countDifferences(expected: Expected, events: number, found?: StoredRecipient) {
  const counts = [
    ['events', events, expected.events],
    ['opens', found?.opens, expected.opens],
    ['clicks', found?.clicks, expected.clicks],
    ['machineOpens', found?.machineOpens, expected.machineOpens],
    ['machineClicks', found?.machineClicks, expected.machineClicks],
    ['unsubscribed', Number(found?.unsubscribed ?? false), Number(expected.unsubscribed ?? false)],
  ] as const;
  return counts
    .map(([name, is = 0, should = 0]) => ({ text: `${name} ${is}, expected ${should}`, missing: should - is }))
    .filter(({ missing }) => missing !== 0);
}
