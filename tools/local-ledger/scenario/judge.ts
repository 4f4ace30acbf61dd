import type { Expected } from '../../mailgun-twin/traffic/timeline.ts';
import { type Account, type AccountedEvent, accountFor, isExcused, isSameAddress } from './account.ts';
import type { PlayedMessage } from './play.ts';
import type { StoredMessage, StoredRecipient } from './read-back.ts';

/** `never-acknowledged`: it differs, and an event that neither a 200 nor reconciliation vouches for explains that. */
export type Judgement = 'as-expected' | 'never-acknowledged' | 'wrong';

export interface RecipientVerdict {
  readonly recipient: string;
  readonly status: string | null;
  readonly reason: string | null;
  readonly events: number;
  readonly judgement: Judgement;
  readonly differences: readonly string[];
}

export interface MessageVerdict {
  readonly timeline: string;
  readonly messageId: string;
  readonly recipients: readonly RecipientVerdict[];
  readonly account: Account;
}

/** Compares what is stored of a message with what its timeline says, by hand, that a reader must be told. */
export function judgeMessage(
  played: PlayedMessage,
  stored: StoredMessage | undefined,
  reconciled: boolean,
): MessageVerdict {
  const { timeline, mail } = played.scheduled;
  const account = accountFor(played, stored?.events ?? [], reconciled);
  const recipients = mail.to.map((recipient, nth) =>
    judgeRecipient(recipient, timeline.expected[nth]!, account, stored ?? { recipients: [], events: [] }),
  );
  return { timeline: timeline.name, messageId: mail.messageId, recipients, account };
}

function judgeRecipient(recipient: string, expected: Expected, account: Account, stored: StoredMessage) {
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
