import type { LedgerResponse, SliceEntry } from '../../../api/responses/ledger.ts';
import { ledgerCommand } from '../../../dashboard/components/command.ts';
import { linkTo, parseRoute } from '../../../dashboard/route.ts';
import { binsOf, noteworthyFirst, sumsOf } from '../../../dashboard/values/ledger-bins.ts';
import { scaleOf, shareText } from '../../../dashboard/values/numbers.ts';
import { createLedger } from '../../../lambdas/read-api/reports/ledger.ts';
import { ledgerDeps, minutelyLedger } from '../../support/fixtures/minutely-ledger.ts';
import { DOMAIN, NOW_MS } from '../../support/fixtures/webhooks.ts';

const START = Math.floor(NOW_MS / 900_000) * 900;

const slice = (start: number, over: Partial<SliceEntry> = {}): SliceEntry => ({
  domain: DOMAIN,
  start,
  end: start + 900,
  state: 'settled',
  passes: 1,
  expected: { opened: 10 },
  stored: { opened: 10 },
  missing: {},
  recovered: {},
  unconfirmed: {},
  undecided: {},
  polled: {},
  late: {},
  lost: {},
  altered: {},
  stuck: 0,
  short: 0,
  accepted: 0,
  ...over,
});

describe('the picture of the ledger', () => {
  test('has a column for each slice of a day, and adds up what lies in one', () => {
    const day = Array.from({ length: 95 }, (_, n) => slice(START + n * 900));
    const bins = binsOf(day, START + 96 * 900);

    expect(bins).toHaveLength(96);
    expect(bins.reduce((sum, { stored }) => sum + stored, 0)).toBe(950);
    expect(bins.at(-1)).toMatchObject({ judged: 0, due: 0, stored: 0 });
  });

  test('keeps to 96 columns however many slices there are, and loses none', () => {
    const slices = Array.from({ length: 5000 }, (_, n) => slice(START + n * 5, { end: START + n * 5 + 5 }));
    const bins = binsOf(slices, START + 25_300);

    expect(bins.length).toBeLessThanOrEqual(96);
    expect(bins.reduce((sum, { judged }) => sum + judged, 0)).toBe(5000);
    expect(bins.reduce((sum, { stored }) => sum + stored, 0)).toBe(50_000);
  });

  test('distinguishes unjudged slices from empty ones', () => {
    const [judged, due, early] = binsOf([slice(START), slice(START + 900, { state: 'due' })], START + 2700);

    expect(judged).toMatchObject({ judged: 1, due: 0, stored: 10 });
    expect(due).toMatchObject({ judged: 0, due: 1, stored: 0 });
    expect(early).toMatchObject({ judged: 0, due: 0 });
  });

  test('is empty without a ledger', () => {
    expect(binsOf([], START)).toEqual([]);
  });

  test('counts expected and confirmed events as listed', () => {
    const [bin] = binsOf([slice(START, { unconfirmed: { opened: 3 }, missing: { failed: 2 } })], START + 900);

    expect(bin).toMatchObject({ listed: 7, unconfirmed: 3, missing: 2 });
  });

  test('counts events before the second pass neither as listed nor as unconfirmed', () => {
    const [bin] = binsOf([slice(START, { undecided: { opened: 3 } })], START + 900);

    expect(bin).toMatchObject({ listed: 7, stored: 10, unconfirmed: 0 });
  });
});

test.each(['missing', 'unconfirmed', 'recovered'] as const)(
  'a slice in which events are %s comes before newer complete ones',
  (kind) => {
    const bins = binsOf(
      [slice(START, { [kind]: { opened: 1 } }), slice(START + 900), slice(START + 1800)],
      START + 2700,
    );

    expect(noteworthyFirst(bins.toReversed()).map(({ start }) => start - START)).toEqual([0, 1800, 900]);
  },
);

/** Returns the read API's response for an hour whose third event is stuck. */
async function ledgerResponse(): Promise<LedgerResponse> {
  const { book, nowMs } = await minutelyLedger(START, 60, 3);
  const ledger = createLedger({ ...ledgerDeps(book), now: () => nowMs });
  return ledger({ domain: DOMAIN, from: START, to: START + 3600 });
}

test('the parts of the sentence add up to its events', async () => {
  const { events, webhooksAlone, recovered, polled, unaccounted } = sumsOf(await ledgerResponse());

  expect({ events, unaccounted }).toEqual({ events: 60, unaccounted: 1 });
  expect(webhooksAlone + recovered + polled + unaccounted).toBe(events);
});

describe('an address of the page', () => {
  const SUBJECTS = ['20261122.1@mg.example.com', 'a/b?c#d%e&f', '<img src=x onerror=alert(1)>', '100%', '../..', 'ü '];

  test.each(SUBJECTS)('names %s and finds it again', (subject) => {
    expect(parseRoute(linkTo('message', subject, { cursor: 'x&y=z' }))).toEqual({
      view: 'message',
      subject,
      parameters: new URLSearchParams({ cursor: 'x&y=z' }),
    });
  });

  test.each(['', '#', '#/', '#token=x'])('%j leads to health', (hash) => {
    expect(parseRoute(hash).view).toBe('health');
  });

  test.each(['#/nothing', '#/constructor', '#/Health'])('%j leads to no other page', (hash) => {
    expect(parseRoute(hash).view).toBe('unknown');
  });

  test('is used unchanged if it is malformed', () => {
    expect(parseRoute('#/message/100%').subject).toBe('100%');
  });
});

describe('a command to paste', () => {
  test.each([
    ['ada@example.com', 'ada@example.com'],
    ["o'brien@west.example", `'o'\\''brien@west.example'`],
    ['$(reboot)@x.example', "'$(reboot)@x.example'"],
    ['a`b`;c@x.example', "'a`b`;c@x.example'"],
  ])('takes %s as one word', (address, word) => {
    expect(ledgerCommand('--env prod', 'suppressions lift', address)).toBe(
      `npm run ledger -- suppressions lift --env prod ${word}`,
    );
  });

  test('may take two words', () => {
    expect(ledgerCommand('--local', 'distrust --plan', '1@x.example', "o'brien@west.example")).toBe(
      `npm run ledger -- distrust --plan --local 1@x.example 'o'\\''brien@west.example'`,
    );
  });

  test('an address that looks like an option stays an argument', () => {
    expect(ledgerCommand('--local', 'suppressions lift', '--all')).toBe(
      'npm run ledger -- suppressions lift --local -- --all',
    );
  });
});

test.each([
  [[], 1],
  [[0, 0], 1],
  [[5, 10, 20], 20],
  [[...Array(19).fill(10), 40], 40],
  [[...Array(19).fill(10), 5000], 20],
  [[...Array(19).fill(0), 5000], 5000],
])('the scale of %j is %d: one spike presses no other bar flat', (values, scale) => {
  expect(scaleOf(values)).toBe(scale);
});

test.each([
  [1, 4, '25%'],
  [0, 0, '–'],
  [5, 0, '–'],
  [12, 10, '–'],
  [10, 10, '100%'],
])('a share of %d in %d is %s: what is not in a base has no share of it', (part, whole, text) => {
  expect(shareText(part, whole)).toBe(text);
});
