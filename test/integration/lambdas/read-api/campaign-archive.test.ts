import { DeleteObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import type { CampaignResponse } from '../../../../api/responses/campaign.ts';
import { getObject, listKeys } from '../../../../lambdas/adapters/archive/archive-bucket.ts';
import { EVENTS_PREFIX } from '../../../../lambdas/domain/archive/object-keys.ts';
import { createRandom } from '../../../../tools/mailgun-twin/random.ts';
import { expireEvents } from '../../../support/fixtures/expire-events.ts';
import { countOfList, type Sent, springMail } from '../../../support/fixtures/spring-campaign.ts';
import { LOCAL_API_KEY, type LocalLedger, startLocalLedger } from '../../../support/stacks/local-ledger.ts';
import { drained, postWebhook } from '../../../support/stacks/local-stack.ts';
import { Synthesized } from '../../../support/stacks/synthesized.ts';

// A campaign of five days ago, in a table that keeps three days: the deployed function counts it from table and
// archive. Its numbers must equal a plain count over the twin's list.

const DAY_SECONDS = 86_400;
const HOUR_SECONDS = 3600;
const startSeconds = Math.floor(Date.now() / 1000 / HOUR_SECONDS) * HOUR_SECONDS - 5 * DAY_SECONDS;
const random = createRandom(27);
let local: LocalLedger;
let campaign: Sent[];

beforeAll(async () => {
  local = await startLocalLedger({
    archive: true,
    reconcile: {
      source: 'events',
      everySeconds: 600,
      settleSeconds: 1,
      sliceSeconds: HOUR_SECONDS,
      retentionSeconds: 6 * DAY_SECONDS,
      fromEpochSeconds: startSeconds - HOUR_SECONDS,
      mailgunUrl: undefined,
      apiKey: LOCAL_API_KEY,
    },
    overlay: { retentionDays: { events: 3 } },
  });
  const { campaign: mail, others } = springMail(startSeconds * 1000, random);
  campaign = mail;
  const all = [...campaign, ...others].map(({ event }) => event);
  local.stack.list(all);
  // Some never come by webhook, some twice, all are reordered.
  const posted = all.flatMap((event, nth) => (nth % 3 === 0 ? [] : nth % 3 === 1 ? [event] : [event, event]));
  for (const event of posted.toSorted(() => random.next() - 0.5))
    expect(await postWebhook(local.stack, event)).toBe(200);
  for (let pass = 0; pass < 4; pass += 1) {
    await drained(local.stack);
    await local.stack.reconcile();
  }
  await drained(local.stack);
  await local.stack.reconcile();
  expect(await local.stack.seal()).toMatchObject({ rows: all.length });
}, 180_000);
afterAll(() => local?.stack.stop());

async function report(): Promise<CampaignResponse> {
  const { apiUrl, apiToken } = local.stack.ready;
  const range = `from=${startSeconds - HOUR_SECONDS}&to=${startSeconds + HOUR_SECONDS}`;
  const response = await fetch(`${apiUrl}/mailgun/campaigns/Spring?${range}`, {
    headers: { authorization: `Bearer ${apiToken}` },
  });
  expect(response.status).toBe(200);
  return (await response.json()) as CampaignResponse;
}

const numbersOf = ({ mails, people }: CampaignResponse) => ({ mails, people });
const counted = () => numbersOf(countOfList(campaign) as unknown as CampaignResponse);
const bucket = () => ({ client: local.target.clients.archive, name: local.target.output('ArchiveBucketName') });

const expire = (isGone: (nth: number) => boolean) => expireEvents(local.target, isGone);

const callsOf = async (call: string) => (await local.stack.stats()).byCaller['read-api']?.calls[call] ?? 0;

test('the campaign report counts events in both table and archive once', async () => {
  const response = await report();

  expect(numbersOf(response)).toEqual(counted());
  expect(response).toMatchObject({ archive: 'counted', completeFrom: null });
});

test('the campaign report counts events that left the table from the archive, erased people without naming them', async () => {
  const [first, second] = countOfList(campaign).failures;
  expect((await local.ledger(['erase', first?.recipient ?? '', '--yes'], { sleep: async () => {} })).exitCode).toBe(0);
  expect(await expire((nth) => nth % 2 === 0)).toBeGreaterThan(50);
  expect(numbersOf(await report())).toEqual(counted());

  expect(await expire(() => true)).toBeGreaterThan(50);
  const response = await report();
  const named = response.failures.map(({ recipient }) => recipient);
  expect(numbersOf(response)).toEqual(counted());
  expect(named).toHaveLength(countOfList(campaign).failures.length);
  expect([named.includes(first?.recipient ?? ''), named.includes(null)]).toEqual([false, true]);
  expect(named).toContain(second?.recipient);
});

test('a campaign report that was read is cached', async () => {
  const before = await callsOf('s3.GetObject');
  const again = await report();

  expect(before).toBeGreaterThan(0);
  expect(numbersOf(again)).toEqual(counted());
  expect(await callsOf('s3.GetObject')).toBe(before);
});

test("the read API's role allows exactly its calls in the archive", async () => {
  const { byCaller } = await local.stack.stats();
  // A listing is allowed by the action on the bucket.
  const called = Object.keys(byCaller['read-api']?.calls ?? {}).map((call) =>
    call.replace('.', ':').replace('ListObjectsV2', 'ListBucket'),
  );
  const granted = (over: object) =>
    new Synthesized('dev', over)
      .named('AWS::IAM::Policy', 'ReadApiFunctionRole')
      .Properties.PolicyDocument.Statement.flatMap(({ Action }: { Action: string | string[] }) => [Action].flat());
  const before = granted({});

  expect(
    granted({ seal: { enabled: true } })
      .filter((action: string) => !before.includes(action))
      .toSorted(),
  ).toEqual(called.filter((action) => action.startsWith('s3:')).toSorted());
});

test('the campaign report with an unreadable archive counts only the table, and states that', async () => {
  const keys: string[] = [];
  for await (const key of listKeys(bucket(), EVENTS_PREFIX)) keys.push(key);
  const [key = ''] = keys;
  const { client, name } = bucket();
  const whole = (await (await getObject(bucket(), key))?.Body?.transformToByteArray()) as Uint8Array;
  await client.send(new PutObjectCommand({ Bucket: name, Key: key, Body: Buffer.from('not a file of the archive') }));

  const response = await report();
  expect(response).toMatchObject({ archive: 'unavailable', completeFrom: expect.any(Number) });
  expect(response.mails?.mails).toBe(0);

  await client.send(new PutObjectCommand({ Bucket: name, Key: key, Body: whole }));
  expect(await report()).toMatchObject({ archive: 'counted', ...counted() });
});

test('a missing archive object limits the complete range of the campaign report', async () => {
  const keys: string[] = [];
  for await (const key of listKeys(bucket(), EVENTS_PREFIX)) keys.push(key);
  const { client, name } = bucket();
  await client.send(new DeleteObjectCommand({ Bucket: name, Key: keys[0] ?? '' }));

  expect(await report()).toMatchObject({ archive: 'counted', completeFrom: startSeconds + HOUR_SECONDS });
});
