import { isMainThread } from 'node:worker_threads';
import { bind } from 'jest-each';

// The runner has no time limit of its own, so a test that never ends would stop the run; and what a test leaves behind,
// such as a rejected promise, would end the run without the name of the test.

const LIMIT_MS = 180_000;

type Run = () => unknown;

/** Tests and hooks that are not done. */
let running = 0;

/** Fails a test or hook that is not done in time, or whose background work throws; what it began goes on. */
function limited(run: Run, limitMs = LIMIT_MS): () => Promise<void> {
  return async () => {
    const { promise, reject } = Promise.withResolvers();
    const timer = setTimeout(() => reject(new Error(`Not done after ${limitMs / 1000} s`)), limitMs);
    process.on('uncaughtException', reject);
    running += 1;
    try {
      await Promise.race([run(), promise]);
    } finally {
      running -= 1;
      process.off('uncaughtException', reject);
      clearTimeout(timer);
    }
  };
}

const exit = process.exit.bind(process);
// It would end the worker, and the run would wait for its file without end. With `-i` Jest itself, which runs in the same
// thread, may end the run between two tests.
process.exit = (code) => {
  if (isMainThread && running === 0) exit(code);
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
