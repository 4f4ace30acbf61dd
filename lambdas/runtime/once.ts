/** Does the work at the first call; later ones have nothing to do. After a failure the next call tries again. */
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
