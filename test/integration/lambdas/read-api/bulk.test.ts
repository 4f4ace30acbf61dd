import { setTimeout as sleep } from 'node:timers/promises';
import type { Operation } from '../../../../api/routes.ts';
import { createCampaignReader, createDayEvents } from '../../../../lambdas/adapters/table/day-index-repository.ts';
import { createDeliveryHistory } from '../../../../lambdas/adapters/table/delivery-repository.ts';
import { createBounceClassRepository } from '../../../../lambdas/adapters/table/domain-repository.ts';
import {
  createMailReader,
  createMessageHistory,
  createRecipientHistory,
  createSuppressionList,
  createSuppressionRepository,
  recipientKeys,
} from '../../../../lambdas/adapters/table/recipient-repository.ts';
import {
  createListingNoteRepository,
  createReconciliationStateRepository,
} from '../../../../lambdas/adapters/table/reconciliation-state-repository.ts';
import {
  createSliceFactsReader,
  createSliceReader,
  createWitnessReader,
} from '../../../../lambdas/adapters/table/slice-repository.ts';
import { createConfirmedCheck } from '../../../../lambdas/read-api/messages/confirmed.ts';
import { createEvents } from '../../../../lambdas/read-api/messages/events.ts';
import { createMails } from '../../../../lambdas/read-api/messages/mails.ts';
import { createMessages } from '../../../../lambdas/read-api/messages/messages.ts';
import { createDeliveries } from '../../../../lambdas/read-api/receivers/deliveries.ts';
import { createEngagement } from '../../../../lambdas/read-api/recipients/engagement.ts';
import { createRecipientSearch } from '../../../../lambdas/read-api/recipients/recipient-search.ts';
import { createRecipients } from '../../../../lambdas/read-api/recipients/recipients.ts';
import { createSuppressionPages } from '../../../../lambdas/read-api/recipients/suppression-list.ts';
import { createCauseEntries, createSuppressions } from '../../../../lambdas/read-api/recipients/suppressions.ts';
import { createCampaigns } from '../../../../lambdas/read-api/reports/campaigns.ts';
import { createLedger } from '../../../../lambdas/read-api/reports/ledger.ts';
import { createStats } from '../../../../lambdas/read-api/reports/stats.ts';
import { createRoutes } from '../../../../lambdas/read-api/routes.ts';
import { createTail } from '../../../../lambdas/read-api/tail/tail.ts';
import { RETENTION } from '../../../support/doubles/in-memory-ledger.ts';
import { eventItem, seed, statusItem } from '../../../support/fixtures/seed.ts';
import { DOMAIN, NOW_MS } from '../../../support/fixtures/webhooks.ts';
import { shareOf } from '../../../support/share.ts';
import { startTestEngines, type TestEngines } from '../../../support/stacks/engines.ts';

// Number of reads per page with a large amount of data. Counts, not times.

const MESSAGE_EVENTS = shareOf(10_000);
const RECIPIENT_MESSAGES = shareOf(10_000);
const DAY_EVENTS = shareOf(100_000);

const DAY = '2026-01-10';
const DAY_MS = Date.parse(DAY);
const TYPES = ['accepted', 'delivered', 'opened', 'clicked', 'failed', 'list_uploaded'];
const MESSAGE = `big@${DOMAIN}`;
const RECIPIENT = 'much.mail@north.example';

let engines: TestEngines;
let routes: ReturnType<typeof createRoutes>;
const commands = new Map<string, number>();

beforeAll(async () => {
  engines = await startTestEngines();
  const { table } = engines;
  // Calls made by our code: on a slow machine the SDK retries.
  engines.dynamodb.middlewareStack.add(
    (next, { commandName }) =>
      (args) => {
        commands.set(commandName ?? '', (commands.get(commandName ?? '') ?? 0) + 1);
        return next(args);
      },
    { step: 'initialize' },
  );
  const recipients = createRecipientHistory(table);
  const ledgerDeps = {
    slices: createSliceReader(table),
    ledger: createReconciliationStateRepository(table),
    ends: new Map<string, number>(),
    sliceSeconds: 900,
    settleSeconds: 1800,
    now: () => NOW_MS,
  };
  const confirmed = createConfirmedCheck(createSliceFactsReader(table), ledgerDeps.ledger, {
    ...ledgerDeps,
    retentionDays: 400,
  });
  routes = createRoutes({
    confirmed,
    messages: createMessages(createMessageHistory(table), RETENTION),
    recipients: createRecipients(recipients, confirmed),
    mails: createMails(createDayEvents(table), createMailReader(table), createEngagement(recipients), confirmed),
    events: createEvents(createDayEvents(table)),
    tail: createTail(createDayEvents(table)),
    recipientSearch: createRecipientSearch(recipients),
    recipientKeys,
    suppressions: createSuppressions(createSuppressionRepository(table), createCauseEntries(recipients, confirmed)),
    suppressionList: createSuppressionPages(createSuppressionList(table)),
    ledger: createLedger({
      ...ledgerDeps,
      witness: createWitnessReader(table),
      listing: createListingNoteRepository(table),
    }),
    stats: createStats({ ...ledgerDeps, classes: createBounceClassRepository(table) }),
    health: async () => ({ ledger: '', domains: [], receivers: [], queue: null, deadLetters: null, alarms: null }),
    receivers: async () => ({ receivers: [] }),
    deliveries: createDeliveries(createDeliveryHistory(table)),
    campaigns: createCampaigns({ ...ledgerDeps, campaigns: createCampaignReader(table), retentionDays: 400 }),
    domains: [DOMAIN],
    withLedger: [DOMAIN],
    only: DOMAIN,
    receiverNames: ['crm'],
    now: () => NOW_MS,
  });
}, 60_000);
afterAll(() => engines?.close());

interface Page {
  // biome-ignore lint/suspicious/noExplicitAny: responses of several routes
  body: any;
  reads: string;
  units: number;
}

/** Reads one page; returns it with the calls it made. */
async function readPage(operation: Operation, parameters: Record<string, string>): Promise<Page> {
  const unitsBefore = engines.usage.total().capacity.read;
  commands.clear();
  const result = await routes.read(operation, parameters);
  if (!result.ok) throw new Error(JSON.stringify(result));
  const calls = [...commands].map(([command, made]) => `${made} ${command.replace('Command', '')}`);
  return { body: result.body, reads: calls.join(', '), units: engines.usage.total().capacity.read - unitsBefore };
}

/** Yields all pages. */
async function* walk(operation: Operation, parameters: Record<string, string>): AsyncGenerator<Page> {
  for (let cursor: string | null | undefined; cursor !== null; ) {
    const page = await readPage(operation, { ...parameters, ...(cursor && { cursor }) });
    yield page;
    cursor = page.body.next;
  }
}

/** Summarizes the pages' reads: `10 Query, 1 BatchGet (100 pages)`. */
function summary(title: string, pages: readonly Page[]): Map<string, number> {
  const kinds = new Map<string, number>();
  for (const { reads } of pages) kinds.set(reads, (kinds.get(reads) ?? 0) + 1);
  const units = Math.max(...pages.map((page) => page.units));
  const text = [...kinds].map(([reads, count]) => `${reads} (${count} pages)`).join('; ');
  console.log(`${title}: ${pages.length} pages: ${text}; at most ${units} read units a page`);
  return kinds;
}

/** Reads all pages while `write` adds items; returns the keys in order. */
async function whileWriting<T>(write: (n: number) => Promise<void>, read: () => Promise<T>): Promise<T> {
  let isReading = true;
  let written = 0;
  const writer = (async () => {
    for (; isReading; written += 1) {
      await write(written);
      await sleep(25);
    }
  })();
  try {
    return await read();
  } finally {
    isReading = false;
    await writer;
    console.log(`${written} events arrived meanwhile`);
  }
}

/** Asserts that everything was returned, and nothing twice. */
function expectWhole(listed: readonly string[], there: readonly string[]): void {
  const distinct = new Set(listed);
  expect(listed.length - distinct.size).toBe(0);
  expect(there.filter((key) => !distinct.has(key))).toEqual([]);
}

describe('thousands of events for one message', () => {
  const names = ['opened', 'clicked', 'delivered'];
  const item = (id: string, n: number) =>
    eventItem({ messageId: MESSAGE, id, type: names[n % 3] ?? '', atMs: NOW_MS + n, recipient: RECIPIENT });
  const keys = Array.from({ length: MESSAGE_EVENTS }, (_, n) => `${names[n % 3]}#e${n}`);
  beforeAll(async () => {
    await seed(
      engines,
      Array.from({ length: MESSAGE_EVENTS }, (_, n) => item(`e${n}`, n)),
    );
    await seed(engines, [statusItem({ messageId: MESSAGE, atMs: NOW_MS, recipient: RECIPIENT })]);
  }, 300_000);

  test('are read in pages of constant reads, none missed, none twice, while others arrive', async () => {
    const pages: Page[] = [];
    await whileWriting(
      (n) => seed(engines, [item(`${n % 2 === 0 ? 'a' : 'z'}${n}`, n)]),
      async () => {
        for await (const page of walk('getMessage', { id: MESSAGE, limit: '100' })) pages.push(page);
      },
    );
    const kinds = summary('a message, 100 a page', pages);
    expect([...kinds.keys()].filter((reads) => !/^1 Query, [1-4] GetItem, 1 BatchGetItem$/.test(reads))).toEqual([]);
    const listed = pages.flatMap(({ body }) => body.events.map(({ key }: { key: string }) => key));
    expectWhole(listed, keys);
    const entries = pages.flatMap(({ body }) => body.recipients);
    expect(entries).toHaveLength(pages.length);
    expect(entries.map(({ countsComplete }) => countsComplete)).toEqual(
      entries.map((_, n) => n === entries.length - 1),
    );
    const count = (name: string) => listed.filter((key) => key.startsWith(name)).length;
    expect(entries.at(-1)).toMatchObject({ opens: count('opened'), clicks: count('clicked'), status: 'DELIVERED' });
  }, 300_000);
});

describe('thousands of messages for one recipient', () => {
  const idOf = (n: number) => `r${n}@${DOMAIN}`;
  const recipient = 'many.messages@north.example';
  const pair = (messageId: string, atMs: number) => [
    statusItem({ messageId, atMs, recipient }),
    eventItem({ messageId, id: 'E', type: 'delivered', atMs, recipient }),
  ];
  beforeAll(
    () =>
      seed(
        engines,
        // Ten messages share each millisecond.
        Array.from({ length: RECIPIENT_MESSAGES }, (_, n) => pair(idOf(n), NOW_MS + Math.floor(n / 10))).flat(),
      ),
    300_000,
  );
  const there = Array.from({ length: RECIPIENT_MESSAGES }, (_, n) => idOf(n));
  const arrive = (n: number) => seed(engines, pair(`new${n}@${DOMAIN}`, NOW_MS + (n % 1000)));

  test('are read in pages of constant reads, none missed, none twice, while others arrive', async () => {
    const pages: Page[] = [];
    await whileWriting(arrive, async () => {
      for await (const page of walk('getRecipient', { address: recipient, limit: '100' })) pages.push(page);
    });
    const kinds = summary('a recipient, 100 a page', pages);
    // The third read is of the slices; the ledger of the domain has not begun.
    expect([...kinds.keys()]).toEqual(['1 Query, 3 BatchGetItem, 1 GetItem']);
    expectWhole(
      pages.flatMap(({ body }) => body.messages.map(({ messageId }: { messageId: string }) => messageId)),
      there,
    );
  }, 300_000);

  test('are searched in pages of bounded reads', async () => {
    const pages: Page[] = [];
    for await (const page of walk('searchEvents', { recipient, limit: '50' })) {
      pages.push(page);
      if (pages.length === 20) break;
    }
    const kinds = summary('a search, 50 a page', pages);
    expect(
      [...kinds.keys()].filter(
        (reads) => Number.parseInt(reads, 10) > 61 || !/^\d+ Query, 1 BatchGetItem, 1 GetItem$/.test(reads),
      ),
    ).toEqual([]);
    expect(pages.map(({ body }) => body.events.length)).toEqual(pages.map(() => 50));
  }, 300_000);
});

describe('2,000 mails of one day', () => {
  const MAILS_DAY = '2026-01-12';
  const recipient = 'mail@north.example';
  const pair = (n: number) => {
    const [messageId, atMs] = [`mail${n}@${DOMAIN}`, Date.parse(MAILS_DAY) + n * 1000];
    return [
      statusItem({ messageId, atMs, recipient }),
      eventItem({ messageId, id: 'A', type: 'accepted', atMs, recipient }),
      eventItem({ messageId, id: 'E', type: 'delivered', atMs, recipient }),
    ];
  };
  beforeAll(() => seed(engines, Array.from({ length: 2000 }, (_, n) => pair(n)).flat()), 120_000);

  test('are listed in pages of one query and three reads, and filtered in pages of bounded reads', async () => {
    const pages: Page[] = [];
    for await (const page of walk('listMails', { day: MAILS_DAY, limit: '100' })) pages.push(page);
    expect([...summary('mails, 100 a page', pages).keys()]).toEqual(['1 Query, 3 BatchGetItem, 1 GetItem']);
    expectWhole(
      pages.flatMap(({ body }) => body.mails.map(({ messageId }: { messageId: string }) => messageId)),
      Array.from({ length: 2000 }, (_, n) => `mail${n}@${DOMAIN}`),
    );

    const filtered: Page[] = [];
    for await (const page of walk('listMails', { day: MAILS_DAY, status: 'pending' })) filtered.push(page);
    // None is pending, so no deciding event is read.
    expect([...summary('mails that are pending', filtered).keys()]).toEqual(['10 Query, 10 BatchGetItem']);
    expect(filtered.map(({ body }) => [body.mails.length, body.searched.messages])).toEqual([
      [0, 1000],
      [0, 1000],
    ]);
  }, 60_000);
});

describe('tens of thousands of events in one day', () => {
  const item = (id: string, n: number, atMs: number) =>
    eventItem({ messageId: `d${id}@${DOMAIN}`, id, type: TYPES[n % TYPES.length] ?? '', atMs });
  // Groups of fifty share a millisecond.
  const apartMs = Math.floor((86_000_000 * 50) / DAY_EVENTS);
  const timeOf = (n: number) => DAY_MS + Math.floor(n / 50) * apartMs;
  function* everything() {
    for (let n = 0; n < DAY_EVENTS; n += 1) yield item(`e${n}`, n, timeOf(n));
  }
  beforeAll(() => seed(engines, everything()), 600_000);
  const parameters = { domain: DOMAIN, day: DAY };

  test('are read in pages of constant reads: a query for each type, a read for each hundred events', async () => {
    const pages: Page[] = [];
    for await (const page of walk('listEvents', { ...parameters, limit: '100' })) {
      pages.push(page);
      if (pages.length === 30) break;
    }
    expect([...summary('a day, 100 a page', pages).keys()]).toEqual(['10 Query, 2 BatchGetItem, 1 GetItem']);
    const typed = await readPage('listEvents', { ...parameters, type: 'opened' });
    expect(typed.reads).toBe('1 Query, 2 BatchGetItem, 1 GetItem');
    const other = await readPage('listEvents', { ...parameters, type: 'list_uploaded' });
    expect([other.reads, other.body.events.length]).toEqual(['1 Query, 2 BatchGetItem, 1 GetItem', 100]);
  }, 60_000);

  test('are returned completely, none twice, while others arrive', async () => {
    const listed: string[] = [];
    const pages: Page[] = [];
    await whileWriting(
      (n) => seed(engines, [item(`new${n}`, n, DAY_MS + ((n * 7_919_001) % 86_000_000))]),
      async () => {
        for await (const page of walk('listEvents', { ...parameters, limit: '1000' })) {
          listed.push(...page.body.events.map(({ key }: { key: string }) => key));
          pages.push({ ...page, body: {} });
        }
      },
    );
    const kinds = summary('a day, 1000 a page', pages);
    expect(
      [...kinds.keys()].filter((reads) => !/^1?\d Query, ([1-9]|1[01]) BatchGetItem, 1 GetItem$/.test(reads)),
    ).toEqual([]);
    const there = Array.from({ length: DAY_EVENTS }, (_, n) => `${TYPES[n % TYPES.length]}#e${n}`);
    expectWhole(listed, there);
  }, 600_000);
});
