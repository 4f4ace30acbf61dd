import type { LocalStackOptions } from '../../tools/local-ledger/local-ledger.ts';
import type { AlarmHarness } from './alarms/alarm-harness.ts';

/** A test on a stack of its own. */
export interface Trial<Result, Stack = AlarmHarness> {
  readonly options: Partial<LocalStackOptions>;
  run(stack: Stack): Promise<Result>;
}

interface TrialRunner<Stack = AlarmHarness> {
  /** Runs a trial beside others; rejects once the runner is closed. */
  run<Result>(trial: Trial<Result, Stack>): Promise<Result>;
  /** Runs a trial when no other is running or waiting, so that the machine is less busy; rejects like `run`. */
  runAlone<Result>(trial: Trial<Result, Stack>): Promise<Result>;
  /**
   * Repeats a trial that has flaws or fails, at most this many times, while the runner is open and has repetitions left.
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
  /** Closes the runner: waiting trials are not run, and every stack is stopped, starting ones included. */
  stop(): Promise<void>;
}

interface TrialRunnerOptions<Stack> {
  readonly start: (options: Partial<LocalStackOptions>) => Promise<Stack>;
  /** Maximum number of concurrent trials. */
  readonly lanes: number;
  /** Total for the runner: a trial that always fails must not use up the time limit. */
  readonly repetitions?: number;
  /** Called for every repetition; the end of a run lists the lines that begin with `once more: `. */
  readonly say?: (line: string) => void;
}

interface QueuedTrial {
  run(): Promise<void>;
  refuse(error: Error): void;
}

const closedRunner = () => new Error('the runner is closed');

/** Creates an open runner. */
export function createTrialRunner<Stack extends { stop(): Promise<void> }>({
  start,
  lanes,
  repetitions = 6,
  say = console.log,
}: TrialRunnerOptions<Stack>): TrialRunner<Stack> {
  const starting = new Set<Promise<Stack>>();
  const stacks = new Set<Stack>();
  const together: QueuedTrial[] = [];
  const alone: QueuedTrial[] = [];
  let running = 0;
  let repetitionsLeft = repetitions;
  let isClosed = false;
  const next = (): void => {
    const queued =
      running < lanes && together.length > 0 ? together.shift() : running === 0 ? alone.shift() : undefined;
    if (!queued) return;
    running += 1;
    void queued.run().then(() => {
      running -= 1;
      next();
    });
    next();
  };
  const perform = async <Result>({ options, run }: Trial<Result, Stack>): Promise<Result> => {
    const started = start(options);
    starting.add(started);
    const stack = await started.finally(() => starting.delete(started));
    stacks.add(stack);
    try {
      if (isClosed) throw closedRunner();
      return await run(stack);
    } finally {
      stacks.delete(stack);
      await stack.stop();
    }
  };
  const queueIn =
    (queue: QueuedTrial[]) =>
    <Result>(trial: Trial<Result, Stack>): Promise<Result> => {
      if (isClosed) return Promise.reject(closedRunner());
      const { promise, resolve, reject } = Promise.withResolvers<Result>();
      queue.push({ run: () => perform(trial).then(resolve, reject), refuse: reject });
      // A caller that awaits it gets the rejection.
      promise.catch(() => {});
      next();
      return promise;
    };
  return {
    run: queueIn(together),
    runAlone: queueIn(alone),
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
      for (const queued of [...together.splice(0), ...alone.splice(0)]) queued.refuse(closedRunner());
      const late = [...starting].map((started) =>
        started.then(
          (stack) => stack.stop(),
          () => {},
        ),
      );
      await Promise.all([...late, ...[...stacks].map((stack) => stack.stop())]);
    },
  };
}
