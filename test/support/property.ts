import fc from 'fast-check';

// A commit is tested with the same cases in every run, so that no check fails by something that its change did not
// touch. The nightly check sets a seed of its own, and so may anyone who searches for more.
fc.configureGlobal({ seed: Number(process.env.SEED || 1) });

const SHARE = Number(process.env.RUNS || 1 / 3);

/** Returns how many cases a model tries: a third of `all`, and all in CI (`RUNS=1`); more where somebody searches. */
export const runs = (all: number): number => Math.ceil(all * SHARE);

export default fc;
