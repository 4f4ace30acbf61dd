import type { EventIdentity } from '../../../lambdas/domain/identity.ts';
import { TargetUnavailableError } from '../../errors.ts';
import { type DeadLetter, type DeadLetters, MAX_SCANNED_MESSAGES, scanDeadLetters } from './dead-letters.ts';
import { type Diagnosis, diagnose } from './diagnosis.ts';

/** Options that choose dead letters. */
export interface SelectionOptions {
  readonly reason?: string;
  readonly id?: readonly string[];
}

/** A chosen dead letter, without its body. */
export interface Selected extends Pick<DeadLetter, 'id' | 'reason'> {
  readonly error: Diagnosis['error'];
  /** The event that it holds; undefined where none can be read. */
  readonly event?: { readonly identity: EventIdentity; readonly domain: string };
}

/** Collects the values of an option that may be repeated. */
export const repeated = (value: string, values: string[] = []) => [...values, value];

/**
 * Returns the dead letters that the options mean: all that are there now, and none that come later. Throws a
 * TargetUnavailableError where an id is not there.
 */
export async function selectDeadLetters(deadLetters: DeadLetters, { reason: only, id: ids }: SelectionOptions) {
  const selected: Selected[] = [];
  let scanned = 0;
  for await (const letter of scanDeadLetters(deadLetters)) {
    scanned += 1;
    const { id, reason, body } = letter;
    if (reason === (only ?? reason) && (ids?.includes(id) ?? true)) selected.push({ id, reason, ...contentOf(body) });
    if (ids !== undefined && selected.length === new Set(ids).size) break;
  }
  const missing = ids?.filter((id) => !selected.some((letter) => letter.id === id)) ?? [];
  if (missing.length > 0) throw new TargetUnavailableError(`there is no such dead letter: ${missing.join(', ')}`);
  return { selected, complete: ids !== undefined || scanned < MAX_SCANNED_MESSAGES };
}

function contentOf(body: string): Pick<Selected, 'error' | 'event'> {
  const { error, identity, message } = diagnose(body);
  if (error !== null) return { error };
  return { error, event: { identity, domain: message.domain } };
}

/** Someone else who reads the dead letters may hold some of them. */
const MAX_IDLE_ROUNDS = 2;
/** Longer than ten messages take at one a second, and short where the command is killed. */
const VISIBILITY_SECONDS = 60;

/**
 * Receives dead letters until `left` is empty, and calls `handle` with those that are in it; gives back in the end
 * whatever `handle` did not remove.
 */
export async function receiveSelected(
  left: ReadonlySet<string>,
  deadLetters: DeadLetters,
  signal: AbortSignal,
  handle: (letters: readonly DeadLetter[], remove: (letter: DeadLetter) => Promise<void>) => Promise<void>,
): Promise<void> {
  const seen = new Set<string>();
  const held = new Map<string, DeadLetter>();
  const remove = async (letter: DeadLetter) => {
    await deadLetters.remove(letter);
    held.delete(letter.id);
  };
  try {
    for (let idle = 0; left.size > 0 && idle < MAX_IDLE_ROUNDS && !signal.aborted; ) {
      const letters = await deadLetters.receive(VISIBILITY_SECONDS);
      idle = letters.some(({ id }) => !seen.has(id)) ? 0 : idle + 1;
      for (const letter of letters) {
        seen.add(letter.id);
        held.set(letter.id, letter);
      }
      await handle(
        letters.filter(({ id }) => left.has(id)),
        remove,
      );
    }
  } finally {
    await deadLetters.giveBack([...held.values()]);
  }
}

/** `3 not-json, 1 unstorable` */
export const countsByReason = (letters: readonly Pick<DeadLetter, 'reason'>[]) =>
  [...Map.groupBy(letters, ({ reason }) => reason)].map(([reason, { length }]) => `${length} ${reason}`).join(', ');
