import fc from 'fast-check';

// A commit is tested with the same cases in every run, so that no check fails by something that its change did not
// touch. The nightly check sets a seed of its own, and so may anyone who searches for more.
fc.configureGlobal({ seed: Number(process.env.SEED || 1) });

export default fc;
