import { newestMails } from '../../../../cli/commands/find.ts';
import type { MailsQuery } from '../../../../lambdas/read-api/messages/mails.ts';

type ReadPage = Parameters<typeof newestMails>[0];

/** Reads these mails in pages of two; returns what was found, and the limit of each page. */
async function find(mails: readonly (readonly [messageId: string | null, recipient: string | null])[], limit: number) {
  const limits: number[] = [];
  const readPage = async ({ limit: most, position }: MailsQuery) => {
    limits.push(most);
    const start = Number(position?.place.atMs ?? 0);
    const end = start + Math.min(2, most);
    const page = mails.slice(start, end).map(([messageId, recipient]) => ({ messageId, recipient }));
    return { body: { mails: page }, next: end < mails.length ? { place: { atMs: end } } : undefined };
  };
  const query = { domain: 'd', range: { fromMs: 0, toMs: 9 }, status: 'pending', tag: undefined, limit };
  const found = await newestMails(readPage as unknown as ReadPage, query, new AbortController().signal);
  return {
    found: found.mails.map(({ messageId, recipient }) => [messageId, recipient]),
    hasMore: found.hasMore,
    limits,
  };
}

const [a, b, c] = [['a', 'Ada@x'] as const, ['b', 'ada@x'] as const, ['c', 'ada@x'] as const];

test('find lists mail that was accepted twice once, even across pages', async () => {
  const again = ['a', 'ada@x'] as const;
  const other = ['a', 'bob@x'] as const;
  expect(await find([a, b, again, other, c], 4)).toEqual({
    found: [a, b, other, c],
    hasMore: false,
    limits: [4, 2, 1],
  });
});

test('find lists mail without a message id every time, up to the limit', async () => {
  const nameless = [null, 'ada@x'] as const;
  expect(await find([nameless, nameless, nameless, a], 3)).toEqual({
    ...{ found: [nameless, nameless, nameless], hasMore: true, limits: [3, 1] },
  });
});
