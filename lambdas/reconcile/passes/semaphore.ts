/** Runs up to `limit` tasks concurrently, first come first served; the limit may change at any time. */
interface Semaphore {
  limit: number;
  run<T>(task: () => Promise<T>): Promise<T>;
}

export function createSemaphore(limit: number): Semaphore {
  const waiting: (() => void)[] = [];
  let active = 0;
  const admit = () => {
    while (active < semaphore.limit && waiting.length > 0) {
      active += 1;
      waiting.shift()?.();
    }
  };
  const semaphore: Semaphore = {
    limit,
    async run(task) {
      await new Promise<void>((resolve) => {
        waiting.push(resolve);
        admit();
      });
      try {
        return await task();
      } finally {
        active -= 1;
        admit();
      }
    },
  };
  return semaphore;
}
