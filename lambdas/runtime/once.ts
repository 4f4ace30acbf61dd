/** Returns a function that does the work at its first call only. After a failure the next call tries again. */
export function once<Args extends unknown[]>(work: (...args: Args) => Promise<void>): (...args: Args) => Promise<void> {
  let done: Promise<void> | undefined;
  return (...args) => {
    done ??= work(...args).catch((error) => {
      done = undefined;
      throw error;
    });
    return done;
  };
}
