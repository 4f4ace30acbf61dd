import { join } from 'node:path';
import { CompletenessCheck, type SliceOutline } from '../../../lambdas/domain/ledger/completeness.ts';
import { installTextDom, textOf } from '../../support/pages/text-dom.ts';

const ADDRESS = 'ada@example.org';

let remove: () => void;
beforeAll(() => {
  remove = installTextDom();
});
afterAll(() => remove());

// Not by a literal name: the dashboard's files are for a browser, and compiled as such.
const load = (file: string) => import(join(import.meta.dirname, '../../../dashboard', file));

type Query = Readonly<Record<string, unknown>>;
type Responses = Readonly<Record<string, (query: Query) => unknown>>;

/** Returns the text of a view that reads these responses by path. */
async function show(name: string, subject: string, responses: Responses, query = ''): Promise<string> {
  const { title, content } = await view(name, subject, responses, query);
  return `${title} ${textOf(content)}`.replaceAll(/\s+/g, ' ');
}

async function view(
  name: string,
  subject: string,
  responses: Responses,
  query = '',
  domains: readonly string[] | null = ['mg.example.com'],
) {
  const { [`${name}View`]: read } = await load(`views/${name}.ts`);
  const api = { get: async (path: string, given: Query = {}) => responses[path]?.(given) };
  const health = async () => ({ domains });
  const parameters = new URLSearchParams(query);
  return read({ api, subject, parameters, settings: { target: '--local' }, health });
}

const mail = {
  messageId: 'a@mg.example.com',
  status: 'DELIVERED',
  reason: null,
  statusAt: 1_770_000_000,
  firstAt: 1_770_000_000,
  subject: null,
  tags: [],
  domain: 'mg.example.com',
  testMode: false,
  direction: 'outbound',
  unconfirmed: false,
  confirmed: true,
  engagement: { opens: 2, clicks: 0, machineOpens: 1, machineClicks: 0, countsComplete: true },
};

describe('health', () => {
  const domains = Array.from({ length: 300 }, (_, nth) => `d${nth}.example.com`);
  const facts = { ledger: 'l', domains, receivers: [], queue: 0, deadLetters: 0, alarms: [] };
  const totals = { expected: 0, stored: 0, unaccounted: 0, unconfirmed: 0, undecided: 0, due: 0 };

  /**
   * Shows the page; returns its text, the domains that were read, and how many calls were in flight at most. A ledger that
   * is an error fails.
   */
  async function showHealth(query = '', ledgers: Readonly<Record<string, object>> = {}, over = {}) {
    const inFlight = { now: 0, most: 0 };
    const read = new Set<unknown>();
    const get = async (path: string, { domain }: Query) => {
      read.add(domain);
      inFlight.now += 1;
      inFlight.most = Math.max(inFlight.most, inFlight.now);
      await new Promise(setImmediate);
      inFlight.now -= 1;
      const found = ledgers[`${path} ${domain}`] ?? ledgers[String(domain)];
      if (found instanceof Error) throw found;
      if (path === '/events') return { events: [] };
      return { slices: [], totals, completeness: 'unknown', comparedTo: null, witness: [], ...found };
    };
    const { healthView } = await load('views/health.ts');
    const parameters = new URLSearchParams(query);
    const { content, failures } = await healthView({
      api: { get },
      subject: '',
      parameters,
      settings: { target: '--local' },
      health: async () => ({ ...facts, ...over }),
    });
    return { text: textOf(content).replaceAll(/\s+/g, ' '), read: [...read], most: inFlight.most, failures };
  }

  test('of hundreds of domains reads no more than the read API admits, and names the others', async () => {
    const { text, read, most } = await showHealth();

    expect(read).toEqual(domains.slice(0, 20));
    expect(most).toBeLessThanOrEqual(10);
    for (const domain of domains) expect(text).toContain(domain);
  });

  test('counts the domains that are not read', async () => {
    expect((await showHealth()).text).toContain('280 more domains are not read here.');
    expect((await showHealth('domain=d250.example.com')).text).toContain('299 more domains are not read here.');
  });

  test('shows the domains with something wrong first, then those of which not all is known', async () => {
    const { text } = await showHealth('', {
      'd0.example.com': { completeness: 'complete' },
      'd2.example.com': { completeness: 'complete' },
      'd7.example.com': { completeness: 'incomplete' },
      'd9.example.com': { completeness: 'complete', totals: { ...totals, unconfirmed: 1 } },
    });
    const at = (nth: number) => text.indexOf(`d${nth}.example.com`);
    const order = [7, 9, 1, 3, 19, 0, 2, 20];

    expect(order.toSorted((one, other) => at(one) - at(other))).toEqual(order);
  });

  describe('with a ledger that is behind', () => {
    const ONE = 'query=1&domain=d0.example.com';
    const START = 1_770_001_200;
    const sliceOf = (state: SliceOutline['state'], nth: number) => ({
      start: START + nth * 900,
      end: START + (nth + 1) * 900,
      state,
      ...{ expected: {}, stored: {}, missing: {}, recovered: {}, polled: {}, unconfirmed: {}, undecided: {} },
    });
    /** Shows slices from START on, of a time that begins these seconds before. */
    const shown = async (states: readonly SliceOutline['state'][], secondsBefore = 0) => {
      const slices = states.map(sliceOf);
      const check = new CompletenessCheck(START - secondsBefore);
      for (const slice of slices.filter(({ state }) => state !== 'due')) check.take(slice);
      const due = states.filter((state) => state === 'due').length;
      const comparedTo = check.comparedTo(START + states.length * 900);
      const ledger = { slices, totals: { ...totals, due }, comparedTo };
      const { text } = await showHealth(ONE, { 'd0.example.com': ledger });
      const { timeText } = await load('values/time.ts');
      return {
        text,
        at: (nth: number): string =>
          timeText(START + nth * 900, 'short')
            .replaceAll(/\s+/g, ' ')
            .trim(),
      };
    };

    test.each<[string, SliceOutline['state'][]]>([
      ['waits, whatever is compared behind it', ['settled', 'settled', 'due', 'settled', 'due', 'settled']],
      ['Mailgun no longer lists', ['settled', 'settled', 'unlisted', 'settled', 'settled', 'due']],
    ])('is complete up to the first slice that %s', async (_, states) => {
      const { text, at } = await shown(states);

      expect(text).toContain(`complete up to ${at(2)} later time unknown`);
      expect(text).toMatch(new RegExp(`the table compared up to +${at(2)}`));
      expect(text).not.toContain(`up to ${at(6)}`);
    });

    test.each<[string, SliceOutline['state'][], number?]>([
      ['the first one waits', ['due', 'settled', 'settled']],
      ['it began within the time that is shown', ['settled', 'settled', 'due'], 1],
      ['none is compared', ['due', 'due']],
      ['Mailgun no longer lists the first', ['unlisted', 'settled', 'due']],
    ])('is complete up to no time where %s', async (_, states, secondsBefore) => {
      const { text } = await shown(states, secondsBefore);

      expect(text).toMatch(/d0\.example\.com +unknown/);
      expect(text).toContain('The beginning of the last 24 hours was not compared');
      expect(text).not.toMatch(/up to/);
    });
  });

  describe('when something cannot be read', () => {
    const PATHS = ['/ledger', '/events'];
    const FAILURES = [
      { kind: 'unreachable' },
      { kind: 'busy', retrySeconds: 5 },
      { kind: 'unknown', reason: 'unknown-domain' },
      { kind: 'unexpected', reason: 'no object' },
      { kind: 'failed', status: 400, reason: 'bad-parameter' },
    ];
    const failing = async (path: string, failure: object) => {
      const { ApiError } = await load('api.ts');
      return showHealth('', { [`${path} d1.example.com`]: new ApiError(failure) });
    };

    test.each(PATHS.flatMap((path) => FAILURES.map((failure) => [path, failure] as const)))(
      'shows alarms and the other domains: %s %j',
      async (path, failure) => {
        const { text, failures } = await failing(path, failure);

        expect(failures).toEqual([failure]);
        expect(text).toMatch(/Alarms .*none is on/);
        expect(text).toMatch(/d19\.example\.com +unknown/);
        expect(text).toMatch(
          path === '/ledger'
            ? /d1\.example\.com +unknown +Its ledger could not be read/
            : /Last event of d1\.example\.com +unknown/,
        );
        expect(text.match(/could not be read/g) ?? []).toHaveLength(path === '/ledger' ? 1 : 0);
      },
    );

    test.each(PATHS)('asks for the token where it is refused: %s', async (path) => {
      await expect(failing(path, { kind: 'refused' })).rejects.toMatchObject({ failure: { kind: 'refused' } });
    });

    test('shows a ledger that could not be read between those that are incomplete and complete', async () => {
      const { ApiError } = await load('api.ts');
      const { text } = await showHealth('', {
        'd0.example.com': { completeness: 'complete' },
        '/ledger d1.example.com': new ApiError({ kind: 'unreachable' }),
        'd2.example.com': { completeness: 'incomplete' },
      });

      const order = ['d2.example.com', 'd1.example.com', 'd0.example.com'];
      expect(order.toSorted((one, other) => text.indexOf(one) - text.indexOf(other))).toEqual(order);
    });

    test('shows alarms and queues without the domains', async () => {
      const { text, read } = await showHealth('domain=d1.example.com', {}, { domains: null, deadLetters: 7 });

      expect(text).toMatch(/Alarms .*none is on .*Domains .*They could not be read.* Dead letters +7/);
      expect(read).toEqual([]);
    });
  });

  test('shows the domain in the address alone', async () => {
    const { read } = await showHealth('domain=d250.example.com');

    expect(read).toEqual(['d250.example.com']);
  });
});

test.each(['find', 'search', 'events', 'mails', 'live', 'deliverability', 'campaign'])(
  'a page that needs the domains waits until they can be read: %s',
  async (name) => {
    await expect(view(name, '', {}, 'day=2026-02-02', null)).rejects.toMatchObject({ failure: { kind: 'busy' } });
  },
);

describe('deliverability', () => {
  const bucket = (tag: string, delivered: number, day = '2026-02-02') => ({
    ...{ hour: `${day}T00:00:00.000Z`, domain: 'mg.example.com', tag, open: false },
    counts: { accepted: 10, delivered },
  });
  const shown = (byTag: (query: Query) => unknown, queries: Query[] = []) =>
    show(
      'deliverability',
      '',
      {
        '/stats': (query) => {
          queries.push(query);
          if (query.by === 'provider') return { buckets: [] };
          return query.tag === '*' ? { buckets: [bucket('*', 9)] } : byTag(query);
        },
        '/events': () => ({ events: [], next: null }),
      },
      'day=2026-02-02',
    );

  test('requests days and shows each tag of a day', async () => {
    const queries: Query[] = [];
    const text = await shown(() => ({ buckets: [bucket('*', 9), bucket('spring', 4), bucket('', 5)] }), queries);

    expect(queries.map(({ per }) => per)).toEqual(['day', 'day', 'day']);
    expect(text).toMatch(/By tag: 2026-02-02 .*untagged .* spring .* 40% /);
    expect(text).not.toMatch(/By tag: .* 90% /);
  });

  test('shows each day of the span by its own numbers', async () => {
    const [earlier, later] = [2, 1].map((days) => new Date(Date.now() - days * 86_400_000).toISOString().slice(0, 10));
    const buckets = [bucket('*', 7, earlier), bucket('*', 8, later)];
    const text = await show('deliverability', '', {
      '/stats': ({ by, tag }) => ({ buckets: by === undefined && tag === '*' ? buckets : [] }),
      '/events': () => ({ events: [], next: null }),
    });

    expect(text).toMatch(new RegExp(`By day: .* ${later} 80% .* ${earlier} 70% `));
    expect(text.match(/[78]0%/g)).toHaveLength(2);
  });

  test('is shown without the tags where there are more than a response holds', async () => {
    const { ApiError } = await load('api.ts');
    const text = await shown(() => {
      throw new ApiError({ kind: 'failed', status: 400, reason: 'bad-parameter' });
    });

    expect(text).toMatch(/By tag: 2026-02-02 +Tags could not be listed/);
    expect(text).toMatch(/Bounces and complaints: 2026-02-02/);
  });
});

describe('a recipient', () => {
  const unsuppressed = () => ({ recipient: ADDRESS, suppressed: false, suppressions: [] });
  const mails = (messages: readonly unknown[]) => ({ recipient: ADDRESS, messages, searched: null, next: null });

  test.each(['', 'status=failed'])(
    'without stored events may be mistyped, and is not shown as good: %j',
    async (query) => {
      const responses = { '/suppressions': unsuppressed, '/recipients': () => mails([]) };
      const shown = await show('recipient', ADDRESS, responses, query);

      expect(shown).toContain('No mail to this address is stored: check its spelling.');
      expect(shown).not.toMatch(/none in force|Nothing prevents/);
    },
  );

  test('without mail for the filter is shown as having stored mail', async () => {
    const responses = {
      '/suppressions': unsuppressed,
      '/recipients': ({ status }: Query) => mails(status ? [] : [mail]),
    };
    const shown = await show('recipient', ADDRESS, responses, 'status=failed');

    expect(shown).toContain('that fits the filter');
    expect(shown).toContain('none in force');
  });

  test.each([
    [{ unconfirmed: false, confirmed: false }, /delivered not compared yet/],
    [{ unconfirmed: true, confirmed: false }, /delivered not on Mailgun’s list, may be forged/],
    [{ unconfirmed: false, confirmed: true }, /delivered (?!not)/],
  ])('marks a status by what Mailgun lists: %j', async (trust, marked) => {
    const responses = { '/suppressions': unsuppressed, '/recipients': () => mails([{ ...mail, ...trust }]) };
    expect((await show('recipient', ADDRESS, responses)).replace(/.*Messages to/, '')).toMatch(marked);
  });

  test('shows opens for each mail, machines apart, and requests them', async () => {
    const shown = (engagement: unknown) =>
      show('recipient', ADDRESS, {
        '/suppressions': unsuppressed,
        '/recipients': (given) => {
          expect(given.engagement).toBe('true');
          return mails([{ ...mail, engagement }]);
        },
      });
    expect(await shown(mail.engagement)).toContain('opened 2 ×, opened by machines 1 ×');
    expect(await shown({ ...mail.engagement, countsComplete: false })).toContain('opened by machines 1 ×, or more');
    expect(await shown({ ...mail.engagement, opens: 0, machineOpens: 0 })).toContain('not opened');
  });

  describe('that is suppressed', () => {
    const since = '2026-02-02T02:40:00.500Z';
    const suppression = {
      domain: 'mg.example.com',
      kind: 'complaint',
      scope: '*',
      reason: null,
      source: 'event',
      since,
      lastAt: since,
      eventKey: 'complained#e1',
      liftedAt: null,
    };
    const cause = { eventKey: 'complained#e1', messageId: 'a@mg.example.com', at: since, confirmed: true };
    const shown = (causes: readonly unknown[]) =>
      show('recipient', ADDRESS, {
        '/suppressions': (given) => {
          expect(given.causes).toBe('true');
          return { recipient: ADDRESS, suppressed: true, suppressions: [{ ...suppression, causes }] };
        },
        '/recipients': () => mails([mail]),
      });
    const forged = { ...cause, confirmed: false, unconfirmed: true };
    const genuine = { ...cause, unconfirmed: false };
    const MARK = /complained (?:(?!complained).)*not on Mailgun’s list, may be forged/g;

    test('by an event that may be forged bears the mark, and is distrusted rather than lifted', async () => {
      const text = await shown([forged]);

      expect(text.match(MARK)).toHaveLength(1);
      expect(text).toContain('distrust --plan --local a@mg.example.com ada@example.org');
      expect(text).not.toContain('suppressions lift');
    });

    test.each([
      ['that Mailgun lists', [genuine]],
      ['that is not stored any more', []],
    ])('by an event %s can be lifted', async (_, causes) => {
      const text = await shown(causes);

      expect(text).not.toMatch(/may be forged|distrust/);
      expect(text).toContain('suppressions lift --plan --kind complaint --local ada@example.org');
    });

    test('by several events bears the mark at each that may be forged, and at no other', async () => {
      const later = { ...forged, eventKey: 'complained#e2', messageId: 'b@mg.example.com' };
      const last = { ...forged, eventKey: 'complained#e3', messageId: 'c@mg.example.com' };
      const text = await shown([last, later, genuine]);

      expect(text.match(MARK)).toHaveLength(2);
      expect(text).toContain('distrust --plan --local b@mg.example.com ada@example.org');
      expect(text).toContain('distrust --plan --local c@mg.example.com ada@example.org');
      expect(text).not.toContain('distrust --plan --local a@mg.example.com');
      expect(text).toContain('suppressions lift --plan --kind complaint --local ada@example.org');
    });

    test('by an event that may be forged, and an earlier one that is not stored any more, can be lifted', async () => {
      const text = await shown([{ ...forged, eventKey: 'complained#e2' }]);

      expect(text.match(MARK)).toHaveLength(1);
      expect(text).toContain('suppressions lift --plan --kind complaint');
    });
  });
});

test('a message to several recipients shows opens and clicks of each', async () => {
  const outcome = (recipient: string, over: object) => ({
    recipient,
    status: 'DELIVERED',
    reason: null,
    statusAt: 1_770_000_000,
    decidedBy: 'delivered#1',
    source: 'webhook',
    testMode: false,
    direction: 'outbound',
    unconfirmed: false,
    confirmed: true,
    opens: 0,
    clicks: 0,
    machineOpens: 0,
    machineClicks: 0,
    unsubscribed: false,
    unsubscribedFrom: [],
    ...over,
  });
  const recipients = [outcome(ADDRESS, { opens: 2, machineClicks: 3 }), outcome('bob@example.org', {})];
  const message = { messageId: 'a@mg.example.com', recipients, events: [], next: null };
  const shown = await show('message', 'a@mg.example.com', { '/messages': () => message });

  expect(shown).toMatch(
    /Recipients .*ada @example\.org .*delivered .*2 × .*0 × \(3 more by machines\) .*bob .*0 × .*0 ×/,
  );
});

describe('a search', () => {
  const found = (mailCount: number, isMessage = false): Responses => ({
    '/messages': () => (isMessage ? { messageId: 'a@mg.example.com' } : undefined),
    '/recipients': () => ({ recipient: ADDRESS, messages: Array(mailCount).fill(mail), searched: null, next: null }),
    '/events': ({ tag }) => ({ events: tag === 'spring' ? [event] : [], searched: { events: 7 }, next: null }),
  });
  const event = {
    key: 'delivered#1',
    event: 'delivered',
    severity: null,
    reason: null,
    failureClass: null,
    messageId: 'a@mg.example.com',
    recipient: ADDRESS,
    timestamp: 1_770_000_000,
    unconfirmed: false,
    confirmed: true,
    testMode: false,
    direction: 'outbound',
  };

  test.each([
    ['an address with mail', found(1), '', `#/recipient/${encodeURIComponent(ADDRESS)}?found=ada%40example.org`],
    ['a message id', found(0, true), '', '#/message/a%40mg.example.com?found=ada%40example.org'],
    ['an address without mail', found(0), '', undefined],
    ['both', found(1, true), '', undefined],
    ['an address that shall show everything', found(1), 'all=1', undefined],
  ])('for %s leads to its page, or shows what was found', async (_, responses, query, instead) => {
    const shown = await view('search', ADDRESS, responses, query);
    expect(shown.instead).toBe(instead);
    if (instead === undefined) expect(textOf(shown.content)).toContain('not searched: it has an @');
  });

  test('finds a tag too, and leads to its campaign', async () => {
    expect(await show('search', 'spring', found(0))).toMatch(
      /tag of mg\.example\.com 1 events among 7 events · the campaign .*nothing among 7 events .*it has no @/,
    );
    expect(await show('search', 'autumn', found(0))).toMatch(/tag of mg\.example\.com nothing among 7 events/);
  });

  /** Searches among 300 domains; returns the text, the domains searched, and how many calls were in flight at most. */
  async function searchMany(query: string) {
    const inFlight = { now: 0, most: 0 };
    const read = new Set<unknown>();
    const get = async (path: string, given: Query) => {
      read.add(given.domain);
      inFlight.now += 1;
      inFlight.most = Math.max(inFlight.most, inFlight.now);
      await new Promise((resolve) => setImmediate(resolve));
      inFlight.now -= 1;
      return found(0)[path]?.(given);
    };
    const domains = Array.from({ length: 300 }, (_, nth) => `d${nth}.example.com`);
    const { searchView } = await load('views/search.ts');
    const { content } = await searchView({
      api: { get },
      subject: 'size=xl',
      parameters: new URLSearchParams(query),
      settings: { target: '--local' },
      health: async () => ({ domains }),
    });
    return { text: textOf(content).replaceAll(/\s+/g, ' '), read: [...read], most: inFlight.most };
  }

  test('among hundreds of domains reads the first of them, a few at once, and links the others', async () => {
    const { text, read, most } = await searchMany('');

    expect(read).toEqual(Array.from({ length: 20 }, (_, nth) => `d${nth}.example.com`));
    expect(most).toBeLessThanOrEqual(15);
    expect(text).toMatch(/another domain not searched yet · d20\.example\.com · .*d299\.example\.com/);
    expect((await searchMany('domain=d299.example.com')).read).toEqual(['d299.example.com']);
  });
});

describe('mail by status', () => {
  const pending = { ...mail, status: 'ACCEPTED', recipient: ADDRESS, acceptedAt: 1_770_000_000, subject: 'Hello' };
  const shown = (mails: readonly unknown[], query: string, check: (given: Query) => void = () => {}) =>
    show(
      'mails',
      '',
      {
        '/mails': (given) => {
          check(given);
          return { mails, searched: { messages: 1200, until: 1_770_000_000 }, next: null };
        },
      },
      query,
    );

  test('is listed for the requested time', async () => {
    const text = await shown([pending], 'status=pending&hours=1', ({ domain, status, from }) => {
      expect([domain, status]).toEqual(['mg.example.com', 'pending']);
      expect(Math.abs(Date.now() / 1000 - 3600 - Number(from))).toBeLessThan(60);
    });
    expect(text).toMatch(/Mail that is pending of mg\.example\.com, accepted in the last hour/);
    expect(text).toMatch(/Hello .* ada @example\.org .* accepted, on its way/);
    expect(text).toMatch(/Looked at 1,200 mails , back to /);
  });

  test('shows how much was searched if there is none', async () => {
    const text = await shown([], 'status=failed&day=2026-02-02', ({ day, from }) => {
      expect([day, from]).toEqual(['2026-02-02', undefined]);
    });
    expect(text).toMatch(/accepted on 2026-02-02 \(UTC\) .*No mail fits\. .*Looked at 1,200 mails/);
  });
});

describe('a campaign', () => {
  const none = { p50: null, p95: null };
  const report = (counts: Readonly<Record<string, number>>) => ({
    tag: 'spring',
    domain: 'mg.example.com',
    from: 1_769_990_400,
    to: 1_770_076_800,
    asOf: '2026-02-03T08:00:00.000Z',
    completeness: 'unknown',
    completeFrom: null,
    listed: {},
    failures: [],
    mails: {
      mails: 0,
      accepted: 0,
      delivered: 0,
      deferred: 0,
      failed: 0,
      withoutOutcome: 0,
      testMode: 0,
      failedByClass: {},
      unconfirmedEvents: 0,
      secondsToDelivery: none,
      secondsToFirstOpen: none,
      ...counts,
    },
    people: {
      people: 0,
      openers: 0,
      clickers: 0,
      machineOpeners: 0,
      machineClickers: 0,
      complainers: 0,
      unsubscribers: 0,
    },
  });

  test('shows how many mails are undecided and how many count twice, so that its rows add up', async () => {
    const counts = { mails: 10, accepted: 10, delivered: 7, failed: 3, withoutOutcome: 2 };
    const shown = await show('campaign', 'spring', { '/campaigns': () => report(counts) });

    expect(shown).toMatch(
      / delivered 7 .* failed permanently 3 .*delivered, then failed: in both 2 .*not decided yet 2 /,
    );
  });

  test('has no row for mails that count twice if there are none', async () => {
    const counts = { mails: 2, accepted: 2, delivered: 1, withoutOutcome: 1 };
    expect(await show('campaign', 'spring', { '/campaigns': () => report(counts) })).not.toContain('in both');
  });

  test('is not shown for an unknown tag', async () => {
    const shown = await show('campaign', 'sprnig', { '/campaigns': () => report({}) });

    expect(shown).toContain('No mail was sent under this tag');
    expect(shown).not.toMatch(/may still change|Print|CSV/);
  });
});

test('an unknown page links to the existing ones', async () => {
  const shown = await show('unknown', '', {});

  expect(shown).toMatch(/There is no such page.*Health.*Find.*Live.*Deliverability.*Campaigns/);
});

test('an unknown receiver links to the existing ones', async () => {
  const shown = await show('receiver', 'cmr', { '/receivers': () => ({ receivers: [{ name: 'crm' }] }) });

  expect(shown).toMatch(/There is no receiver of this name\. crm/);
});

test('a message id may break after punctuation, not within a word', async () => {
  const { breakableId } = await load('components/parts.ts');
  const parts = breakableId('20260202.a-1@mg.example.com').map((part: unknown) =>
    Array.isArray(part) ? part[1] : part,
  );

  expect(parts).toEqual(['20260202.', 'a-', '1@', 'mg.', 'example.', 'com']);
  expect(breakableId('ngL_Om#failed#xR').length).toBe(3);
});

test.each([
  [8, 'scroll tall short'],
  [9, 'scroll tall'],
])('a table of %d rows is a scrolling box: %j', async (count, kind) => {
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
