/** Awaits everything that was started before it fails: what is still under way must not land after the result. */
export async function allDone(works: readonly (Promise<unknown> | undefined)[]): Promise<void> {
  const results = await Promise.allSettled(works);
  const failed = results.find((result) => result.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
}

/** Works on items in their order, at most `atOnce` at a time; the others are worked on before a failure is thrown. */
export function eachOf<T>(items: Iterable<T>, atOnce: number, work: (item: T) => Promise<void>): Promise<void> {
  const waiting = items[Symbol.iterator]();
  const worker = async () => {
    for (let next = waiting.next(); !next.done; next = waiting.next()) await work(next.value);
  };
  return allDone(Array.from({ length: atOnce }, worker));
}
