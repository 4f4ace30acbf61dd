import { type MailgunEvent, parseEvent } from '../events/mailgun-event.ts';
import type { JsonObject } from '../json.ts';
import { failureClassOf } from '../status/classify-failure.ts';
import type { FailureClass } from '../status/failure-class.ts';

/** A stored event of one mail. */
export interface MailEvent {
  readonly event: JsonObject;
  readonly eventKey: string;
  readonly atMs: number;
  /** True if Mailgun was found not to list it. */
  readonly isUnconfirmed: boolean;
}

/** Why a mail failed permanently; the texts are those of the server, or of Mailgun where it did not try. */
interface MailFailure {
  readonly atMs: number;
  readonly failureClass: FailureClass;
  readonly reason: string | null;
  readonly code: string | null;
  readonly text: string | null;
}

/** The outcome of one message for one recipient. Times are in epoch milliseconds, each of the earliest such event. */
export interface MailOutcome {
  readonly acceptedAtMs: number | undefined;
  readonly deliveredAtMs: number | undefined;
  /** By a person; machines open and click mail to scan it. */
  readonly openedAtMs: number | undefined;
  readonly failure: MailFailure | undefined;
  readonly wasDeferred: boolean;
  readonly isComplained: boolean;
  readonly isUnsubscribed: boolean;
  readonly isClicked: boolean;
  readonly isOpenedByMachine: boolean;
  readonly isClickedByMachine: boolean;
  readonly isTestMode: boolean;
  /** Mail to us that was routed on. */
  readonly isInbound: boolean;
  readonly unconfirmed: number;
}

/** Returns the outcome of the events of one message and recipient, in any order. */
export function mailOutcome(events: readonly MailEvent[]): MailOutcome {
  const read = events.map((each) => ({ ...each, parsed: parseEvent(each.event) }));
  type Read = (typeof read)[number];
  const has = (test: (each: Read) => boolean) => read.some(test);
  const first = (test: (each: Read) => boolean) =>
    read.filter(test).toSorted((a, b) => a.atMs - b.atMs || (a.eventKey < b.eventKey ? -1 : 1))[0];
  const named = (name: string) => (each: Read) => each.parsed.name === name;
  const failed = first(({ parsed }) => parsed.type.status === 'FAILED');
  return {
    acceptedAtMs: first(({ parsed }) => parsed.type.status === 'ACCEPTED')?.atMs,
    deliveredAtMs: first(named('delivered'))?.atMs,
    openedAtMs: first((each) => named('opened')(each) && !each.parsed.isByMachine)?.atMs,
    failure: failed && failureOf(failed),
    wasDeferred: has(({ parsed }) => parsed.type.status === 'DEFERRED'),
    isComplained: has(({ parsed }) => parsed.type.status === 'COMPLAINED'),
    isUnsubscribed: has(({ parsed }) => parsed.type.suppression === 'unsubscribe'),
    isClicked: has((each) => named('clicked')(each) && !each.parsed.isByMachine),
    isOpenedByMachine: has((each) => named('opened')(each) && each.parsed.isByMachine),
    isClickedByMachine: has((each) => named('clicked')(each) && each.parsed.isByMachine),
    isTestMode: has(({ parsed }) => parsed.isTestMode),
    isInbound: has(({ parsed }) => parsed.isInbound),
    unconfirmed: read.filter(({ isUnconfirmed }) => isUnconfirmed).length,
  };
}

function failureOf({ parsed, atMs }: { parsed: MailgunEvent; atMs: number }): MailFailure {
  const { name, reason, code, codeText, enhancedCode, deliveryMessage, deliveryDescription, rejectReason } = parsed;
  return {
    atMs,
    failureClass: failureClassOf(parsed) ?? 'other',
    reason: reason ?? (name === 'rejected' ? 'rejected' : null),
    code: trimmed(enhancedCode) ?? code?.toString() ?? trimmed(codeText),
    text: trimmed(deliveryMessage) ?? trimmed(deliveryDescription) ?? rejectReason ?? null,
  };
}

const trimmed = (text: string | undefined) => text?.trim() || null;
