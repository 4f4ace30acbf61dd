import type { Encoding } from '../webhooks/webhook.ts';
import type { EventBuilder } from './events.ts';

type Status = 'ACCEPTED' | 'DEFERRED' | 'DELIVERED' | 'FAILED' | 'COMPLAINED';

/** Expected final record of one recipient; handwritten, never computed. */
export interface Expected {
  readonly status: Status;
  /** Set if the status is FAILED. */
  readonly reason?: string;
  /** Number of distinct events. */
  readonly events: number;
  readonly opens?: number;
  readonly clicks?: number;
  readonly machineOpens?: number;
  readonly machineClicks?: number;
  readonly unsubscribed?: boolean;
}

/** One event in a timeline. */
export interface TimelineStep {
  /** Simulated seconds since the timeline began. */
  readonly afterSeconds: number;
  readonly build: EventBuilder;
  /** Index of the recipient. */
  readonly recipient: number;
  /** True if the expected status depends on this event. */
  readonly decides: boolean;
  /** Seconds after which Mailgun reports it. */
  readonly heldSeconds: number;
}

export interface Timeline {
  readonly name: string;
  /** Number of messages that follow it. */
  readonly messages: number;
  /** Returns the events of the nth message, from 0. */
  steps(nth: number): readonly TimelineStep[];
  /** One entry per recipient of a message. */
  readonly expected: readonly Expected[];
  readonly encoding?: Encoding;
  /** False if Mailgun's event log would not show the events. */
  readonly listed?: boolean;
  readonly fromSubaccount?: boolean;
  /** Returns the id where the sender chose it; `run` distinguishes runs. */
  messageId?(domain: string, run: string): string;
  readonly recipients?: readonly string[];
}

type Details = Partial<Omit<TimelineStep, 'afterSeconds' | 'build'>>;

/**
 * Returns a step of the first recipient, reported at once, that does not decide the status; `details` override this.
 */
export const at = (afterSeconds: number, build: EventBuilder, details: Details = {}): TimelineStep => ({
  recipient: 0,
  decides: false,
  heldSeconds: 0,
  afterSeconds,
  build,
  ...details,
});

/** Returns a step that decides the expected status. */
export const decisive = (afterSeconds: number, build: EventBuilder, details: Details = {}): TimelineStep =>
  at(afterSeconds, build, { ...details, decides: true });
