import { bind } from 'jest-each';

// The runner has no time limit of its own, so a test that never ends would stop the run; and what a test leaves behind,
// such as a rejected promise, would end the run without the name of the test.

const LIMIT_MS = 180_000;

type Run = () => unknown;

/** Fails a test or hook that is not done in time, or whose background work throws; what it began goes on. */
function limited(run: Run, limitMs = LIMIT_MS): () => Promise<void> {
  return async () => {
    const { promise, reject } = Promise.withResolvers();
    const timer = setTimeout(() => reject(new Error(`Not done after ${limitMs / 1000} s`)), limitMs);
    process.on('uncaughtException', reject);
    try {
      await Promise.race([run(), promise]);
    } finally {
      process.off('uncaughtException', reject);
      clearTimeout(timer);
    }
  };
}

// It would end the worker, and the run would wait for its file without end.
process.exit = (code) => {
  throw new Error(`A test called process.exit(${code})`);
};

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
