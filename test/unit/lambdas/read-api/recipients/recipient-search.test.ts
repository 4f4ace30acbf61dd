import { eventSort } from '../../../../../lambdas/domain/keys.ts';
import type { HistoryEntry, RecipientHistory, StoredEvent } from '../../../../../lambdas/read-api/ports.ts';
import { createRecipientSearch } from '../../../../../lambdas/read-api/recipients/recipient-search.ts';
import { DOMAIN, deliveredEvent } from '../../../../support/fixtures/webhooks.ts';
import fc from '../../../../support/property.ts';

const KEY = 'ada@north.example';

interface StoredItem {
  sort: string;
  isMerged: boolean;
}

/** A recipient's messages, the newest first, each with the items of its partition. */
function historyOf(messages: readonly (readonly StoredItem[])[]): RecipientHistory {
  const places = messages.map((_, nth) => ({ partition: `MSG#${nth}`, atMs: 1000 - nth }));
  return {
    async newest(_key, _range, limit, after) {
      const behind = places.slice(places.findIndex(({ partition }) => partition === after?.partition) + 1);
      return { places: behind.slice(0, limit), hasMore: behind.length > limit };
    },
    messages: async () => [],
    async events(partition, _key, _name, limit, after = '') {
      const nth = Number(partition.slice(4));
      const items = (messages[nth] ?? []).filter(({ sort }) => sort > after);
      const read = items.slice(0, limit);
      const entries = read.flatMap(({ sort, isMerged }) => (isMerged ? [] : [entryOf(nth, sort)]));
      return { entries, last: read.at(-1)?.sort, hasMore: items.length > limit };
    },
  };
}

function entryOf(nth: number, sort: string): HistoryEntry {
  const eventKey = `opened#${nth}-${sort.split('#').at(-1)}`;
  const event: StoredEvent = {
    eventKey,
    recipientKey: KEY,
    domain: DOMAIN,
    event: deliveredEvent({ event: 'opened', id: eventKey }),
    source: 'webhook',
    receivedAtMs: 1000 - nth,
    atMs: 1000 - nth,
  };
  return { sort, event };
}

test('pages of every size hold every event once, however many merged copies lie between', async () => {
  const message = fc
    .array(fc.boolean(), { maxLength: 8 })
    .map((merged) => merged.map((isMerged, nth) => ({ sort: eventSort(KEY, `opened#${nth}`), isMerged })));
  await fc.assert(
    fc.asyncProperty(fc.array(message, { maxLength: 4 }), fc.integer({ min: 1, max: 4 }), async (messages, limit) => {
      const search = createRecipientSearch(historyOf(messages));
      const query = { keys: [KEY], fromMs: 0, toMs: 2000, predicate: undefined, limit };
      const found: string[] = [];
      let position: Parameters<typeof search>[0]['position'];
      for (let pages = 0; pages === 0 || position; pages += 1) {
        if (pages > messages.flat().length + 1) throw new Error('the pages do not end');
        const page = await search({ ...query, position });
        found.push(...page.body.events.map(({ key }) => key));
        position = page.next;
      }
      const whole = messages.flatMap((items, nth) =>
        items.flatMap(({ sort, isMerged }) => (isMerged ? [] : `opened#${nth}-${sort.split('#').at(-1)}`)),
      );
      expect(found.toSorted()).toEqual(whole.toSorted());
    }),
  );
});

test('a page moves on through more merged copies than it may query', async () => {
  const copies = Array.from({ length: 200 }, (_, nth) => ({
    sort: eventSort(KEY, `opened#${String(nth).padStart(3, '0')}`),
    isMerged: nth < 199,
  }));
  const search = createRecipientSearch(historyOf([copies]));
  const query = { keys: [KEY], fromMs: 0, toMs: 2000, predicate: undefined, limit: 1 };
  let position: Parameters<typeof search>[0]['position'];
  const sizes: number[] = [];
  for (let pages = 0; pages === 0 || position; pages += 1) {
    if (pages > 10) throw new Error('the pages do not end');
    const page = await search({ ...query, position });
    sizes.push(page.body.events.length);
    position = page.next;
  }
  expect(sizes).toEqual([0, 0, 0, 1]);
});
