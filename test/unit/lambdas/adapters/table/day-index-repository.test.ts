import { mergeSorted } from '../../../../../lambdas/adapters/table/day-index-repository.ts';
import { READS_AT_ONCE } from '../../../../../lambdas/domain/concurrency.ts';
import { countInFlight } from '../../../../support/doubles/in-flight.ts';

type Entry = readonly [stream: string, at: number];

async function* stream(name: string, ...times: number[]): AsyncGenerator<Entry> {
  for (const at of times) yield [name, at];
}

const taken = async (entries: AsyncIterable<Entry>) => {
  const all: string[] = [];
  for await (const [name, at] of entries) all.push(`${name}${at}`);
  return all.join(' ');
};

test.each<[name: string, streams: () => AsyncGenerator<Entry>[], order: string]>([
  ['nothing', () => [], ''],
  ['empty ones', () => [stream('a'), stream('b', 1), stream('c')], 'b1'],
  ['equal times: the earlier stream first', () => [stream('a', 1, 2, 2), stream('b', 1, 2)], 'a1 b1 a2 a2 b2'],
  ['one that ends early', () => [stream('a', 1), stream('b', 2, 3), stream('c', 0, 4)], 'c0 a1 b2 b3 c4'],
])('streams are mergeSorted by time: %s', async (_name, streams, order) => {
  expect(await taken(mergeSorted(streams(), ([, one], [, other]) => one < other))).toBe(order);
});

test('mergeSorted merges in descending order too', async () => {
  const streams = [stream('a', 3, 1), stream('b', 3, 2)];

  expect(await taken(mergeSorted(streams, ([, one], [, other]) => one > other))).toBe('a3 b3 b2 a1');
});

test('mergeSorted opens many streams a few at a time', async () => {
  const inFlight = countInFlight();
  const slow = async function* (name: string, at: number): AsyncGenerator<Entry> {
    await inFlight.work();
    yield [name, at];
  };
  const streams = Array.from({ length: 80 }, (_, n) => slow('s', n));

  const merged = await taken(mergeSorted(streams, ([, one], [, other]) => one < other));

  expect(merged.split(' ')).toEqual(Array.from({ length: 80 }, (_, n) => `s${n}`));
  expect(inFlight.most).toBe(READS_AT_ONCE);
});
