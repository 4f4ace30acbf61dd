import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { installTextDom, textOf } from '../../support/text-dom.ts';

const ADDRESS = 'ada@example.org';

let remove: () => void;
beforeAll(() => {
  remove = installTextDom();
});
afterAll(() => remove());

// Not by a literal name: the dashboard's files are for a browser, and compiled as such.
const load = (file: string) => import(join(import.meta.dirname, '../../../dashboard', file));

type Query = Readonly<Record<string, unknown>>;
type Answers = Readonly<Record<string, (query: Query) => unknown>>;

/** Returns the text of a view that reads these responses by path. */
async function show(name: string, subject: string, answers: Answers, query = ''): Promise<string> {
  const { [`${name}View`]: view } = await load(`views/${name}.ts`);
  const api = { get: async (path: string, asked: Query = {}) => answers[path]?.(asked) };
  const health = async () => ({ domains: ['mg.example.com'] });
  const parameters = new URLSearchParams(query);
  const { title, content } = await view({ api, subject, parameters, settings: { target: '--local' }, health });
  return `${title} ${textOf(content)}`.replaceAll(/\s+/g, ' ');
}

const mail = {
  ...{ messageId: 'a@mg.example.com', status: 'DELIVERED', reason: null, statusAt: 1_770_000_000 },
  ...{ firstAt: 1_770_000_000, subject: null, tags: [], domain: 'mg.example.com', testMode: false },
  ...{ direction: 'outbound', unconfirmed: false },
};

describe('a recipient', () => {
  const unsuppressed = () => ({ recipient: ADDRESS, suppressed: false, suppressions: [] });
  const mails = (messages: readonly unknown[]) => ({ recipient: ADDRESS, messages, searched: null, next: null });

  test.each(['', 'status=failed'])(
    'of whom nothing is stored may be mistyped, and is not called good: %j',
    async (query) => {
      const answers = { '/suppressions': unsuppressed, '/recipients': () => mails([]) };
      const shown = await show('recipient', ADDRESS, answers, query);

      expect(shown).toContain('No mail to this address is stored: check its spelling.');
      expect(shown).not.toMatch(/none in force|Nothing speaks against/);
    },
  );

  test('whose mails do not fit the filter is one whose mail is stored', async () => {
    const answers = {
      '/suppressions': unsuppressed,
      '/recipients': ({ status }: Query) => mails(status ? [] : [mail]),
    };
    const shown = await show('recipient', ADDRESS, answers, 'status=failed');

    expect(shown).toContain('that fits the filter');
    expect(shown).toContain('none in force');
  });

  describe('that is suppressed', () => {
    const since = '2026-02-02T02:40:00.500Z';
    const suppression = {
      ...{ domain: 'mg.example.com', kind: 'complaint', scope: '*', reason: null, source: 'event' },
      ...{ since, lastAt: since, eventKey: 'complained#e1', liftedAt: null },
    };
    const cause = { key: 'complained#e1', messageId: 'a@mg.example.com', testMode: false, direction: 'outbound' };
    const shown = (unconfirmed: boolean, key = cause.key) =>
      show('recipient', ADDRESS, {
        '/suppressions': () => ({ recipient: ADDRESS, suppressed: true, suppressions: [suppression] }),
        '/recipients': () => mails([mail]),
        '/events': ({ domain, type, from, to }) => {
          expect({ domain, type, from, to }).toEqual({
            ...{ domain: 'mg.example.com', type: 'complained', from: 1_770_000_000, to: 1_770_000_001 },
          });
          return { events: [{ ...cause, key, unconfirmed }], searched: null, next: null };
        },
      });

    test('by an event that may be forged bears the mark, and is distrusted rather than lifted', async () => {
      const text = await shown(true);

      expect(text).toMatch(/marked as spam\s+not on Mailgun’s list, may be forged/);
      expect(text).toContain('distrust --plan --local a@mg.example.com ada@example.org');
      expect(text).not.toContain('suppressions lift');
    });

    test.each([
      ['that Mailgun lists', false, cause.key],
      ['that is not stored any more', true, 'complained#e2'],
    ])('by an event %s can be lifted', async (_, unconfirmed, key) => {
      const text = await shown(unconfirmed, key);

      expect(text).not.toMatch(/may be forged|distrust/);
      expect(text).toContain('suppressions lift --kind complaint --local ada@example.org');
    });
  });
});

describe('a campaign', () => {
  const none = { p50: null, p95: null };
  const report = (counts: Readonly<Record<string, number>>) => ({
    ...{ tag: 'spring', domain: 'mg.example.com', from: 1_769_990_400, to: 1_770_076_800 },
    ...{ asOf: '2026-02-03T08:00:00.000Z', completeness: 'unknown', completeFrom: null, listed: {}, failures: [] },
    mails: {
      ...{ mails: 0, accepted: 0, delivered: 0, deferred: 0, failed: 0, withoutOutcome: 0, testMode: 0 },
      ...{ failedByClass: {}, unconfirmedEvents: 0, secondsToDelivery: none, secondsToFirstOpen: none, ...counts },
    },
    people: {
      ...{ people: 0, openers: 0, clickers: 0, machineOpeners: 0, machineClickers: 0 },
      ...{ complainers: 0, unsubscribers: 0 },
    },
  });

  test('says how many mails are not decided yet, and how many count twice, so that its rows add up', async () => {
    const counts = { mails: 10, accepted: 10, delivered: 7, failed: 3, withoutOutcome: 2 };
    const shown = await show('campaign', 'spring', { '/campaigns': () => report(counts) });

    expect(shown).toMatch(
      / delivered 7 .* failed permanently 3 .*delivered, then failed: in both 2 .*not decided yet 2 /,
    );
  });

  test('has no row of mails that count twice where there are none', async () => {
    const counts = { mails: 2, accepted: 2, delivered: 1, withoutOutcome: 1 };
    expect(await show('campaign', 'spring', { '/campaigns': () => report(counts) })).not.toContain('in both');
  });

  test('under a tag that is not known is no campaign', async () => {
    const shown = await show('campaign', 'sprnig', { '/campaigns': () => report({}) });

    expect(shown).toContain('No mail was sent under this tag');
    expect(shown).not.toMatch(/may still change|Print|CSV/);
  });
});

test('a page that is not there says so, and leads to those that are', async () => {
  const shown = await show('unknown', '', {});

  expect(shown).toMatch(/There is no such page.*Health.*Find.*Live.*Deliverability.*Campaigns/);
});

test('a receiver that is not there says so, and leads to those that are', async () => {
  const shown = await show('receiver', 'cmr', { '/receivers': () => ({ receivers: [{ name: 'crm' }] }) });

  expect(shown).toMatch(/There is no receiver of this name\. crm/);
});

test('a message id may break after signs, and within no word', async () => {
  const { breakableId } = await load('components/parts.ts');
  const parts = breakableId('20260202.a-1@mg.example.com').map((part: unknown) =>
    Array.isArray(part) ? part[1] : part,
  );

  expect(parts).toEqual(['20260202.', 'a-', '1@', 'mg.', 'example.', 'com']);
});

test.each([
  [8, 'scroll tall short'],
  [9, 'scroll tall'],
])('a table of %d rows is a box that scrolls on a phone only where there are many: %j', async (count, kind) => {
  const { table } = await load('components/table.ts');
  Object.assign(globalThis, {
    ResizeObserver: class {
      observe() {}
    },
  });
  const rows = Array.from({ length: count }, (_, n) => n);
  const options = { caption: 'numbers', tall: true };
  const [, box] = table(rows, [{ head: 'Number', cell: String }], options).parts;

  expect(box.attributes.class).toBe(kind);
});
