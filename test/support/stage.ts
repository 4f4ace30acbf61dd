import type { LocalStackOptions } from '../../tools/local-ledger/local-ledger.ts';
import { AlarmWorld } from './alarm-world.ts';

/** One stack, and what happens to it. */
export interface Scene<Result> {
  readonly options: Partial<LocalStackOptions>;
  play(world: AlarmWorld): Promise<Result>;
}

export interface Stage {
  /** Plays a scene beside others. */
  play<Result>(scene: Scene<Result>): Promise<Result>;
  /** Plays a scene when no other is played or waits, so that a busy machine has less to do. */
  playAlone<Result>(scene: Scene<Result>): Promise<Result>;
  /** Stops the stacks of the scenes that are still played. */
  stop(): Promise<void>;
}

/** Creates a stage that plays up to `lanes` scenes side by side. */
export function createStage(lanes: number): Stage {
  const worlds = new Set<AlarmWorld>();
  const together: (() => Promise<void>)[] = [];
  const alone: (() => Promise<void>)[] = [];
  let playing = 0;
  const next = (): void => {
    const act = playing < lanes && together.length > 0 ? together.shift() : playing === 0 ? alone.shift() : undefined;
    if (!act) return;
    playing += 1;
    void act().then(() => {
      playing -= 1;
      next();
    });
    next();
  };
  const enact = async <Result>({ options, play }: Scene<Result>): Promise<Result> => {
    const world = await AlarmWorld.start(options);
    worlds.add(world);
    try {
      return await play(world);
    } finally {
      worlds.delete(world);
      await world.stop();
    }
  };
  const queueIn =
    (acts: (() => Promise<void>)[]) =>
    <Result>(scene: Scene<Result>): Promise<Result> => {
      const { promise, resolve, reject } = Promise.withResolvers<Result>();
      acts.push(() => enact(scene).then(resolve, reject));
      // Whoever waits for it hears of it.
      promise.catch(() => {});
      next();
      return promise;
    };
  return {
    play: queueIn(together),
    playAlone: queueIn(alone),
    async stop() {
      await Promise.all([...worlds].map((world) => world.stop()));
    },
  };
}

const MAX_TRIES = 3;

/**
 * Plays again what has flaws, or fails, twice at most. A minute is a second here, so a machine that is busy for some
 * seconds makes alarms late, or false ones; what is truly wrong is wrong every time.
 */
export async function untilFlawless<Result>(
  name: string,
  first: Promise<Result>,
  again: () => Promise<Result>,
  flawsOf: (result: Result) => readonly string[],
): Promise<Result> {
  let tried = first;
  for (let tries = 1; tries < MAX_TRIES; tries += 1) {
    const flaws = await tried.then(flawsOf, (error: unknown) => [String(error)]);
    if (flaws.length === 0) break;
    console.log(`once more: ${name} (${flaws.join(', ')})`);
    tried = again();
  }
  return tried;
}
