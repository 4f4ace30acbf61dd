import type { MailgunRequest } from '../../../../../cli/access.ts';
import { createComparison, type ListEntry, readList } from '../../../../../cli/commands/suppressions/differences.ts';
import type { Deployment } from '../../../../../cli/target/types.ts';
import type { SuppressionItem } from '../../../../../lambdas/adapters/table/recipient-repository.ts';

const DOMAINS = ['one.example.com', 'two.example.com'];
const [DOMAIN = ''] = DOMAINS;
const ADA = 'ada@example.org';

const stored = (over: Partial<SuppressionItem> = {}): SuppressionItem => ({
  pk: 'SUP#x',
  sk: 'x',
  recipient: ADA,
  domain: DOMAIN,
  kind: 'unsubscribe',
  scope: '*',
  reason: null,
  source: 'event',
  eventKey: 'unsubscribed#1',
  sinceMs: 1000,
  lastAtMs: 2000,
  liftedAtMs: null,
  ...over,
});
const entry = (...scopes: string[]): ListEntry => ({ address: 'Ada@Example.org', scopes, sinceMs: 1500 });

function compare(listed: readonly ListEntry[], ours: readonly SuppressionItem[], domains = DOMAINS) {
  const comparison = createComparison(domains);
  for (const each of listed) comparison.addListed(DOMAIN, 'unsubscribe', each);
  for (const each of ours) comparison.addOurs(each);
  return comparison.differences().map(({ difference, scopes }) => [difference, ...scopes].join(' '));
}

test.each<[string, ListEntry[], SuppressionItem[], string[]]>([
  ['both sides empty', [], [], []],
  ['the same', [entry('*')], [stored()], []],
  ['only at Mailgun', [entry('*')], [], ['not-here *']],
  ['only here', [], [stored()], ['not-at-mailgun *']],
  ['tags at Mailgun, everything here', [entry('news', 'offers')], [stored()], ['too-wide news offers']],
  ['everything at Mailgun, a tag here', [entry('*')], [stored({ scope: 'news' })], ['not-here *']],
  ['one of two tags here', [entry('news', 'offers')], [stored({ scope: 'news' })], ['not-here offers']],
  ['another tag here', [entry('news')], [stored({ scope: 'offers' })], ['not-here news', 'not-at-mailgun offers']],
  ['lifted after it was listed', [entry('*')], [stored({ liftedAtMs: 2000 })], ['lifted-here *']],
  ['listed after it was lifted', [entry('*')], [stored({ lastAtMs: 100, liftedAtMs: 200 })], ['not-here *']],
  ['lifted on both sides', [], [stored({ liftedAtMs: 2000 })], []],
  [
    'narrowed before',
    [entry('news')],
    [stored({ liftedAtMs: 2000 }), stored({ scope: 'news', source: 'mailgun' })],
    [],
  ],
  ['of a mailing list', [], [stored({ reason: 'list@example.org' })], []],
  [
    'gone from the list it came from',
    [],
    [stored({ reason: 'suppress-unsubscribe', source: 'mailgun' })],
    ['not-at-mailgun *'],
  ],
  ['of an unknown domain, listed', [entry('*')], [stored({ domain: '-' })], []],
  ['of an unknown domain, tags listed', [entry('news')], [stored({ domain: '-' })], []],
  ['of an unknown domain, nowhere listed', [], [stored({ domain: '-' })], ['not-at-mailgun *']],
  ['of a domain that is not compared', [], [stored({ domain: 'old.example.com' })], []],
  ['of another kind', [entry('*')], [stored({ kind: 'bounce' })], ['not-here *', 'not-at-mailgun *']],
])('compareSuppressions: %s', (_, listed, ours, expected) => {
  expect(compare(listed, ours).sort()).toEqual([...expected].sort());
});

test('the order in which suppressions are read does not matter', () => {
  const ours = [stored({ liftedAtMs: 2000 }), stored({ scope: 'news' }), stored({ domain: '-', scope: 'offers' })];
  const listed = [entry('news', 'offers')];

  expect(compare(listed, ours)).toEqual(compare(listed, [...ours].reverse()));
  expect(compare(listed, ours)).toEqual([]);
});

const LISTED = { address: 'a@example.org', tags: ['News', ''], created_at: 'Sun, 22 Nov 2026 08:00:00 UTC' };

test.each<[string, unknown, ListEntry[]]>([
  [
    'tags in any case, and a date',
    LISTED,
    [{ address: 'a@example.org', scopes: ['news'], sinceMs: 1_795_334_400_000 }],
  ],
  [
    'unpaired surrogates, which the table refuses',
    { address: 'a\ud83d', tags: ['n\udc00'] },
    [{ address: 'a\ufffd', scopes: ['n\ufffd'], sinceMs: undefined }],
  ],
  ['no tags and no date', { address: 'a' }, [{ address: 'a', scopes: ['*'], sinceMs: undefined }]],
  [
    'tags and a date of another form',
    { address: 'a', tags: 'news', created_at: 7 },
    [{ address: 'a', scopes: ['*'], sinceMs: undefined }],
  ],
  ['no address', { tags: ['news'] }, []],
  ['no object', null, []],
])("an entry of Mailgun's lists with %s is read", async (_, item, expected) => {
  const base = 'http://127.0.0.1:9';
  const pages = [
    { items: [item], paging: { next: `${base}/next` } },
    { items: [], paging: null },
  ];
  const get = async () => ({ status: 200, body: pages.shift() });
  const deployment = { mailgunUrl: () => base } as unknown as Deployment;
  const read = [];
  for await (const page of readList({ sleep: async () => {} }, get, deployment, DOMAIN, 'unsubscribe')) read.push(page);

  expect(read).toEqual([expected]);
});

test.each([
  ['another host', 'http://127.0.0.1:8/next'],
  ['no page', undefined],
  ['no URL', 7],
])("a page of Mailgun's lists whose next is on %s is an error, not the end", async (_, next) => {
  const paths: string[] = [];
  const get: MailgunRequest = async (_domain, _method, path) => {
    paths.push(path);
    return { status: 200, body: { items: [LISTED], paging: { next } } };
  };
  const deployment = { mailgunUrl: () => 'http://127.0.0.1:9' } as unknown as Deployment;
  const read = async () => {
    for await (const _page of readList({ sleep: async () => {} }, get, deployment, DOMAIN, 'bounce'));
  };

  await expect(read()).rejects.toThrow('have no page after');
  expect(paths).toHaveLength(1);
});
