import { type AccountedEvent, isExcused, isLost, isRecovered } from '../account.ts';
import type { Leftovers } from '../drain.ts';
import type { MessageVerdict } from '../judge.ts';

/** The whole run in numbers; every list names what a person must look at. */
export interface Summary extends Leftovers {
  readonly ok: boolean;
  readonly messages: number;
  /** Different events, however often sent. */
  readonly events: number;
  readonly acknowledged: number;
  readonly storedOnce: number;
  /** Acknowledged, or listed when reconciliation looked, and not stored; what still waits in a queue is among them. */
  readonly lost: number;
  readonly storedTwice: number;
  /** Stored, though Mailgun never sent it. */
  readonly unknown: number;
  /** Answered 406 without reason. */
  readonly refused: number;
  /** No webhook brought it, reconciliation did. */
  readonly recovered: number;
  /** Neither acknowledged nor for reconciliation to find. */
  readonly neverAcknowledged: number;
  /** Recipients whose record differs from their timeline without an excuse. */
  readonly wrong: number;
}

export function summarize(verdicts: readonly MessageVerdict[], leftovers: Leftovers): Summary {
  const events = verdicts.flatMap(({ account }) => account.events);
  const count = (isCounted: (event: AccountedEvent) => boolean) => events.filter(isCounted).length;
  const numbers = {
    ...leftovers,
    messages: verdicts.length,
    events: events.length,
    acknowledged: count(({ acknowledged }) => acknowledged),
    storedOnce: count(({ stored }) => stored === 1),
    lost: count(isLost),
    storedTwice: count(({ stored }) => stored > 1),
    unknown: verdicts.reduce((sum, { account }) => sum + account.unknown.length, 0),
    refused: count(({ refused }) => refused),
    recovered: count(isRecovered),
    neverAcknowledged: count(isExcused),
    wrong: verdicts.flatMap(({ recipients }) => recipients).filter(({ judgement }) => judgement === 'wrong').length,
  };
  const { acknowledged, lost, storedTwice, unknown, refused, wrong } = numbers;
  // A receiver that acknowledged nothing has proved nothing.
  return { ok: acknowledged > 0 && lost + storedTwice + unknown + refused + wrong === 0, ...numbers };
}
