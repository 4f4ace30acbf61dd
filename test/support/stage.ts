import type { LocalStackOptions } from '../../tools/local-ledger/local-ledger.ts';
import type { AlarmWorld } from './alarm-world.ts';

/** A test on a stack of its own. */
export interface Scene<Result, World = AlarmWorld> {
  readonly options: Partial<LocalStackOptions>;
  play(world: World): Promise<Result>;
}

export interface Stage<World = AlarmWorld> {
  /** Plays a scene beside others; rejects once the stage is closed. */
  play<Result>(scene: Scene<Result, World>): Promise<Result>;
  /** Plays a scene when no other is playing or waiting, so that the machine is less busy; rejects like `play`. */
  playAlone<Result>(scene: Scene<Result, World>): Promise<Result>;
  /**
   * Repeats a scene that has flaws or fails, at most this many times, while the stage is open and has repetitions left.
   * A minute is a second here, so a machine that is busy for some seconds delays alarms or causes false ones; a real
   * fault fails every time.
   */
  untilFlawless<Result>(
    name: string,
    first: Promise<Result>,
    again: () => Promise<Result>,
    flawsOf: (result: Result) => readonly string[],
    most?: number,
  ): Promise<Result>;
  /** Closes the stage: waiting scenes are not played, and every stack is stopped, starting ones included. */
  stop(): Promise<void>;
}

interface StageOptions<World> {
  readonly start: (options: Partial<LocalStackOptions>) => Promise<World>;
  /** Maximum number of concurrent scenes. */
  readonly lanes: number;
  /** Total for the stage: a scene that always fails must not use up the time limit. */
  readonly repetitions?: number;
  /** Called for every repetition; the end of a run lists the lines that begin with `once more: `. */
  readonly say?: (line: string) => void;
}

interface Act {
  play(): Promise<void>;
  refuse(error: Error): void;
}

const closedStage = () => new Error('the stage is closed');

/** Creates an open stage. */
export function createStage<World extends { stop(): Promise<void> }>({
  start,
  lanes,
  repetitions = 6,
  say = console.log,
}: StageOptions<World>): Stage<World> {
  const starting = new Set<Promise<World>>();
  const worlds = new Set<World>();
  const together: Act[] = [];
  const alone: Act[] = [];
  let playing = 0;
  let repetitionsLeft = repetitions;
  let isClosed = false;
  const next = (): void => {
    const act = playing < lanes && together.length > 0 ? together.shift() : playing === 0 ? alone.shift() : undefined;
    if (!act) return;
    playing += 1;
    void act.play().then(() => {
      playing -= 1;
      next();
    });
    next();
  };
  const enact = async <Result>({ options, play }: Scene<Result, World>): Promise<Result> => {
    const started = start(options);
    starting.add(started);
    const world = await started.finally(() => starting.delete(started));
    worlds.add(world);
    try {
      if (isClosed) throw closedStage();
      return await play(world);
    } finally {
      worlds.delete(world);
      await world.stop();
    }
  };
  const queueIn =
    (acts: Act[]) =>
    <Result>(scene: Scene<Result, World>): Promise<Result> => {
      if (isClosed) return Promise.reject(closedStage());
      const { promise, resolve, reject } = Promise.withResolvers<Result>();
      acts.push({ play: () => enact(scene).then(resolve, reject), refuse: reject });
      // Whoever awaits it gets the rejection.
      promise.catch(() => {});
      next();
      return promise;
    };
  return {
    play: queueIn(together),
    playAlone: queueIn(alone),
    async untilFlawless(name, first, again, flawsOf, most = 2) {
      let tried = first;
      for (let times = 0; times < most; times += 1) {
        const flaws = await tried.then(flawsOf, (error: unknown) => [String(error)]);
        if (flaws.length === 0 || isClosed || repetitionsLeft === 0) break;
        repetitionsLeft -= 1;
        say(`once more: ${name} (${flaws.join(', ')})`);
        tried = again();
      }
      return tried;
    },
    async stop() {
      isClosed = true;
      for (const act of [...together.splice(0), ...alone.splice(0)]) act.refuse(closedStage());
      const late = [...starting].map((started) =>
        started.then(
          (world) => world.stop(),
          () => {},
        ),
      );
      await Promise.all([...late, ...[...worlds].map((world) => world.stop())]);
    },
  };
}
