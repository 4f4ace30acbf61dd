import type { Attempt } from './delivery.ts';
import { isAcknowledgement } from './retry-schedule.ts';

/** `gone`: it responded 410; `failing`: every attempt failed for days; `operator`: by a command. */
type DisabledReason = 'gone' | 'failing' | 'operator';

/** The state of a receiver as a whole. */
export interface ReceiverState {
  /** Epoch milliseconds; present from the first failure after an acknowledgement on. */
  failingSince?: number | undefined;
  disabledAt?: number | undefined;
  disabledReason?: DisabledReason | undefined;
  /** Status of the attempt that disabled it; 0 where there was no response. */
  lastStatus?: number | undefined;
  /** The event of that attempt. */
  lastId?: string | undefined;
  /** When an operator enabled it last. */
  enabledAt?: number | undefined;
}

/** `failing`: no attempt since that time was acknowledged. */
export type ReceiverCondition = 'enabled' | 'failing' | 'disabled';

export function receiverCondition({ disabledAt, failingSince }: ReceiverState): ReceiverCondition {
  if (disabledAt !== undefined) return 'disabled';
  return failingSince === undefined ? 'enabled' : 'failing';
}

const GONE = 410;

/** Returns the state after an attempt; the same object where nothing changes, so that nothing is written. */
export function receiverAfter(
  before: ReceiverState,
  attempt: Attempt,
  disableAfterMs: number,
  id?: string,
): ReceiverState {
  if (before.disabledAt !== undefined) return before;
  const { enabledAt } = before;
  const kept = enabledAt === undefined ? {} : { enabledAt };
  if (isAcknowledgement(attempt)) return before.failingSince === undefined ? before : kept;
  const at = attempt.at + attempt.ms;
  const disabled = (disabledReason: DisabledReason): ReceiverState => ({
    ...kept,
    failingSince: before.failingSince ?? attempt.at,
    disabledAt: at,
    disabledReason,
    lastStatus: attempt.status ?? 0,
    lastId: id,
  });
  if (attempt.status === GONE) return disabled('gone');
  if (before.failingSince === undefined) return { ...kept, failingSince: attempt.at };
  return at - before.failingSince >= disableAfterMs ? disabled('failing') : before;
}
