import type { Encoding } from '../webhooks/webhook.ts';
import type { EventBuilder } from './events.ts';

export type Status = 'ACCEPTED' | 'DEFERRED' | 'DELIVERED' | 'FAILED' | 'COMPLAINED';

/** What a reader must be told about one recipient when a timeline has ended; written by hand, never computed. */
export interface Expected {
  readonly status: Status;
  /** Given where the status is FAILED. */
  readonly reason?: string;
  /** How many different events there are. */
  readonly events: number;
  readonly opens?: number;
  readonly clicks?: number;
  readonly machineOpens?: number;
  readonly machineClicks?: number;
  readonly unsubscribed?: boolean;
}

/** One event of a timeline. */
export interface Step {
  /** Mail time since the timeline began. */
  readonly afterSeconds: number;
  readonly build: EventBuilder;
  /** Whose event it is, counted from the timeline's first recipient. */
  readonly recipient: number;
  /** The event which the expected status rests on. */
  readonly decides: boolean;
  /** Mailgun reports it so much later than it happened. */
  readonly heldSeconds: number;
}

export interface Timeline {
  readonly name: string;
  /** How many messages live through it. */
  readonly messages: number;
  /** The events of the nth message, counted from 0. */
  steps(nth: number): readonly Step[];
  /** One entry for each recipient of a message. */
  readonly expected: readonly Expected[];
  readonly encoding?: Encoding;
  /** False where Mailgun's event log would not show the events. */
  readonly listed?: boolean;
  readonly fromSubaccount?: boolean;
  /** Where the sender, and not Mailgun, chose the id; `run` keeps runs apart. */
  messageId?(domain: string, run: string): string;
  readonly recipients?: readonly string[];
}

type Details = Partial<Omit<Step, 'afterSeconds' | 'build'>>;

/** A step of the first recipient, reported at once, deciding nothing, unless the details say otherwise. */
export const at = (afterSeconds: number, build: EventBuilder, details: Details = {}): Step => ({
  recipient: 0,
  decides: false,
  heldSeconds: 0,
  afterSeconds,
  build,
  ...details,
});

/** The step that the expected status rests on. */
export const decisive = (afterSeconds: number, build: EventBuilder, details: Details = {}): Step =>
  at(afterSeconds, build, { ...details, decides: true });
