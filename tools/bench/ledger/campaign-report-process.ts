import { mkdirSync, renameSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setInterval } from 'node:timers';
import { setImmediate as turn } from 'node:timers/promises';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { openArchive } from '../../../cli/certificates/archive-source.ts';
import { type CampaignSources, countCampaign } from '../../../cli/commands/report/count-campaign.ts';
import { PRICES } from '../../../cli/planning/prices.ts';
import { createCampaignReader } from '../../../lambdas/adapters/table/day-index-repository.ts';
import { rowOf } from '../../../lambdas/domain/archive/archive-row.ts';
import { objectKey } from '../../../lambdas/domain/archive/object-keys.ts';
import { typePartition } from '../../../lambdas/domain/events/day-index.ts';
import { identify } from '../../../lambdas/domain/events/identity.ts';
import type { JsonObject } from '../../../lambdas/domain/json.ts';
import {
  eventKeyOf,
  eventSort,
  messagePartition,
  parseDayIndexKey,
  recipientKey,
} from '../../../lambdas/domain/keys.ts';
import { createLedgerNaming } from '../../../lambdas/domain/ledger/ledger-name.ts';
import { packEvent } from '../../../lambdas/formats/packed-event.ts';
import { openParquetWriter } from '../../../lambdas/formats/parquet.ts';
import { objectsBetween } from '../../../lambdas/shared/listed-objects.ts';
import { NO_KEY } from '../../../test/support/fixtures/seed.ts';
import { DOMAIN, deliveredEvent } from '../../../test/support/fixtures/webhooks.ts';
import type { CampaignReportFigures } from './campaign-reports.ts';

// Reports a campaign in a process of its own and prints the measurements. The table is generated on request, page by
// page as DynamoDB pages it, so that it does not count as memory; the archive is a folder of Parquet objects that
// another process writes first (`write`), for the same reason.

const [place = 'table', count = '0', folder = ''] = process.argv.slice(2);
const EVENTS = Number(count);
const TYPES = ['accepted', 'delivered', 'opened'] as const;
const MESSAGES = Math.ceil(EVENTS / TYPES.length);
const SLICE_SECONDS = 900;
const START_SECONDS = Date.UTC(2026, 0, 5) / 1000;
const SENDING_SECONDS = 86_400;
const PAGE_BYTES = 1_048_576;
/** Size of an index entry and of an event item, as DynamoDB counts them. */
const KEY_BYTES = 250;
const EVENT_BYTES = 900;
const UNIT_BYTES = 4096;
const SAMPLE_MS = 20;
const ERASURE_KEY = 'erasure-key-of-the-bench';

let readUnits = 0;

const recipientOf = (message: number) => `reader-${message}@north.example`;
const timeOf = (message: number, nth: number) =>
  START_SECONDS * 1000 + Math.floor((message / MESSAGES) * SENDING_SECONDS * 1000) + nth * 10_000;

/** One third of the events is accepted, one third delivered, one third opened, ten seconds apart. */
function eventOf(message: number, nth: number): { event: JsonObject; atMs: number } {
  const type = TYPES[nth] ?? 'opened';
  const atMs = timeOf(message, nth);
  const event = deliveredEvent({
    event: type,
    id: `${message}-${nth}`,
    timestamp: atMs / 1000,
    recipient: recipientOf(message),
    tags: ['spring'],
    message: { headers: { 'message-id': `spring.${message}@${DOMAIN}` } },
  });
  return { event, atMs };
}

/** Events by type, packed once, so that generating them is not measured. */
const PACKED = TYPES.map((_, nth) => packEvent(eventOf(0, nth).event, NO_KEY));
const DAY_MS = 86_400_000;

function placeOf(message: number, nth: number) {
  const atMs = timeOf(message, nth);
  const key = eventKeyOf(TYPES[nth] ?? '', `${message}-${nth}`);
  return {
    pk: messagePartition(`spring.${message}@${DOMAIN}`),
    sk: eventSort(recipientKey(recipientOf(message)), key),
    at: atMs,
  };
}

function itemOf(message: number, nth: number) {
  const place = placeOf(message, nth);
  const dayKey = typePartition(DOMAIN, place.at - (place.at % DAY_MS), TYPES[nth] ?? '', 0);
  return { ...place, dayKey, raw: PACKED[nth], source: 'webhook', receivedAt: place.at + 500 };
}

const numberIn = (partition: string) => Number(/spring\.(\d+)@/.exec(partition)?.[1]);

/** Creates a client of the generated table; `isEmpty`: events are only in the archive. */
function tableClient(isEmpty: boolean): DynamoDBDocumentClient {
  const client = DynamoDBDocumentClient.from(new DynamoDBClient({ region: 'none' }));
  const send = async ({ input }: { input: Record<string, unknown> }) => {
    // Lets timers run between calls, as they do during network waits.
    await turn();
    const values = (input.ExpressionAttributeValues ?? {}) as Record<string, string | number>;
    if (input.RequestItems !== undefined) return batchGet(input as never);
    return input.IndexName === undefined ? queryMessage(String(values[':pk'])) : queryDay(input as never);
  };
  return Object.assign(client, { send });

  function batchGet({ RequestItems }: { RequestItems: Record<string, { Keys: { pk: string; sk: string }[] }> }) {
    const [[name, { Keys }] = ['', { Keys: [] }]] = Object.entries(RequestItems);
    readUnits += Keys.length / 2;
    const items = Keys.map(({ pk, sk }) => itemOf(numberIn(pk), Number(sk.at(-1))));
    return { Responses: { [name]: items } };
  }

  function queryMessage(partition: string) {
    const message = numberIn(partition);
    const events = isEmpty ? [] : TYPES.map((_, nth) => itemOf(message, nth));
    readUnits += Math.max(1, Math.ceil((events.length * EVENT_BYTES) / UNIT_BYTES)) / 2;
    return { Items: events.toSorted((a, b) => (a.sk < b.sk ? -1 : 1)) };
  }

  interface DayQuery {
    ExpressionAttributeValues: Record<string, string | number>;
    ExclusiveStartKey?: { next: number };
    Limit?: number;
  }

  function queryDay({ ExpressionAttributeValues: values, ExclusiveStartKey, Limit = 1e9 }: DayQuery) {
    const nth = TYPES.indexOf(parseDayIndexKey(String(values[':day'])).type as never);
    if (isEmpty || nth < 0) {
      readUnits += 0.5;
      return { Items: [] };
    }
    const Items: object[] = [];
    const most = Math.min(Limit, Math.floor(PAGE_BYTES / KEY_BYTES));
    let message = ExclusiveStartKey?.next ?? 0;
    for (; message < MESSAGES && Items.length < most; message += 1) {
      const atMs = timeOf(message, nth);
      if (atMs >= Number(values[':from']) && atMs <= Number(values[':to'])) Items.push(placeOf(message, nth));
    }
    readUnits += Math.max(1, Math.ceil((Items.length * KEY_BYTES) / UNIT_BYTES)) / 2;
    return { Items, ...(message < MESSAGES && { LastEvaluatedKey: { next: message } }) };
  }
}

/** Writes the events as sealed slices. */
function writeArchive(): void {
  const nameOf = createLedgerNaming(ERASURE_KEY);
  const slices = new Map<number, [message: number, nth: number][]>();
  for (let message = 0; message < MESSAGES; message += 1) {
    for (const nth of TYPES.keys()) {
      const start = Math.floor(eventOf(message, nth).atMs / 1000 / SLICE_SECONDS) * SLICE_SECONDS;
      const known = slices.get(start);
      if (known === undefined) slices.set(start, [[message, nth]]);
      else known.push([message, nth]);
    }
  }
  for (const [start, events] of slices) {
    const rows = events.map(([message, nth]) => {
      const { event, atMs } = eventOf(message, nth);
      const facts = { name: nameOf(identify(event, DOMAIN)), key: eventKeyOf(TYPES[nth] ?? '', `${message}-${nth}`) };
      const receipt = { atMs, receivedAtMs: atMs + 500, byWebhook: true, source: 'webhook' as const };
      return rowOf({ ...facts, ...receipt }, event, '00'.repeat(16));
    });
    const writer = openParquetWriter();
    writer.add(rows.toSorted((a, b) => a.atMs - b.atMs || (a.name < b.name ? -1 : 1)));
    const path = join(folder, objectKey(DOMAIN, start, 0));
    mkdirSync(dirname(path), { recursive: true });
    renameSync(writer.end().path, path);
  }
}

if (place === 'write') {
  writeArchive();
  process.exit(0);
}
globalThis.gc?.();
const END_SECONDS = START_SECONDS + 2 * SENDING_SECONDS;
const time = { fromMs: START_SECONDS * 1000, toMs: END_SECONDS * 1000 };
const began = process.cpuUsage();
let peak = 0;
const sampling = setInterval(() => {
  peak = Math.max(peak, process.memoryUsage().rss);
}, SAMPLE_MS);
const archive = place === 'archive' ? await openArchive(folder) : undefined;
const objects = archive && (await objectsBetween(archive.listSized, DOMAIN, START_SECONDS, END_SECONDS));
const sources: CampaignSources = {
  reader: createCampaignReader({ client: tableClient(archive !== undefined), name: 'table' }),
  archive: archive && {
    source: archive,
    keys: (objects ?? []).map(({ key }) => key),
    erasureKey: ERASURE_KEY,
    erasures: { among: async () => [] },
  },
};
const context = { signal: new AbortController().signal, printError: () => {} };
const query = { domain: DOMAIN, tag: 'spring', time, timeRanges: [time] };
const counts = await countCampaign(context, sources, query, () => {});
clearInterval(sampling);
const spent = process.cpuUsage(began);
if (counts?.mails.delivered !== MESSAGES || counts.people.openers !== MESSAGES)
  throw new Error(`the report counts ${JSON.stringify(counts)}`);
const objectCount = objects?.length ?? 0;
const figures: CampaignReportFigures = {
  events: MESSAGES * TYPES.length,
  cpuSeconds: (spent.user + spent.system) / 1e6,
  megabytes: peak / 2 ** 20,
  readUnits,
  objects: objectCount,
  dollars:
    readUnits * PRICES.perReadUnit +
    objectCount * PRICES.perObjectRead +
    (objectCount > 0 ? 3 : 0) * PRICES.perObjectListing,
};
console.log(JSON.stringify(figures));
process.exit(0);
