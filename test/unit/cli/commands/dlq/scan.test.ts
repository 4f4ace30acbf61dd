import { type DeadLetters, scanDeadLetters, unscanned } from '../../../../../cli/commands/dlq/dead-letters.ts';

/** A queue that gives ten visible messages in `secondsPerReceive`, known ones first, after `empty` responses without any. */
function slowQueue(count: number, secondsPerReceive: number, empty = 0) {
  let nowMs = 0;
  let silent = empty;
  const visibleAtMs = new Map<string, number>();
  for (let n = 0; n < count; n += 1) visibleAtMs.set(String(n), 0);
  const received = new Set<string>();
  const letters = {
    async receive(hideSeconds: number) {
      nowMs += secondsPerReceive * 1000;
      if (silent-- > 0) return [];
      const isVisible = (id: string) => (visibleAtMs.get(id) ?? 0) <= nowMs;
      const ids = [...new Set([...received, ...visibleAtMs.keys()])].filter(isVisible).slice(0, 10);
      for (const id of ids) {
        received.add(id);
        visibleAtMs.set(id, nowMs + hideSeconds * 1000);
      }
      return ids.map((id) => ({ id, receiptHandle: id }));
    },
    giveBack: async () => {},
    length: async () => count,
  } as unknown as DeadLetters;
  const clock = { now: () => nowMs, sleep: async () => {}, signal: new AbortController().signal };
  return { letters, clock };
}

test.each([
  { name: 'longer than a minute', count: 2000, secondsPerReceive: 1, empty: 0 },
  { name: 'whose first response is empty', count: 20, secondsPerReceive: 1, empty: 1 },
])('a scan $name finds every dead letter', async ({ count, secondsPerReceive, empty }) => {
  const { letters, clock } = slowQueue(count, secondsPerReceive, empty);
  const ids: string[] = [];
  for await (const { id } of scanDeadLetters(letters, clock)) ids.push(id);
  expect([new Set(ids).size, ids.length]).toEqual([count, count]);
  expect(await unscanned(letters, ids.length, clock)).toEqual([]);
});

test('a scan that meets only letters that it knows ends, and is not complete', async () => {
  const { letters, clock } = slowQueue(5000, 1);
  let scanned = 0;
  for await (const _ of scanDeadLetters(letters, clock)) scanned += 1;
  expect(scanned).toBeLessThan(5000);
  expect(await unscanned(letters, scanned, clock)).toEqual([expect.stringMatching(/reports [\d,]+ more, which/)]);
});
