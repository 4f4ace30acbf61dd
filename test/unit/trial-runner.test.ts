import { createTrialRunner, type Trial } from '../support/trial-runner.ts';

interface Stack {
  stops: number;
  stop(): Promise<void>;
}

/** Opens a runner of stacks that become ready on command, with the lines that it prints. */
function openRunner({ repetitions }: { repetitions?: number } = {}) {
  const stacks: Stack[] = [];
  const lines: string[] = [];
  let arrive = (): void => {};
  const held = new Promise<void>((resolve) => {
    arrive = resolve;
  });
  const isHeld = { next: false };
  const runner = createTrialRunner<Stack>({
    lanes: 1,
    ...(repetitions !== undefined && { repetitions }),
    say: (line) => lines.push(line),
    async start() {
      const stack: Stack = {
        stops: 0,
        async stop() {
          stack.stops += 1;
        },
      };
      stacks.push(stack);
      if (isHeld.next) await held;
      return stack;
    },
  });
  return { runner, stacks, lines, arrive, isHeld };
}

const trialOf = <Result>(run: () => Promise<Result>): Trial<Result, Stack> => ({ options: {}, run });
const broken = trialOf(async () => ['is broken']);
const never = trialOf(() => new Promise<string[]>(() => {}));
const asIs = (flaws: string[]) => flaws;

test('a closed runner runs neither waiting, new nor repeated trials', async () => {
  const { runner, stacks, lines } = openRunner();
  const run = runner.run(never);
  const [waiting, waitingAlone] = [runner.run(broken), runner.runAlone(broken)];
  const retried = runner.untilFlawless('waits', waiting, () => runner.runAlone(broken), asIs);
  await Promise.resolve();

  await runner.stop();

  for (const refused of [waiting, waitingAlone, retried, runner.run(broken), runner.runAlone(broken)])
    await expect(refused).rejects.toThrow('the runner is closed');
  expect(stacks.map(({ stops }) => stops)).toEqual([1]);
  expect(lines).toEqual([]);
  void run;
});

test('a stack that arrives after the runner has closed is stopped and never run in', async () => {
  const { runner, stacks, arrive, isHeld } = openRunner();
  isHeld.next = true;
  let isPlayed = false;
  const late = runner.run(
    trialOf(async () => {
      isPlayed = true;
    }),
  );

  setImmediate(arrive);
  await runner.stop();

  expect(stacks[0]?.stops).toBeGreaterThan(0);
  await expect(late).rejects.toThrow('the runner is closed');
  expect(isPlayed).toBe(false);
});

test('a flawed trial is repeated until it has no flaws, and every repetition is reported', async () => {
  const { runner, stacks, lines } = openRunner();
  let times = 0;
  const trial = trialOf(async () => (times++ === 0 ? ['was late'] : []));

  expect(await runner.untilFlawless('slow', runner.run(trial), () => runner.runAlone(trial), asIs)).toEqual([]);

  expect(lines).toEqual(['once more: slow (was late)']);
  expect(stacks).toHaveLength(2);
});

test('a failed trial is repeated up to the limit of the caller', async () => {
  const { runner, lines } = openRunner();
  const trial = trialOf(async (): Promise<string[]> => Promise.reject(new Error('no stack')));

  const tried = runner.untilFlawless('down', runner.run(trial), () => runner.runAlone(trial), asIs, 1);

  await expect(tried).rejects.toThrow('no stack');
  expect(lines).toEqual(['once more: down (Error: no stack)']);
});

test("all trials share the runner's repetitions; after them a finding is final", async () => {
  const { runner, stacks, lines } = openRunner({ repetitions: 3 });
  const names = ['one', 'two', 'three', 'four'];

  const found = await Promise.all(
    names.map((name) => runner.untilFlawless(name, runner.run(broken), () => runner.runAlone(broken), asIs)),
  );

  expect(found).toEqual(names.map(() => ['is broken']));
  expect(lines).toHaveLength(3);
  expect(stacks).toHaveLength(names.length + 3);
});
