import type { RecipientMessage } from '../../../../../lambdas/read-api/ports.ts';
import { findMails } from '../../../../../lambdas/read-api/recipients/mail-page.ts';

const MAIL = {} as RecipientMessage;

/** Finds mails among 1,500 places, of which those that `shows` names hold one; `calls` are the sizes of the reads. */
async function find(limit: number, shows: (place: number) => boolean, position?: number) {
  const calls: number[] = [];
  const page = await findMails<number>({
    limit,
    position,
    hasFilter: false,
    isWanted: () => true,
    read: async (count, after = -1) => {
      calls.push(count);
      const places = Array.from({ length: Math.min(count, 1499 - after) }, (_, nth) => after + 1 + nth);
      const mails = places.map((place) => (shows(place) ? MAIL : undefined));
      return { places, mails, hasMore: after + count < 1499 };
    },
  });
  return { ...page, found: page.found.map(({ place }) => place), calls };
}

test('a page of keys that all have mail is read in one call', async () => {
  expect(await find(20, () => true)).toEqual({
    found: Array.from({ length: 20 }, (_, nth) => nth),
    place: 19,
    searched: 20,
    hasMore: true,
    calls: [20],
  });
});

test('mail after a hundred keys without mail is found in two reads, and the next page begins after it', async () => {
  const first = await find(1, (place) => place >= 100);
  expect(first).toEqual({ found: [100], place: 100, searched: 101, hasMore: true, calls: [1, 100] });
  expect((await find(1, (place) => place >= 100, first.place)).found).toEqual([101]);
});

test('a page reads a bounded number of keys, and the next one continues after them', async () => {
  const { found, place, searched, hasMore } = await find(1, () => false);
  expect({ found, place, searched, hasMore }).toEqual({ found: [], place: 1000, searched: 1001, hasMore: true });
});
