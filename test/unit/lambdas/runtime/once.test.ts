import { once } from '../../../../lambdas/runtime/once.ts';

test('once runs its work at the first call only, also with concurrent calls', async () => {
  const done: number[] = [];
  const note = once(async (at: number) => {
    done.push(at);
  });
  await Promise.all([note(1), note(2), note(3)]);
  await note(4);

  expect(done).toEqual([1]);
});

test('once runs its work again after a failure', async () => {
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
