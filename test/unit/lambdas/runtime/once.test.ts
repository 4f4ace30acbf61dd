import { once } from '../../../../lambdas/runtime/once.ts';

test('the work is done at the first call alone, also where many come at a time', async () => {
  const done: number[] = [];
  const note = once(async (at: number) => {
    done.push(at);
  });
  await Promise.all([note(1), note(2), note(3)]);
  await note(4);

  expect(done).toEqual([1]);
});

test('after a failure the next call tries again', async () => {
  const tries: number[] = [];
  const note = once(async (at: number) => {
    tries.push(at);
    if (at === 1) throw new Error('down');
  });

  await expect(note(1)).rejects.toThrow('down');
  await note(2);
  await note(3);
  expect(tries).toEqual([1, 2]);
});
