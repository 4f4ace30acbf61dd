import { randomUUID } from 'node:crypto';
import { type RawParameters, readParameters } from '../../../../api/read-parameters.ts';
import { type Operation, pathFormOf, readRoutes } from '../../../../api/routes.ts';
import { writeCursor } from '../../../../lambdas/read-api/http/cursor.ts';
import { openDeliveryLog, SEEDED_RECEIVER } from '../../../support/fixtures/delivery-log.ts';
import { DOMAIN } from '../../../support/fixtures/webhooks.ts';
import fc from '../../../support/property.ts';
import { shareOf } from '../../../support/share.ts';
import { eventOf, type ReadStack, type Reply, startReadStack } from '../../../support/stacks/read-stack.ts';

// Every route with pages, from the table of routes, with every cursor that a client could send. Each is refused, or
// shows what its query shows without one.

const ROUTES = readRoutes([DOMAIN], [SEEDED_RECEIVER.name], DOMAIN);
const PAGED = (Object.keys(ROUTES) as Operation[]).filter((name) => 'cursor' in ROUTES[name].parameters.shape);

const DAY = '2026-03-01';
const OTHER_DAY = '2026-03-02';
const FROM_MS = Date.parse(`${DAY}T00:00:00Z`);
const messageId = `${randomUUID()}@${DOMAIN}`;
const recipient = `${randomUUID()}@north.example`;

/** Parameters of a query that has several pages, and of another that has some too. A new paged route needs its own. */
const QUERIES: Partial<Record<Operation, readonly [RawParameters, RawParameters]>> = {
  getMessage: [{ id: messageId }, { id: `other-${messageId}` }],
  getRecipient: [{ address: recipient }, { address: `other.${recipient}` }],
  listMails: [{ day: DAY }, { day: OTHER_DAY }],
  listEvents: [{ day: DAY }, { day: OTHER_DAY }],
  searchEvents: [
    { recipient, from: String(FROM_MS / 1000), to: '2026-03-03' },
    { recipient: `other.${recipient}`, from: String(FROM_MS / 1000), to: '2026-03-03' },
  ],
  tailEvents: [{ recipient: `tail.${recipient}` }, { recipient: `other.tail.${recipient}` }],
  listSuppressions: [{ kind: 'complaint' }, { kind: 'unsubscribe' }],
  listDeliveries: [
    { receiver: SEEDED_RECEIVER.name, day: DAY },
    { receiver: SEEDED_RECEIVER.name, day: OTHER_DAY },
  ],
};

let api: ReadStack;
beforeAll(async () => {
  api = await startReadStack({ receivers: [SEEDED_RECEIVER] });
  const at = (day: string, second: number) => Date.parse(`${day}T09:00:0${second}Z`) / 1000;
  const stored = [DAY, OTHER_DAY].flatMap((day, nth) => {
    const prefix = nth === 0 ? '' : 'other-';
    const address = nth === 0 ? recipient : `other.${recipient}`;
    return [0, 1, 2].flatMap((second) => [
      eventOf(prefix + messageId, { recipient: address, timestamp: at(day, second) }),
      eventOf(`${prefix}mail-${second}-${messageId}`, {
        event: 'accepted',
        recipient: address,
        timestamp: at(day, second),
      }),
      eventOf(`${prefix}left-${second}-${messageId}`, {
        event: nth === 0 ? 'complained' : 'unsubscribed',
        recipient: `${second}.${address}`,
        timestamp: at(day, second),
        tags: ['*'],
      }),
    ]);
  });
  // A tail shows nothing that was stored more than a month late.
  const fresh = ['tail', 'other.tail'].flatMap((name) =>
    [0, 1, 2].map((second) =>
      eventOf(`${name}-${messageId}`, { recipient: `${name}.${recipient}`, timestamp: Date.now() / 1000 - second }),
    ),
  );
  await api.store(...stored, ...fresh);
  const log = openDeliveryLog(api.stack);
  for (const day of [DAY, OTHER_DAY]) {
    for (const second of [0, 1, 2]) {
      await log.write(at(day, second), { id: `${day}.${second}` }, { state: 'acknowledged', attempts: [] });
    }
  }
}, 300_000);
afterAll(() => api?.stop());

type Parameters = Readonly<Record<string, string | string[]>>;

/** Sends a query to a route, as its method wants it. */
function ask(name: Operation, query: Parameters, cursor?: string | string[]): Promise<Reply> {
  const route = ROUTES[name];
  const given = { ...query, limit: '1', ...(cursor !== undefined && { cursor }) };
  if (route.method === 'POST') return api.search(given);
  const { [route.inPath ?? '']: inPath, ...others } = given as Parameters;
  const path =
    inPath === undefined ? route.path : pathFormOf(route)?.replace(/\{.*\}/, encodeURIComponent(`${inPath}`));
  const pairs = Object.entries(others).flatMap(([key, value]) =>
    [value].flat().map((each): [string, string] => [key, each]),
  );
  return api.get(`/mailgun${path}?${new URLSearchParams(pairs)}`);
}

/** Returns the entries of a page as text, without what a later page counts otherwise. */
const entriesIn = ({ body }: Reply): string[] =>
  Object.values(body as object)
    .filter(Array.isArray)
    .flat()
    .map((entry) => JSON.stringify([entry.key, entry.messageId, entry.recipient, entry.id, entry.kind]));

interface Walked {
  cursors: string[];
  entries: Set<string>;
}

/** Reads a query to its end; a tail, until it has caught up. */
async function walk(name: Operation, query: Parameters): Promise<Walked> {
  const found: Walked = { cursors: [], entries: new Set() };
  // What was stored lately.
  let page = await ask(
    name,
    name === 'tailEvents' ? { ...query, from: String(Math.floor(Date.now() / 1000) - 600) } : query,
  );
  for (let isFirst = true; isFirst || page.body.behind !== false; isFirst = false) {
    expect([name, page.status]).toEqual([name, 200]);
    for (const entry of entriesIn(page)) found.entries.add(entry);
    if (page.body.next === null) break;
    found.cursors.push(page.body.next);
    page = await ask(name, query, page.body.next);
  }
  for (const entry of entriesIn(page)) found.entries.add(entry);
  return found;
}

const walks = new Map<string, Promise<Walked>>();
function walked(name: Operation, nth: 0 | 1): Promise<Walked> {
  const key = `${name} ${nth}`;
  const found = walks.get(key) ?? walk(name, QUERIES[name]?.[nth] as Parameters);
  walks.set(key, found);
  return found;
}

/** Signs a position as a client could that knows the code; undefined if the route reads its query in no such order. */
function signer(name: Operation, query: Parameters, cursor: string): ((position: unknown) => string) | undefined {
  const parsed = readParameters(ROUTES[name].parameters, query);
  if (!parsed.ok) throw new Error(parsed.message);
  const { limit: _, cursor: __, from, ...rest } = parsed.query as Record<string, unknown>;
  const position = positionIn(cursor);
  const whole: Record<string, unknown> = { ...rest, ...(from !== undefined && { from }) };
  // A use case may take a parameter out, or put it first.
  const orders = [
    parsedOrder(parsed.query),
    whole,
    rest,
    ...Object.keys(whole).map((key) => ({ [key]: whole[key], ...whole })),
  ];
  const found = orders.find((each) => writeCursor([name, each], position) === cursor);
  return found && ((made) => writeCursor([name, found], made));
}

function parsedOrder(query: object) {
  const { limit: _, cursor: __, ...rest } = query as Record<string, unknown>;
  return rest;
}

const positionIn = (cursor: string): unknown =>
  JSON.parse(Buffer.from(cursor.split('.')[0] ?? '', 'base64url').toString());

/** Asserts that a cursor is refused by name, or that its page is of the query. */
async function expectHarmless(
  name: Operation,
  query: Parameters,
  cursor: string | string[],
  whole: ReadonlySet<string>,
) {
  const reply = await ask(name, query, cursor);
  const shown = { name, cursor, status: reply.status };
  if (reply.status === 400) {
    expect({ ...shown, body: reply.body }).toEqual({
      ...shown,
      body: {
        ok: false,
        reason: 'bad-parameter',
        parameter: 'cursor',
        message: expect.stringMatching(/^cursor must be /),
      },
    });
  } else {
    expect(shown).toEqual({ ...shown, status: 200 });
    expect({ ...shown, foreign: entriesIn(reply).filter((entry) => !whole.has(entry)) }).toEqual({
      ...shown,
      foreign: [],
    });
  }
  return reply;
}

test('every route with pages has queries here', () => {
  expect(Object.keys(QUERIES).sort()).toEqual([...PAGED].sort());
});

describe.each(PAGED)('a cursor of %s', (name) => {
  const [query, other] = (QUERIES[name] ?? [{}, {}]) as readonly [Parameters, Parameters];

  test('leads through several pages of this query, and of the other', async () => {
    const { cursors, entries } = await walked(name, 0);
    expect([cursors.length > 1, entries.size > 1, (await walked(name, 1)).entries.size > 1]).toEqual([
      true,
      true,
      true,
    ]);
  });

  test('is refused where it is of another query or route', async () => {
    const foreign = PAGED.filter((each) => each !== name).map(async (each) => (await walked(each, 0)).cursors);
    const cursors = [...(await walked(name, 1)).cursors, ...(await Promise.all(foreign)).flat()];
    for (const cursor of new Set(cursors))
      expect([cursor, (await ask(name, query, cursor)).status]).toEqual([cursor, 400]);
    const [own = ''] = (await walked(name, 0)).cursors;
    expect((await ask(name, other, own)).status).toBe(400);
  });

  test('is refused where it is cut, flipped, doubled, long or empty', async () => {
    const { cursors, entries } = await walked(name, 0);
    const [cursor = ''] = cursors;
    const wrong = fc.oneof(
      fc.nat(cursor.length - 1).map((end) => cursor.slice(0, end)),
      fc.tuple(fc.nat(cursor.length - 1), fc.nat(6)).map(([at, bit]) => flipped(cursor, at, bit)),
      fc.nat(40).map((times) => cursor + 'A'.repeat(1 + times * 50)),
      fc.constantFrom('', ' ', '.', '..', `${cursor}.`, ` ${cursor}`, cursor.repeat(2), `${cursor}.${cursor}`, 'null'),
    );
    await fc.assert(
      fc.asyncProperty(wrong, async (text) => {
        expect((await expectHarmless(name, query, text, entries)).status).toBe(400);
      }),
      { numRuns: shareOf(40) },
    );
    expect((await ask(name, query, [cursor, cursor])).status).toBe(400);
  });

  test('that a client invents is refused, or shows nothing but its query', async () => {
    const { cursors, entries } = await walked(name, 0);
    const sign = signer(name, query, cursors[0] ?? '');
    if (sign === undefined) throw new Error(`${name} signs its cursors for another query than its parameters`);
    const position = fc.constantFrom(...cursors.map(positionIn)).chain(changed);
    await fc.assert(
      fc.asyncProperty(position, async (made) => {
        await expectHarmless(name, query, sign(made), entries);
      }),
      { numRuns: shareOf(120) },
    );
  });
});

function flipped(text: string, at: number, bit: number): string {
  return text.slice(0, at) + String.fromCharCode(text.charCodeAt(at) ^ (1 << bit)) + text.slice(at + 1);
}

const NUMBERS = [
  -1,
  0,
  0.5,
  1,
  1e9,
  1e10,
  FROM_MS - 1,
  FROM_MS,
  FROM_MS + 86_400_000,
  9e12,
  1e13,
  Number.MAX_SAFE_INTEGER,
];
const TEXTS = [
  '',
  '-',
  'x',
  'R#',
  'R#a',
  'MSG#x',
  'NOMSG#x',
  'SUP#x',
  'CLAIM#x',
  'STATUS',
  '\u0000',
  '\ud800',
  '~'.repeat(1025),
];

/** Returns positions that differ from one in one of its values, or lack it. */
function changed(position: unknown): fc.Arbitrary<unknown> {
  const places = leavesOf(position);
  return fc
    .constantFrom(...places)
    .chain(({ path, value }) => valueNear(value).map((made) => withValue(position, path, made)))
    .filter((made) => made !== undefined);
}

function valueNear(value: unknown): fc.Arbitrary<unknown> {
  const any = fc.oneof(fc.constantFrom(...NUMBERS, ...TEXTS, null, true, [], {}, undefined), fc.jsonValue());
  if (typeof value === 'number')
    return fc.oneof(
      fc.integer({ min: -100, max: 100 }).map((by) => value + by),
      any,
    );
  if (typeof value !== 'string') return any;
  const cut = fc.nat(value.length).map((end) => value.slice(0, end));
  return fc.oneof(cut, fc.constantFrom(`${value}x`, `${value}#`, value.replaceAll('#', '')), any);
}

type Path = readonly (string | number)[];

function leavesOf(value: unknown, path: Path = []): { path: Path; value: unknown }[] {
  const own = { path, value };
  if (typeof value !== 'object' || value === null) return [own];
  return [own, ...Object.entries(value).flatMap(([key, each]) => leavesOf(each, [...path, key]))];
}

function withValue(value: unknown, [key, ...rest]: Path, made: unknown): unknown {
  if (key === undefined) return made;
  const copy: Record<string | number, unknown> = Array.isArray(value)
    ? ([...value] as never)
    : { ...(value as object) };
  copy[key] = withValue(copy[key], rest, made);
  return copy;
}
