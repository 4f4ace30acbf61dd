/** Waits for everything that was started, even if something fails: nothing may take effect after the result. */
export async function allDone(works: readonly (Promise<unknown> | undefined)[]): Promise<void> {
  const results = await Promise.allSettled(works);
  const failed = results.find((result) => result.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
}

/**
 * Reads of the table at a time, in what may need hundreds. A function has a third of a core, which ten keep busy: more
 * take as long altogether, but each waits longer, and is given up after a second.
 */
export const READS_AT_ONCE = 10;

/**
 * Works on items in their order, at most `atOnce` at a time. A failure is thrown once all that was begun is done; each
 * leaves one fewer at a time, so after `atOnce` failures the others are not begun.
 */
export function eachOf<T>(items: Iterable<T>, atOnce: number, work: (item: T) => Promise<void>): Promise<void> {
  const waiting = items[Symbol.iterator]();
  const worker = async () => {
    for (let next = waiting.next(); !next.done; next = waiting.next()) await work(next.value);
  };
  return allDone(Array.from({ length: atOnce }, worker));
}

/** Returns the result of each item, in their order; otherwise like `eachOf`. */
export async function resultsOf<T, Result>(
  items: readonly T[],
  atOnce: number,
  work: (item: T) => Promise<Result>,
): Promise<Result[]> {
  const results = new Array<Result>(items.length);
  await eachOf(items.entries(), atOnce, async ([index, item]) => {
    results[index] = await work(item);
  });
  return results;
}

/** Golden ratio: however many there are, and however few are reached at a time, each soon comes first. */
const STEP = 0.618_033_988_749_895;

/** Returns the items beginning with another each hour, so that none always comes last. */
export function startingWith<T>(items: readonly T[], nth: number): T[] {
  const first = Math.floor(((nth * STEP) % 1) * items.length);
  return [...items.slice(first), ...items.slice(0, first)];
}
