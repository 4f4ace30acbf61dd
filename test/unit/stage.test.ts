import { expect, test } from '@jest/globals';
import { createStage, type Scene } from '../support/stage.ts';

interface World {
  stops: number;
  stop(): Promise<void>;
}

/** A stage of worlds that are ready when told, and the lines that it says. */
function openStage({ repetitions }: { repetitions?: number } = {}) {
  const worlds: World[] = [];
  const lines: string[] = [];
  let arrive = (): void => {};
  const held = new Promise<void>((resolve) => {
    arrive = resolve;
  });
  const isHeld = { next: false };
  const stage = createStage<World>({
    lanes: 1,
    ...(repetitions !== undefined && { repetitions }),
    say: (line) => lines.push(line),
    async start() {
      const world: World = {
        stops: 0,
        async stop() {
          world.stops += 1;
        },
      };
      worlds.push(world);
      if (isHeld.next) await held;
      return world;
    },
  });
  return { stage, worlds, lines, arrive, isHeld };
}

const sceneOf = <Result>(play: () => Promise<Result>): Scene<Result, World> => ({ options: {}, play });
const broken = sceneOf(async () => ['is broken']);
const never = sceneOf(() => new Promise<string[]>(() => {}));
const asIs = (flaws: string[]) => flaws;

test('a closed stage plays nothing that waits, nothing that comes, and nothing again', async () => {
  const { stage, worlds, lines } = openStage();
  const played = stage.play(never);
  const [waiting, waitingAlone] = [stage.play(broken), stage.playAlone(broken)];
  const retried = stage.untilFlawless('waits', waiting, () => stage.playAlone(broken), asIs);
  await Promise.resolve();

  await stage.stop();

  for (const refused of [waiting, waitingAlone, retried, stage.play(broken), stage.playAlone(broken)])
    await expect(refused).rejects.toThrow('the stage is closed');
  expect(worlds.map(({ stops }) => stops)).toEqual([1]);
  expect(lines).toEqual([]);
  void played;
});

test('a world that arrives after the stage has closed is stopped and never played in', async () => {
  const { stage, worlds, arrive, isHeld } = openStage();
  isHeld.next = true;
  let isPlayed = false;
  const late = stage.play(
    sceneOf(async () => {
      isPlayed = true;
    }),
  );

  setImmediate(arrive);
  await stage.stop();

  expect(worlds[0]?.stops).toBeGreaterThan(0);
  await expect(late).rejects.toThrow('the stage is closed');
  expect(isPlayed).toBe(false);
});

test('what has flaws is played again until it has none, and every repetition is reported', async () => {
  const { stage, worlds, lines } = openStage();
  let times = 0;
  const scene = sceneOf(async () => (times++ === 0 ? ['was late'] : []));

  expect(await stage.untilFlawless('slow', stage.play(scene), () => stage.playAlone(scene), asIs)).toEqual([]);

  expect(lines).toEqual(['once more: slow (was late)']);
  expect(worlds).toHaveLength(2);
});

test('what fails is played again, no more often than the caller lets it', async () => {
  const { stage, lines } = openStage();
  const scene = sceneOf(async (): Promise<string[]> => Promise.reject(new Error('no stack')));

  const tried = stage.untilFlawless('down', stage.play(scene), () => stage.playAlone(scene), asIs, 1);

  await expect(tried).rejects.toThrow('no stack');
  expect(lines).toEqual(['once more: down (Error: no stack)']);
});

test('all scenes together are played again no more often than the stage lets them; then a finding stands', async () => {
  const { stage, worlds, lines } = openStage({ repetitions: 3 });
  const names = ['one', 'two', 'three', 'four'];

  const found = await Promise.all(
    names.map((name) => stage.untilFlawless(name, stage.play(broken), () => stage.playAlone(broken), asIs)),
  );

  expect(found).toEqual(names.map(() => ['is broken']));
  expect(lines).toHaveLength(3);
  expect(worlds).toHaveLength(names.length + 3);
});
