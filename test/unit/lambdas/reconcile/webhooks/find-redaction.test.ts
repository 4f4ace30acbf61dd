import { ListingError } from '../../../../../lambdas/reconcile/ports.ts';
import { createFindRedaction } from '../../../../../lambdas/reconcile/webhooks/find-redaction.ts';
import { createLastCounts } from '../../../../../lambdas/reconcile/webhooks/last-counts.ts';
import { InMemoryLastCounts } from '../../../../support/doubles/in-memory-last-counts.ts';

const FULL_HOUR = 500_000 * 3_600_000;
const DOMAINS = ['a', 'b', 'c'].map((name) => ({ name: `${name}.example.com`, region: 'us' as const }));
type SearchResult = boolean | undefined | Error;

function search(
  results: readonly SearchResult[],
  { isConfigured = async () => true, msOfFirst = 0, store = new InMemoryLastCounts() } = {},
) {
  const reported: string[] = [];
  const clock = { ms: FULL_HOUR };
  const find = createFindRedaction({
    domains: DOMAINS,
    everySeconds: 900,
    lastCounts: createLastCounts({
      store,
      now: () => clock.ms,
      onFailure: (error) => reported.push((error as Error).message),
    }),
    isConfigured,
    now: () => clock.ms,
    redaction: {
      async isOn({ name }, deadlineMs) {
        if (name === DOMAINS[0]?.name) clock.ms += msOfFirst;
        if (clock.ms > deadlineMs) throw new ListingError('unavailable');
        const result = results[DOMAINS.findIndex((domain) => domain.name === name)];
        if (result instanceof Error) throw result;
        return result;
      },
    },
    onRedacted: (domain) => reported.push(domain),
    onFailure: (domain, error) => reported.push(`${domain}: ${(error as ListingError).reason}`),
  });
  return { find, reported, clock };
}

test.each<[string, SearchResult[], number | undefined, string[]]>([
  ['no domain is redacted', [false, false, false], 0, []],
  ['one of three is', [false, true, false], 1, ['b.example.com']],
  ['Mailgun says it of one alone', [undefined, true, undefined], 1, ['b.example.com']],
  ['Mailgun says it of none', [undefined, undefined, undefined], undefined, []],
  ['the key may not read domains', Array(3).fill(new ListingError('unauthorized')), undefined, []],
  [
    'one read fails',
    [new ListingError('unavailable'), true, false],
    1,
    ['a.example.com: unavailable', 'b.example.com'],
  ],
  [
    'one read fails and no other is on',
    [new ListingError('unavailable'), false, false],
    undefined,
    ['a.example.com: unavailable'],
  ],
  ['the key may not read one of them', [new ListingError('unauthorized'), false, false], 0, []],
  ['Mailgun says it of one alone that is not', [undefined, false, undefined], 0, []],
])('redaction is counted where %s', async (_name, results, count, reports) => {
  const { find, reported } = search(results);
  expect(await find({ ignoreWaits: false })).toBe(count);
  expect(reported).toEqual(reports);
});

test('a domain whose read hangs leaves time to the others', async () => {
  const { find, reported } = search([true, true, true], { msOfFirst: 1700 });
  expect(await find({ ignoreWaits: false })).toBe(2);
  expect(reported).toEqual(['a.example.com: unavailable', 'b.example.com', 'c.example.com']);
});

test('a redacted domain counts until it is read as not redacted', async () => {
  const results: SearchResult[] = [true, false, false];
  const { find } = search(results);
  const counts = [await find({ ignoreWaits: true })];
  for (const result of [new ListingError('unavailable'), false]) {
    results[0] = result;
    counts.push(await find({ ignoreWaits: true }));
  }
  expect(counts).toEqual([1, 1, 0]);
});

test('a redacted domain counts after a cold start, although it cannot be read; none is read without the last counts', async () => {
  const store = new InMemoryLastCounts();
  expect(await search([true, false, false], { store }).find({ ignoreWaits: true })).toBe(1);
  const { find, reported } = search([new ListingError('unavailable'), false, false], { store });
  expect(await find({ ignoreWaits: true })).toBe(1);
  store.down.add('read');
  expect(await find({ ignoreWaits: true })).toBeUndefined();
  expect(reported).toEqual(['a.example.com: unavailable', 'the read is throttled']);
});

test('redaction is read no longer than the run lasts', async () => {
  const { find, reported, clock } = search([true, true, true], { msOfFirst: 500 });
  await find({ ignoreWaits: true, deadlineMs: clock.ms + 900 });
  expect(reported).toEqual(['a.example.com: unavailable', 'b.example.com', 'c.example.com']);
});

test('redaction is read in every fourth period, unless the waits are ignored', async () => {
  const { find, clock } = search([true, false, false]);
  clock.ms += 900_000;
  expect(await find({ ignoreWaits: false })).toBeUndefined();
  expect(await find({ ignoreWaits: true })).toBe(1);
});

test('redaction is not read without a usable API key', async () => {
  const broken = async () => {
    throw new Error('secrets are down');
  };
  expect(await search([true], { isConfigured: async () => false }).find({ ignoreWaits: true })).toBeUndefined();
  expect(await search([true], { isConfigured: broken }).find({ ignoreWaits: true })).toBeUndefined();
});
