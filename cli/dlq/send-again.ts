import type { World } from '../command.ts';
import type { DeadLetter, DeadLetters } from './dead-letters.ts';
import type { Effects } from './effects.ts';

export interface SendAgainRequest {
  /** Ids of those to send, from a look through them: what comes back has another id, and is not sent for ever. */
  readonly ids: ReadonlySet<string>;
  readonly perSecond: number;
}

/** Longer than ten messages take at one a second, and short where the command is killed. */
const HIDE_SECONDS = 60;
/** Whoever else reads the dead letters may hold some of them. */
const MOST_IDLE_ROUNDS = 2;

/**
 * Sends dead letters to process again. Each is sent first and deleted then: whatever happens in between, it is in one
 * of the two queues at least, and process absorbs what comes twice.
 */
export async function sendAgain(
  { ids, perSecond }: SendAgainRequest,
  deadLetters: DeadLetters,
  effects: Pick<Effects, 'expect' | 'forget'>,
  { now, sleep, signal }: World,
  onProgress: (left: number) => void,
): Promise<void> {
  const left = new Set(ids);
  const seen = new Set<string>();
  const held = new Map<string, DeadLetter>();
  let dueMs = now();
  try {
    for (let idle = 0; left.size > 0 && idle < MOST_IDLE_ROUNDS && !signal.aborted; ) {
      const letters = await deadLetters.receive(HIDE_SECONDS);
      idle = letters.some(({ id }) => !seen.has(id)) ? 0 : idle + 1;
      for (const letter of letters) {
        seen.add(letter.id);
        held.set(letter.id, letter);
      }
      const wanted = letters.filter(({ id }) => left.has(id));
      await effects.expect(wanted);
      for (const letter of wanted) {
        await sleep(Math.max(0, dueMs - now()));
        if (signal.aborted) break;
        dueMs = Math.max(dueMs, now()) + 1000 / perSecond;
        await deadLetters.resend(letter);
        left.delete(letter.id);
        await deadLetters.remove(letter);
        held.delete(letter.id);
      }
      if (wanted.length > 0) onProgress(left.size);
    }
  } finally {
    effects.forget(left);
    await deadLetters.giveBack([...held.values()]);
  }
}
