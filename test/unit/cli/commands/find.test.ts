import { endText, newestMails } from '../../../../cli/commands/find.ts';
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
    return { body: { mails: page, searched: null }, next: end < mails.length ? { place: { atMs: end } } : undefined };
  };
  const query = { domain: 'd', range: { fromMs: 0, toMs: 9 }, status: 'pending', tag: undefined, limit };
  const context = { signal: new AbortController().signal, now: () => 0, printError: () => {} };
  const found = await newestMails(readPage as unknown as ReadPage, query, context);
  return {
    found: found.mails.map(({ messageId, recipient }) => [messageId, recipient]),
    hasMore: found.readBackToMs !== undefined,
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
    found: [nameless, nameless, nameless],
    hasMore: true,
    limits: [3, 1],
  });
});

test('a search that finds nothing for long prints how far it has come, at most every five seconds', async () => {
  const errors: string[] = [];
  let nowMs = 0;
  const readPage = async ({ position }: MailsQuery) => {
    nowMs += 3000;
    const page = Number(position?.place.atMs ?? 0) + 1;
    const searched = { messages: 1000, until: 1_770_000_000 - page };
    return { body: { mails: [], searched }, next: page < 5 ? { place: { atMs: page } } : undefined };
  };
  const query = { domain: 'd', range: { fromMs: 0, toMs: 9 }, status: 'failed', tag: undefined, limit: 20 };
  const context = {
    signal: new AbortController().signal,
    now: () => nowMs,
    printError: (line: string) => void errors.push(line),
  };
  const found = await newestMails(readPage as unknown as ReadPage, query, context);

  expect(found).toEqual({ mails: [], readBackToMs: undefined });
  expect(errors).toEqual([
    'd: 2,000 messages searched, back to 2026-02-02 02:39:58 UTC',
    'd: 4,000 messages searched, back to 2026-02-02 02:39:56 UTC',
  ]);
});

test.each([
  ['of one second advises only a greater limit', 1_770_000_000_900, /raise --limit; all of these are of one second$/],
  ['of several seconds names the time from which to go on', 1_770_000_001_000, /go on with --to 2026-02-02T02:40:01Z$/],
])('a list %s, at its limit', (_, newestMs, advice) => {
  expect(endText(newestMs, 1_770_000_000_100)).toMatch(advice);
});
