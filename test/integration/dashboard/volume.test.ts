import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { BatchWriteCommand, DynamoDBDocumentClient, GetCommand } from '@aws-sdk/lib-dynamodb';
import { createSliceRepository } from '../../../lambdas/adapters/table/slice-repository.ts';
import { dayPartition } from '../../../lambdas/domain/events/day-index.ts';
import { identify } from '../../../lambdas/domain/events/identity.ts';
import { emptyTally, slicePassed } from '../../../lambdas/domain/ledger/tally.ts';
import { DOMAIN } from '../../support/fixtures/webhooks.ts';
import { startBrowser, type TestBrowser } from '../../support/pages/browser.ts';
import { openDashboard, takePictures } from '../../support/pages/dashboard-page.ts';
import { eventOf, type ReadStack, startReadStack } from '../../support/stacks/read-stack.ts';

// The first view after a day of a hundred thousand events: all in the ledger, the newest of them in the table as well.
// `bulk.test.ts` reads a table that holds as many.

const EVENTS = 100_000;
const STORED = 20_000;
const SLICES = 94;
const SLICE_SECONDS = 900;
/** One for health, one for the ledger, one for the domain's newest event. */
const CALLS = 3;

let stack: ReadStack;
let browser: TestBrowser;
beforeAll(async () => {
  [stack, browser] = await Promise.all([startReadStack(), startBrowser()]);
  await fill();
}, 480_000);
afterAll(async () => {
  await Promise.all([browser?.close(), stack?.stop()]);
});

/** Posts one event as a webhook, and copies its item under other keys. */
async function fill(): Promise<void> {
  const { awsEndpointUrl, outputs, region } = stack.stack.place;
  const credentials = { accessKeyId: 'test', secretAccessKey: 'test' };
  const client = DynamoDBDocumentClient.from(new DynamoDBClient({ endpoint: awsEndpointUrl, region, credentials }));
  const table = { client, name: outputs.TableName ?? '' };
  const end = Math.floor(Date.now() / 1000 / SLICE_SECONDS) * SLICE_SECONDS;
  const begin = end - SLICES * SLICE_SECONDS;

  const pattern = eventOf(`pattern@${DOMAIN}`, { timestamp: begin - 5 * 86_400, recipient: 'ada@north.example' });
  await stack.store(pattern);
  const { partition, eventSort } = identify(pattern, DOMAIN);
  const { Item } = await client.send(
    new GetCommand({ TableName: table.name, Key: { pk: partition, sk: eventSort }, ConsistentRead: true }),
  );
  if (Item === undefined) throw new Error('the pattern is not stored');

  const copy = (n: number) => {
    const atMs = Math.round((begin + (n / EVENTS) * (end - begin)) * 1000);
    const own = { pk: `MSG#${n}@${DOMAIN}`, at: atMs, dayKey: dayPartition(DOMAIN, atMs, pattern) };
    return { PutRequest: { Item: { ...Item, ...own } } };
  };
  let next = EVENTS - STORED;
  const write = async () => {
    for (let from = next; from < EVENTS; from = next) {
      next += 25;
      let RequestItems: Record<string, unknown[]> | undefined = {
        [table.name]: Array.from({ length: Math.min(25, EVENTS - from) }, (_, at) => copy(from + at)),
      };
      while (RequestItems && Object.keys(RequestItems).length > 0) {
        const { UnprocessedItems } = await client.send(new BatchWriteCommand({ RequestItems } as never));
        RequestItems = UnprocessedItems as typeof RequestItems;
      }
    }
  };
  await Promise.all(Array.from({ length: 8 }, write));

  const slices = createSliceRepository(table);
  for (let n = 0; n < SLICES; n += 1) {
    const bounds = { domain: DOMAIN, start: begin + n * SLICE_SECONDS, end: begin + (n + 1) * SLICE_SECONDS };
    const share = Math.floor(((n + 1) * EVENTS) / SLICES) - Math.floor((n * EVENTS) / SLICES);
    const tally = { ...emptyTally(), listed: { delivered: share }, stored: { delivered: share } };
    await slices.write(
      slicePassed(bounds, undefined, tally, {
        startedAtMs: Date.now(),
        nowMs: Date.now(),
        unlisted: false,
        isOld: false,
      }),
      undefined,
    );
  }
}

test(`the first view of ${EVENTS} events takes ${CALLS} calls of the API`, async () => {
  const { apiUrl, dashboardUrl } = stack.ready;
  const calls: string[] = [];
  browser.context.on('request', (request) => {
    if (request.url().startsWith(apiUrl)) calls.push(new URL(request.url()).pathname);
  });
  const troubles: string[] = [];
  const page = await openDashboard(browser.context, dashboardUrl, troubles);
  await takePictures(page, 'volume');
  process.stdout.write(`dashboard: ${EVENTS} events, first view by ${calls.length} calls: ${calls.join(' ')}\n`);

  expect(await page.locator('.sentence').innerText()).toBe(
    '100,000 events · webhooks alone 100,000 · recovered 0 · unaccounted 0',
  );
  expect(await page.locator('.facts').innerText()).toMatch(/Last event\n.* ago/);
  expect(calls.toSorted()).toEqual(['/mailgun/events', '/mailgun/health', '/mailgun/ledger']);
  expect(calls).toHaveLength(CALLS);
  expect(troubles).toEqual([]);
}, 120_000);
