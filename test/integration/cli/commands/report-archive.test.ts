import { DeleteObjectCommand } from '@aws-sdk/client-s3';
import { PutCommand } from '@aws-sdk/lib-dynamodb';
import { readErasureKey } from '../../../../cli/access.ts';
import { getObject, listKeys } from '../../../../lambdas/adapters/archive/archive-bucket.ts';
import { EVENTS_PREFIX, parseObjectKey } from '../../../../lambdas/domain/archive/object-keys.ts';
import { markerKey } from '../../../../lambdas/domain/keys.ts';
import { erasureHash } from '../../../../lambdas/domain/recipients/erasure.ts';
import { createRandom } from '../../../../tools/mailgun-twin/random.ts';
import { reportLine } from '../../../support/cli/json-lines/report.ts';
import { expireEvents } from '../../../support/fixtures/expire-events.ts';
import { countOfList, type Sent, springMail } from '../../../support/fixtures/spring-campaign.ts';
import { LOCAL_API_KEY, type LocalLedger, startLocalLedger } from '../../../support/stacks/local-ledger.ts';
import { drained, postWebhook } from '../../../support/stacks/local-stack.ts';

// A sealed campaign of which the table keeps a part, or nothing. The report must equal a plain count over the twin's
// list.

const SLICE_SECONDS = 60;
const startMs = Math.floor(Date.now() / 60_000) * 60_000 - 420_000;
const random = createRandom(26);
/** When the table's retention is over. */
let later: number;
let local: LocalLedger;
let campaign: Sent[];

beforeAll(async () => {
  local = await startLocalLedger({
    archive: true,
    reconcile: {
      source: 'events',
      everySeconds: 600,
      settleSeconds: 1,
      sliceSeconds: SLICE_SECONDS,
      retentionSeconds: 900,
      fromEpochSeconds: startMs / 1000 - 60,
      mailgunUrl: undefined,
      apiKey: LOCAL_API_KEY,
    },
  });
  const { campaign: mail, others } = springMail(startMs, random);
  campaign = mail;
  const all = [...campaign, ...others].map(({ event }) => event);
  local.stack.list(all);
  for (const event of all) expect(await postWebhook(local.stack, event)).toBe(200);
  await drained(local.stack);
  for (let pass = 0; pass < 3; pass += 1) await local.stack.reconcile();
  expect(await local.stack.seal()).toMatchObject({ rows: all.length });
  later = Date.now() + Number(local.target.output('RetentionDays')) * 86_400_000 + 86_400_000;
}, 120_000);
afterAll(() => local?.stack.stop());

async function report(...flags: string[]) {
  const range = ['--from', new Date(startMs - 60_000).toISOString(), '--to', new Date(startMs + 600_000).toISOString()];
  const { exitCode, json, errors } = await local.ledger(['report', 'SPRING', '--json', ...range, ...flags], {
    now: () => later,
  });
  expect([exitCode, errors]).toEqual([0, []]);
  const lines = json().map((line) => reportLine.parse(line));
  const sum = lines.find((line) => line.event === 'report');
  const { mails, people, completeFrom, completeness } = sum ?? ({} as Partial<NonNullable<typeof sum>>);
  const failed = lines.flatMap((line) => (line.event === 'failed' ? [line.recipient] : []));
  return { counts: { mails, people }, completeFrom, completeness, failed, plan: lines[0] };
}

const counted = () => {
  const { mails, people } = countOfList(campaign);
  return { mails, people };
};

const expire = (isGone: (nth: number) => boolean) => expireEvents(local.target, isGone);

test('report counts events in both table and archive once', async () => {
  expect((await report()).counts).toEqual(counted());
});

test('report counts, but does not name, a person whose erasure has not reached the archive', async () => {
  const [first] = countOfList(campaign).failures;
  const address = first?.recipient ?? '';
  const TableName = local.target.output('TableName');
  const marker = markerKey(erasureHash(await readErasureKey(local.target), address));
  await local.target.clients.table.send(new PutCommand({ TableName, Item: { ...marker, markedAt: 1 } }));

  const { counts, failed } = await report();

  expect(counts).toEqual(counted());
  expect(failed).toHaveLength(countOfList(campaign).failures.length);
  expect([failed.includes(address), failed.includes(null)]).toEqual([false, true]);
});

test('report reads events that left the table from the archive, those of erased people too', async () => {
  const [, second] = countOfList(campaign).failures;
  expect((await local.ledger(['erase', second?.recipient ?? '', '--yes'], { sleep: async () => {} })).exitCode).toBe(0);
  expect(await expire((nth) => nth % 2 === 0)).toBeGreaterThan(50);

  expect((await report()).counts).toEqual(counted());

  expect(await expire(() => true)).toBeGreaterThan(50);
  const { counts, completeFrom, completeness, failed } = await report();
  expect(counts).toEqual(counted());
  expect({ completeFrom, completeness }).toEqual({ completeFrom: expect.anything(), completeness: 'unknown' });
  const named = countOfList(campaign).failures.map(({ recipient }) => recipient);
  expect(failed.filter((recipient) => recipient !== null).every((recipient) => named.includes(recipient))).toBe(true);
  expect(failed).not.toContain(second?.recipient);
});

test('report --plan counts the objects, and a missing object limits the complete range', async () => {
  const bucket = { client: local.target.clients.archive, name: local.target.output('ArchiveBucketName') };
  const keys: string[] = [];
  for await (const key of listKeys(bucket, EVENTS_PREFIX)) keys.push(key);
  const { plan } = await report('--plan');
  let bytes = 0;
  for (const key of keys) bytes += (await (await getObject(bucket, key))?.Body?.transformToByteArray())?.length ?? 0;
  expect(plan).toMatchObject({ event: 'plan', objects: keys.length, bytes });

  const last = keys.toSorted((a, b) => (parseObjectKey(a)?.start ?? 0) - (parseObjectKey(b)?.start ?? 0)).at(-1) ?? '';
  await bucket.client.send(new DeleteObjectCommand({ Bucket: bucket.name, Key: last }));

  const end = ((parseObjectKey(last)?.start ?? 0) + SLICE_SECONDS) * 1000;
  const { completeFrom } = await report();
  expect(Date.parse(completeFrom ?? '')).toBeGreaterThanOrEqual(end);
});
