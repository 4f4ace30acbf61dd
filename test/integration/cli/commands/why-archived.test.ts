import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { S3Client } from '@aws-sdk/client-s3';
import { GetSecretValueCommand } from '@aws-sdk/client-secrets-manager';
import { DeleteCommand, PutCommand } from '@aws-sdk/lib-dynamodb';
import type { WhyLine } from '../../../../cli/commands/why.ts';
import type { Deployment } from '../../../../cli/target/types.ts';
import { createEventRepository } from '../../../../lambdas/adapters/table/event-repository.ts';
import { objectKey } from '../../../../lambdas/domain/archive/object-keys.ts';
import { identify } from '../../../../lambdas/domain/events/identity.ts';
import { markerKey } from '../../../../lambdas/domain/keys.ts';
import { erasureHash } from '../../../../lambdas/domain/recipients/erasure.ts';
import { openParquetWriter } from '../../../../lambdas/formats/parquet.ts';
import { createProcess } from '../../../../lambdas/process/process.ts';
import { listenOnLoopback } from '../../../../tools/local-stack/run/listener.ts';
import { archiveRow, SLICE_START } from '../../../support/archive/archive.ts';
import { type S3Bucket, startS3Bucket } from '../../../support/archive/s3-bucket.ts';
import { runCommand, stubDeployment } from '../../../support/cli/command-line.ts';
import { whyLine } from '../../../support/cli/json-lines/why.ts';
import { LONE_PROCESS } from '../../../support/fixtures/erasures.ts';
import { DOMAIN } from '../../../support/fixtures/webhooks.ts';
import { startTestEngines, type TestEngines } from '../../../support/stacks/engines.ts';

// The real table, from which a TTL has removed events, and the Parquet objects that still hold them.

const MESSAGE_ID = `old@${DOMAIN}`;
const message = { headers: { 'message-id': MESSAGE_ID } };
const ROWS = [
  { ...archiveRow(0, { event: 'accepted', message }), key: 'accepted#event-0' },
  archiveRow(1, { event: 'delivered', message: { headers: { 'message-id': `another@${DOMAIN}` } } }),
  archiveRow(2, { event: 'delivered', message }),
  { ...archiveRow(3, { event: 'opened', message }), key: 'opened#event-3' },
];

let engines: TestEngines;
let s3: S3Bucket;
const folder = mkdtempSync(join(tmpdir(), 'why-'));

beforeAll(async () => {
  [engines, s3] = await Promise.all([startTestEngines(), startS3Bucket('archive')]);
  const path = join(folder, 'object.parquet');
  const writer = openParquetWriter(path);
  writer.add(ROWS);
  writer.end();
  s3.objects.set(objectKey(DOMAIN, SLICE_START, 0), readFileSync(path));
  const store = createProcess({ ...LONE_PROCESS, records: createEventRepository(engines.table), retentionDays: 90 });
  // The other message has left the table completely.
  for (const { event, receivedAtMs } of ROWS.filter((_, nth) => nth !== 1)) {
    const raw = JSON.parse(event ?? '');
    await store({ source: 'webhook', receivedAt: receivedAtMs, domain: DOMAIN, event: raw });
  }
}, 90_000);
afterAll(async () => {
  rmSync(folder, { recursive: true, force: true });
  await Promise.all([engines?.close(), s3?.close()]);
});

async function why(outputs: Record<string, string>) {
  const { secrets, table } = engines;
  const clients = { secrets, table: table.client, archive: s3.bucket.client };
  const target = stubDeployment({
    clients: clients as unknown as Deployment['clients'],
    output: (name) => outputs[name] ?? engines.output(name),
  });
  const { json } = await runCommand(['why', MESSAGE_ID, '--local', '--json'], { openDeployment: async () => target });
  const [reported, recipient] = json() as [WhyLine & { event: 'message' }, WhyLine & { event: 'recipient' }];
  const events = recipient.events.map(({ key, archived, decides }) => [key.split('#')[0], archived, decides]);
  return { days: reported.archivedDays, status: recipient.status, because: recipient.because, events };
}

/** Deletes an event as a TTL does. */
async function expire(event: string): Promise<void> {
  const { partition, eventSort } = identify(JSON.parse(event), DOMAIN);
  const { client, name } = engines.table;
  await client.send(new DeleteCommand({ TableName: name, Key: { pk: partition, sk: eventSort } }));
}

test('why does not read the archive while the table holds every event', async () => {
  expect(await why({ ArchiveBucketName: s3.bucket.name })).toMatchObject({
    days: [],
    events: [
      ['accepted', false, false],
      ['delivered', false, true],
      ['opened', false, false],
    ],
  });
});

test('why shows events that left the table from the archive, and only those of the message', async () => {
  await expire(ROWS[0]?.event ?? '');
  expect((await why({ ArchiveBucketName: s3.bucket.name })).events).toEqual([
    ['accepted', true, false],
    ['delivered', false, true],
    ['opened', false, false],
  ]);
  await expire(ROWS[2]?.event ?? '');
  expect(await why({ ArchiveBucketName: s3.bucket.name })).toEqual({
    days: ['2026-02-01', '2026-02-02', '2026-02-03'],
    status: 'DELIVERED',
    because: expect.stringContaining('A delivery counts more'),
    events: [
      ['accepted', true, false],
      ['delivered', true, true],
      ['opened', false, false],
    ],
  });
});

test('why without an archive shows the status, and that its event is not stored', async () => {
  expect(await why({})).toMatchObject({
    days: [],
    status: 'DELIVERED',
    because: expect.stringContaining('is not stored any more'),
    events: [['opened', false, false]],
  });
});

test('why shows what the table holds, and says that it cannot read the rest, while the archive is denied', async () => {
  const { secrets, table } = engines;
  const server = await listenOnLoopback((_, response) =>
    response
      .writeHead(403)
      .end('<Error><Code>AccessDenied</Code><Message>not authorized: s3:ListBucket</Message></Error>'),
  );
  const credentials = { accessKeyId: 'id', secretAccessKey: 'secret' };
  const archive = new S3Client({ region: 'eu-west-1', endpoint: server.url, forcePathStyle: true, credentials });
  const target = stubDeployment({
    clients: { secrets, table: table.client, archive } as unknown as Deployment['clients'],
    output: (name) => (name === 'ArchiveBucketName' ? s3.bucket.name : engines.output(name)),
  });
  const over = { openDeployment: async () => target };
  const { exitCode, lines } = await runCommand(['why', MESSAGE_ID, '--local'], over);
  const [first] = (await runCommand(['why', MESSAGE_ID, '--local', '--json'], over))
    .json()
    .map((line) => whyLine.parse(line));
  await server.close();

  expect(exitCode).toBe(1);
  expect(lines[1]).toMatch(/^NOT ALL IS SHOWN: .*AWS refuses: not authorized: s3:ListBucket/);
  expect(lines.join('\n')).toContain('DELIVERED');
  expect(first).toMatchObject({ archivedDays: [], archiveUnread: 'AWS refuses: not authorized: s3:ListBucket' });
});

test('why shows nothing of an erased recipient from the archive', async () => {
  const { client, name } = engines.table;
  const key = (await engines.secrets.send(
    new GetSecretValueCommand({ SecretId: engines.output('ErasureKeySecretArn') }),
  )) as { SecretString: string };
  await client.send(
    new PutCommand({ TableName: name, Item: markerKey(erasureHash(key.SecretString, 'ada@example.org')) }),
  );
  expect((await why({ ArchiveBucketName: s3.bucket.name })).events).toEqual([['opened', false, false]]);
});
