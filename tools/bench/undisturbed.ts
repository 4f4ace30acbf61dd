import { startTestEngines, type TestEngines } from '../../test/support/stacks/engines.ts';

const TRIES = 20;

/** Thrown by a count whose duration shows that the machine was disturbed. */
export class DisturbedCountError extends Error {}

/**
 * Counts the cost of calls on dedicated engines. On a busy machine a client may time out and retry, and the engine
 * charges both calls: such a count is discarded and repeated, as is one that throws a DisturbedCountError.
 */
export async function countUndisturbed<Figures>(
  count: (engines: TestEngines) => Promise<Figures>,
  start: () => Promise<TestEngines> = startTestEngines,
): Promise<Figures> {
  let failure: unknown;
  for (let tries = 0; tries < TRIES; tries += 1) {
    const engines = await start();
    try {
      const figures = await count(engines);
      if (engines.usage.repeats() === 0) return figures;
    } catch (error) {
      if (engines.usage.repeats() === 0 && !(error instanceof DisturbedCountError)) throw error;
      failure = error;
    } finally {
      await engines.close();
    }
  }
  throw new Error(`the machine is too busy: ${TRIES} counts were disturbed`, { cause: failure });
}
