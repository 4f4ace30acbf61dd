import { startTestEngines, type TestEngines } from '../../test/support/engines.ts';

const TRIES = 20;

/**
 * Counts what calls cost, on engines of its own. On a busy machine a reply can take longer than the client waits: it
 * calls again, and the engine charges both. Such a count says nothing of an ordinary one and is made again.
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
      if (engines.usage.repeats() === 0) throw error;
      failure = error;
    } finally {
      await engines.close();
    }
  }
  throw new Error(`the machine is too busy: calls were repeated in ${TRIES} counts`, { cause: failure });
}
