import { emptyDimensions } from '../../../../lambdas/domain/ledger/dimensions.ts';
import type { Slice } from '../../../../lambdas/domain/ledger/slice.ts';
import { createWatchProviders } from '../../../../lambdas/reconcile/watch-providers.ts';

const FULL_HOUR = 500_000 * 3_600_000;
const DAY_SECONDS = 86_400;
const A = { name: 'a.example.com', region: 'us' as const };
const B = { name: 'b.example.com', region: 'us' as const };

type Listed = Record<string, { provider?: Slice['dimensions']['provider']; policy?: Slice['dimensions']['policy'] }[]>;

function watch(listed: Listed | Error, { nowMs = FULL_HOUR, providers = ['gmail' as const], msPerRead = 0 } = {}) {
  let clockMs = nowMs;
  const results: unknown[] = [];
  const reads: unknown[] = [];
  const run = createWatchProviders({
    slices: {
      async *list(domain, from, to) {
        if (listed instanceof Error) throw listed;
        reads.push([domain, to - from]);
        clockMs += msPerRead;
        for (const each of listed[domain] ?? []) yield { dimensions: { ...emptyDimensions(), ...each } } as Slice;
      },
    },
    domains: [A, B],
    providers,
    minMails: 100,
    everySeconds: 900,
    now: () => clockMs,
    onJudged: (provider, percents) => results.push([provider, percents]),
    onHigh: ({ domain, share, part, whole }) => results.push([domain, share, part, whole]),
    onFailure: (error) => results.push((error as Error).message),
  });
  return { run: (over = {}) => run({ ignoreWaits: false, ...over }), results, reads };
}

test('a provider is judged by today and the seven days before, of the domain that fares worst there', async () => {
  const half = { provider: { gmail: { delivered: 50, complained: 1 }, yahoo: { delivered: 9000, complained: 900 } } };
  const { run, results, reads } = watch({
    [A.name]: [half, half],
    [B.name]: [
      { provider: { gmail: { delivered: 90, permanent_fail: 10 } }, policy: { gmail: { '5.7.26': 1, '5.7.1': 1 } } },
    ],
  });
  await run();
  const today = (FULL_HOUR / 1000) % DAY_SECONDS;
  expect(reads).toEqual([A, B].map(({ name }) => [name, 7 * DAY_SECONDS + today]));
  expect(results).toEqual([
    [A.name, 'complaints', 2, 100],
    [B.name, 'bounces', 10, 100],
    [B.name, 'policy', 2, 100],
    ['gmail', { complaints: 2, bounces: 10, policy: 2 }],
  ]);
});

test('providers are not judged where the run ends before all domains are read', async () => {
  const mail = [{ provider: { gmail: { delivered: 100 } } }];
  const { run, results } = watch({ [A.name]: mail, [B.name]: mail }, { msPerRead: 1000 });
  await run({ deadlineMs: FULL_HOUR + 1000 });
  await run({ deadlineMs: FULL_HOUR + 4000 });
  expect(results).toEqual([
    'only 1 of 2 domains were read in time',
    ['gmail', { complaints: 0, bounces: 0, policy: 0 }],
  ]);
});

test('a provider with too little mail is reported with zero, so that the alarm of a stopped mailing ends', async () => {
  const { run, results } = watch({ [A.name]: [{ provider: { gmail: { delivered: 99, complained: 99 } } }] });
  await run();
  expect(results).toEqual([['gmail', { complaints: 0, bounces: 0, policy: 0 }]]);
});

test('a share that no domain can judge is reported as zero', async () => {
  const { run, results } = watch({ [A.name]: [{ provider: { gmail: { delivered: 90, permanent_fail: 10 } } }] });
  await run();
  expect(results).toEqual([
    [A.name, 'bounces', 10, 100],
    ['gmail', { complaints: 0, bounces: 10, policy: 0 }],
  ]);
});

test("with an unreadable ledger no provider's share is reported", async () => {
  const { run, results } = watch(new Error('throttled'));
  await run();
  expect(results).toEqual(['throttled']);
});

test.each([
  ['in another run', { nowMs: FULL_HOUR + 900_000 }],
  ['without a provider', { providers: [] }],
])('provider shares are not read %s', async (_name, over) => {
  const { run, results, reads } = watch({}, over);
  await run();
  expect([results, reads]).toEqual([[], []]);
});
