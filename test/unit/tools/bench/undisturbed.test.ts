import { countUndisturbed, DisturbedCountError } from '../../../../tools/bench/undisturbed.ts';
import type { TestEngines } from '../../../support/stacks/engines.ts';

/** Returns engines in turn, each with a number of repeated calls. */
function enginesWith(...repeats: number[]) {
  const closed: number[] = [];
  let started = 0;
  const start = async () => {
    const nth = started++;
    return {
      usage: { repeats: () => repeats[nth] ?? repeats.at(-1) ?? 0 },
      close: async () => closed.push(nth),
    } as unknown as TestEngines;
  };
  return { start, closed, started: () => started };
}

test('a count without repeated calls is valid, and its engines are closed', async () => {
  const { start, closed, started } = enginesWith(0);

  expect(await countUndisturbed(async () => 40, start)).toBe(40);
  expect([started(), closed]).toEqual([1, [0]]);
});

test('a count with repeated calls, or that failed over them, is made again on other engines', async () => {
  const { start, closed } = enginesWith(10, 3, 0);
  let counts = 0;

  const counted = countUndisturbed(async () => {
    counts += 1;
    if (counts === 2) throw new Error('503');
    return counts === 1 ? 50 : 40;
  }, start);

  expect(await counted).toBe(40);
  expect(closed).toEqual([0, 1, 2]);
});

test('a count that says it was disturbed is made again, without repeats too', async () => {
  const { start, closed } = enginesWith(0);
  let counts = 0;

  const counted = countUndisturbed(async () => {
    counts += 1;
    if (counts === 1) throw new DisturbedCountError('too late');
    return 40;
  }, start);

  expect(await counted).toBe(40);
  expect(closed).toEqual([0, 1]);
});

test('a count that fails without repeats fails at once', async () => {
  const { start, closed } = enginesWith(0);

  await expect(countUndisturbed(() => Promise.reject(new Error('not stored')), start)).rejects.toThrow('not stored');
  expect(closed).toEqual([0]);
});

test('repeated calls in every count are an error', async () => {
  const { start, closed, started } = enginesWith(1);

  await expect(countUndisturbed(async () => 50, start)).rejects.toThrow('the machine is too busy');
  expect(closed).toHaveLength(started());
});
