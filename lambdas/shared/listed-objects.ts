import { MAX_SLICE_SECONDS } from '../contract.ts';
import { dayPrefix, daysOf, parseObjectKey } from '../domain/archive/object-keys.ts';
import { eachOf } from '../domain/concurrency.ts';

/** Days listed in parallel. */
const AT_ONCE = 8;

/** Lists the objects of slices that may overlap a time range (end excluded), each with the start of its slice. */
export async function objectsBetween<Listed extends { readonly key: string }>(
  list: (prefix: string) => AsyncIterable<Listed>,
  domain: string,
  from: number,
  to: number,
): Promise<(Listed & { readonly start: number })[]> {
  const found: (Listed & { start: number })[] = [];
  const first = from - MAX_SLICE_SECONDS;
  await eachOf(daysOf(first * 1000, to * 1000), AT_ONCE, async ({ fromMs }) => {
    for await (const object of list(dayPrefix(domain, fromMs))) {
      const place = parseObjectKey(object.key);
      if (place !== undefined && place.start >= first && place.start < to)
        found.push({ ...object, start: place.start });
    }
  });
  return found.sort((a, b) => a.start - b.start || (a.key < b.key ? -1 : 1));
}
