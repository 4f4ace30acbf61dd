import { memoizeLast } from '../../../../lambdas/domain/memoize-last.ts';

test('a value is computed once for one key, and again for another, also for one from before', () => {
  const [a, b] = [{ name: 'a' }, { name: 'b' }];
  const computed: string[] = [];
  const computeOnce = memoizeLast(({ name }: { name: string }) => {
    computed.push(name);
    return { name };
  });
  expect(computeOnce(a)).toBe(computeOnce(a));
  expect(computeOnce(b)).toEqual(b);
  computeOnce(a);
  computeOnce({ ...a });
  expect(computed).toEqual(['a', 'b', 'a', 'a']);
});

test('a computation that fails is tried again', () => {
  let calls = 0;
  const computeOnce = memoizeLast((key: string) => {
    calls += 1;
    if (calls === 1) throw new Error('not yet');
    return key;
  });
  expect(() => computeOnce('a')).toThrow('not yet');
  expect([computeOnce('a'), computeOnce('a'), calls]).toEqual(['a', 'a', 2]);
});
