import { bind } from 'jest-each';

// The runner has no time limit of its own, and a test that waits for ever would stop the run.

const LIMIT_MS = 180_000;

type Run = () => unknown;

/** Fails a test or hook that is not done in time; its work goes on in the background. */
function limited(run: Run, limitMs = LIMIT_MS): () => Promise<void> {
  return async () => {
    const { promise, reject } = Promise.withResolvers();
    const timer = setTimeout(() => reject(new Error(`Not done after ${limitMs / 1000} s`)), limitMs);
    try {
      await Promise.race([run(), promise]);
    } finally {
      clearTimeout(timer);
    }
  };
}

const unlimited = test;
const limitedTest = (title: string, run: Run, limitMs?: number) => unlimited(title, limited(run, limitMs));
const hook = (register: typeof beforeAll) => (run: Run, limitMs?: number) => register(limited(run, limitMs));

Object.assign(globalThis, {
  test: Object.assign(limitedTest, unlimited, { each: bind(limitedTest) }),
  beforeAll: hook(beforeAll),
  afterAll: hook(afterAll),
  beforeEach: hook(beforeEach),
  afterEach: hook(afterEach),
});
