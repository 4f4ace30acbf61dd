import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import athenaGrammar from 'node-sql-parser/build/athena.js';
import { parseManifest } from '../../../lambdas/domain/archive/manifest.ts';
import { parseObjectKey } from '../../../lambdas/domain/archive/object-keys.ts';
import { identify } from '../../../lambdas/domain/events/identity.ts';
import type { JsonObject } from '../../../lambdas/domain/json.ts';
import { placeName } from '../../../lambdas/domain/ledger/ledger-name.ts';
import { openParquetWriter } from '../../../lambdas/formats/parquet.ts';
import { SealWorld } from '../../model/worlds/seal-world.ts';
import { SLICE_SECONDS, SLICE_START } from '../../support/archive/archive.ts';
import { DOMAIN, deliveredEvent } from '../../support/fixtures/webhooks.ts';

// Every query of the page, as it is printed there, over files with what seal wrote, and by the grammar of Athena.

const PAGE = readFileSync(join(import.meta.dirname, '../../../docs/queries.md'), 'utf8');
const SETUP = /```sql duckdb\n([\s\S]*?)```/.exec(PAGE)?.[1] ?? '';
const QUERIES = new Map(
  [...PAGE.matchAll(/^## (.+)\n(?:(?!```)[\s\S])*```sql\n([\s\S]*?)```/gm)].map(([, title = '', sql = '']) => [
    title,
    sql,
  ]),
);
const MAILS = 24;
const folder = mkdtempSync(join(tmpdir(), 'queries-'));

interface Mail {
  provider: string;
  mxHost: string;
  tags: string[];
  bounces: boolean;
  opens: number;
  machineOpens: number;
  complains: boolean;
  /** Seconds from accepted to delivered. */
  seconds: number;
}

/** Mails that differ in every number that a query returns. */
const mails: Mail[] = Array.from({ length: MAILS }, (_, nth) => ({
  provider: nth % 3 === 0 ? 'Gmail' : 'Outlook',
  mxHost: nth % 3 === 0 ? 'mx.gmail.example' : 'mx.outlook.example',
  tags: nth % 2 === 0 ? ['Spring', 'all', 'Spring'] : ['all'],
  bounces: nth % 5 === 0,
  opens: nth % 4,
  machineOpens: nth % 7 === 0 ? 2 : 0,
  complains: nth % 8 === 2,
  seconds: nth + 1,
}));

const world = new SealWorld();
let connection: DuckDBConnection;

function store(event: JsonObject, at: number): void {
  const { partition, eventSort } = identify(event, DOMAIN);
  const key = { partition, eventSort, atMs: at * 1000 };
  const facts = { receivedAtMs: at * 1000, source: 'webhook' as const, broughtByWebhook: true, event };
  world.ledger.events.set(placeName(key), { key, event: facts });
}

function send(mail: Mail, nth: number): void {
  const accepted = SLICE_START + (nth % 3) * SLICE_SECONDS + nth;
  let events = 0;
  const add = (at: number, over: Record<string, unknown>) => {
    const common = { id: `${nth}-${events++}`, timestamp: at, recipient: `r${nth}@example.org`, tags: mail.tags };
    const message = { headers: { 'message-id': `m${nth}@${DOMAIN}` } };
    store(deliveredEvent({ ...common, message, 'recipient-provider': mail.provider, ...over }), at);
  };
  add(accepted, { event: 'accepted', 'delivery-status': undefined });
  const status = { code: mail.bounces ? 550 : 250, 'mx-host': mail.mxHost };
  const end = accepted + mail.seconds;
  if (mail.bounces) {
    add(end, { event: 'failed', severity: 'permanent', reason: 'bounce', 'delivery-status': status });
    return;
  }
  add(end - 1, { event: 'failed', severity: 'temporary', reason: 'generic', 'delivery-status': status });
  add(end, { 'delivery-status': status });
  for (let open = 0; open < mail.opens; open += 1) add(end + 1, { event: 'opened' });
  for (let open = 0; open < mail.machineOpens; open += 1)
    add(end + 1, { event: 'opened', 'client-info': { bot: 'apple' } });
  if (mail.opens === 3) add(end + 2, { event: 'clicked', url: 'https://example.org/' });
  if (mail.complains) add(end + 3, { event: 'complained' });
}

beforeAll(async () => {
  mails.forEach(send);
  for (let slice = 0; slice < 3; slice += 1) world.pass(slice);
  const late = mails.length;
  await world.run();
  // A later event is in a supplement.
  mails.push({ ...(mails[1] as Mail), provider: 'Gmail' });
  send(mails[late] as Mail, late);
  world.pass(late % 3);
  await world.settle();
  for (const [key, text] of world.bucket.objects) {
    if (parseObjectKey(key) === undefined) continue;
    mkdirSync(dirname(join(folder, 'archive', key)), { recursive: true });
    const writer = openParquetWriter(join(folder, 'archive', key));
    writer.add(JSON.parse(text));
    writer.end();
  }
  connection = await (await DuckDBInstance.create()).connect();
  await connection.run(SETUP.replace("'archive/", `'${folder}/archive/`));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function rowsOf(title: string): Promise<unknown[][]> {
  const sql = QUERIES.get(title);
  if (sql === undefined) throw new Error(`the page has no query ${title}`);
  const read = await connection.runAndReadAll(sql);
  return read.getRowsJson().map((row) => row.map((value) => (/^\d+$/.test(String(value)) ? Number(value) : value)));
}

const count = (fits: (mail: Mail) => boolean) => mails.filter(fits).length;
const providers = ['Gmail', 'Outlook'];
const isSpring = ({ tags }: Mail) => tags.includes('Spring');

test('the page has a test for each query', () => {
  expect([...QUERIES.keys()]).toEqual([
    'Bounces by mailbox provider and reason',
    'Complaint rate by provider and tag',
    'Funnel of a campaign',
    'Recipients who bounced in a campaign',
    'Time from accepted to delivered, by MX host',
    'Events per hour, to compare with the ledger',
  ]);
  expect([...world.bucket.objects.keys()].filter((key) => key.endsWith('-1.parquet'))).toHaveLength(1);
});

test('every query of the page parses as SQL of Athena', () => {
  const athena = new athenaGrammar.Parser();
  const parse = (sql: string) => athena.parse(sql, { database: 'athena' });
  for (const sql of QUERIES.values()) expect(parse(sql).tableList).toContain('select::null::events');
  expect(() => parse('SELECT count(*) FILTER (WHERE by_machine) FROM events')).toThrow('found');
  expect(() => parse(SETUP)).toThrow('found');
});

test('bounces are counted by provider, reason and code', async () => {
  const expected = providers.map((name) => [
    name,
    'bounce',
    550,
    count((mail) => mail.bounces && mail.provider === name),
  ]);
  expect(await rowsOf('Bounces by mailbox provider and reason')).toEqual(
    expected.toSorted((a, b) => Number(b[3]) - Number(a[3])),
  );
});

test('complaints are compared with deliveries of the same provider and tag, a repeated tag once', async () => {
  const expected = providers.flatMap((provider) =>
    ['all', 'spring'].map((tag) => {
      const among = mails.filter(
        (mail) => mail.provider === provider && (tag === 'all' || isSpring(mail)) && !mail.bounces,
      );
      const complained = among.filter(({ complains }) => complains).length;
      return [provider, tag, among.length, complained, complained / among.length];
    }),
  );
  expect(await rowsOf('Complaint rate by provider and tag')).toEqual(expected);
});

test('the funnel counts each mail once, and no opens by machines', async () => {
  const delivered = (mail: Mail) => isSpring(mail) && !mail.bounces;
  expect(await rowsOf('Funnel of a campaign')).toEqual([
    [
      count(isSpring),
      count(delivered),
      count((mail) => delivered(mail) && mail.opens > 0),
      count((mail) => delivered(mail) && mail.opens === 3),
      0,
      count((mail) => delivered(mail) && mail.complains),
    ],
  ]);
});

test('recipients who bounced are listed by name', async () => {
  const expected = mails.flatMap((mail, nth) =>
    isSpring(mail) && mail.bounces ? [[`r${nth}@example.org`, `m${nth}@${DOMAIN}`, 'bounce', 550]] : [],
  );
  expect(await rowsOf('Recipients who bounced in a campaign')).toEqual(
    expected.toSorted((a, b) => (String(a[0]) < String(b[0]) ? -1 : 1)),
  );
});

test('the time to deliver is given by MX host, in seconds', async () => {
  const found = await rowsOf('Time from accepted to delivered, by MX host');
  for (const [host, number, p50, p95] of found) {
    const times = mails.flatMap((mail) => (mail.mxHost === host && !mail.bounces ? [mail.seconds] : []));
    expect(number).toBe(times.length);
    const below = (value: unknown) => times.filter((seconds) => seconds <= Number(value)).length / times.length;
    expect(below(p50)).toBeGreaterThanOrEqual(0.5);
    expect([below(p50) < 0.7, below(p95) >= 0.8]).toEqual([true, true]);
  }
  expect(found.map(([host]) => host)).toEqual(['mx.gmail.example', 'mx.outlook.example']);
});

test('events per hour add up to what the ledger has stored', async () => {
  const found = await rowsOf('Events per hour, to compare with the ledger');
  const stored = new Map<number, number>();
  for (const [key, text] of world.bucket.objects) {
    const manifest = parseManifest(text)?.manifest;
    if (!key.startsWith('manifests/') || manifest === undefined) continue;
    stored.set(
      manifest.start,
      Object.values(manifest.slice?.stored ?? {}).reduce((sum, one) => sum + one, 0),
    );
  }
  const total = [...stored.values()].reduce((sum, one) => sum + one, 0);
  expect(found.reduce((sum, [, , events]) => sum + Number(events), 0)).toBe(total);
  expect(total).toBe(world.ledger.events.size);
  expect(new Set(found.map(([hour]) => String(hour).slice(0, 13))).size).toBe(2);
});
