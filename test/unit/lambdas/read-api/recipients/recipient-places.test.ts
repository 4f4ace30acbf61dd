import type { RecipientHistory, RecipientMessage } from '../../../../../lambdas/read-api/ports.ts';
import {
  messagesAt,
  newestPlaces,
  type RecipientPlace,
} from '../../../../../lambdas/read-api/recipients/recipient-places.ts';
import fc from '../../../../support/property.ts';

const KEYS = ['now', 'older', 'oldest'];

/** A history that holds messages at these times under each key; the partition is `MSG#<key>-<number>`. */
function historyOf(times: readonly (readonly number[])[]): RecipientHistory {
  const stored = new Map(
    KEYS.map((key, at) => {
      const places = (times[at] ?? []).map((atMs, nth) => ({ partition: `MSG#${key}-${nth}`, atMs }));
      return [key, places.sort((a, b) => b.atMs - a.atMs)];
    }),
  );
  return {
    async newest(key, { fromMs, toMs }, limit, after) {
      expect(toMs).toBeGreaterThan(fromMs);
      const places = stored.get(key) ?? [];
      const behind = after ? places.findIndex(({ partition }) => partition === after.partition) + 1 : 0;
      const within = places.slice(behind).filter(({ atMs }) => atMs >= fromMs && atMs < toMs);
      return { places: within.slice(0, limit), hasMore: within.length > limit };
    },
    messages: async (key, places) =>
      places.map(({ partition }) =>
        stored.get(key)?.some((place) => place.partition === partition) ? messageOf(key, partition) : undefined,
      ),
    events: async () => ({ entries: [], last: undefined, hasMore: false }),
  };
}

const messageOf = (key: string, messageId: string) =>
  ({ messageId, status: { recipientKey: key } }) as RecipientMessage;

test('pages hold every message of every key once, newest first, also at equal times', async () => {
  const times = fc.array(fc.integer({ min: 0, max: 6 }), { maxLength: 6 });
  const range = fc.tuple(fc.integer({ min: 0, max: 4 }), fc.integer({ min: 5, max: 7 }));
  await fc.assert(
    fc.asyncProperty(
      fc.tuple(times, times, times),
      range,
      fc.integer({ min: 1, max: 4 }),
      async (all, [fromMs, toMs], limit) => {
        const history = historyOf(all);
        const walked: RecipientPlace[] = [];
        for (let after: RecipientPlace | undefined, more = true; more; after = walked.at(-1)) {
          const page = await newestPlaces(history, KEYS, { fromMs, toMs }, limit, after);
          expect(page.places.length).toBeLessThanOrEqual(limit);
          expect(page.hasMore && page.places.length < limit).toBe(false);
          walked.push(...page.places);
          more = page.hasMore;
        }

        const wanted = all.flatMap((own, spelling) =>
          own.filter((atMs) => atMs >= fromMs && atMs < toMs).map((atMs) => ({ atMs, spelling })),
        );
        const order = wanted.sort((a, b) => b.atMs - a.atMs || a.spelling - b.spelling);
        expect(walked.map(({ atMs, spelling = 0 }) => ({ atMs, spelling }))).toEqual(order);
        expect(new Set(walked.map(({ partition }) => partition)).size).toBe(walked.length);
      },
    ),
  );
});

test('a message is read under its own key, and once if an earlier key has it too', async () => {
  const history = historyOf([[5], [5, 4], [3]]);
  const places: RecipientPlace[] = [
    { partition: 'MSG#now-0', atMs: 5 },
    { partition: 'MSG#older-1', atMs: 4, spelling: 1 },
    { partition: 'MSG#now-0', atMs: 5, spelling: 2 },
    { partition: 'MSG#gone', atMs: 1, spelling: 1 },
  ];

  expect(await messagesAt(history, KEYS, places)).toEqual([
    messageOf('now', 'MSG#now-0'),
    messageOf('older', 'MSG#older-1'),
    undefined,
    undefined,
  ]);
});
