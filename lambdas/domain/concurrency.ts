/** Awaits everything that was started before it fails: what is still under way must not land after the answer. */
export async function allDone(works: readonly (Promise<unknown> | undefined)[]): Promise<void> {
  const results = await Promise.allSettled(works);
  const failed = results.find((result) => result.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
}

/** Works on items in their order, on up to so many at once; one that fails stops no other, and is thrown in the end. */
export function eachOf<T>(items: Iterable<T>, atOnce: number, work: (item: T) => Promise<void>): Promise<void> {
  const waiting = items[Symbol.iterator]();
  const worker = async () => {
    for (let next = waiting.next(); !next.done; next = waiting.next()) await work(next.value);
  };
  return allDone(Array.from({ length: atOnce }, worker));
}
