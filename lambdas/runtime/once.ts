/** Returns a function that makes its result again only for another argument than the one before. */
export function remakeFor<Of, Made>(make: (of: Of) => Made): (of: Of) => Made {
  let last: { of: Of; made: Made } | undefined;
  return (of) => {
    if (last === undefined || last.of !== of) last = { of, made: make(of) };
    return last.made;
  };
}

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
