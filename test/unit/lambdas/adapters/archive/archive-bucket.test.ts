import { readFileSync } from 'node:fs';
import { createRangedObjects } from '../../../../../lambdas/adapters/archive/archive-bucket.ts';
import { type ArchiveRow, rowOf } from '../../../../../lambdas/domain/archive/archive-row.ts';
import { openParquetWriter } from '../../../../../lambdas/formats/parquet.ts';
import type { ListedObject } from '../../../../../lambdas/read-api/ports.ts';
import { type S3Bucket, startS3Bucket } from '../../../../support/archive/s3-bucket.ts';
import { deliveredEvent, NOW_MS } from '../../../../support/fixtures/webhooks.ts';

const PREFIX = 'events/domain=mg.example.com/day=2026-02-10/';
let s3: S3Bucket;
let rows: ArchiveRow[];

beforeAll(async () => {
  s3 = await startS3Bucket('archive');
  rows = Array.from({ length: 3000 }, (_, nth) =>
    rowOf(
      {
        name: `name-${nth}`,
        key: `delivered#${nth}`,
        atMs: NOW_MS + nth,
        receivedAtMs: NOW_MS,
        byWebhook: true,
        source: 'webhook' as const,
      },
      // Content that does not compress.
      deliveredEvent({ id: String(nth), note: Math.sin(nth).toString(36).repeat(6) }),
      String(nth).padStart(32, '0'),
    ),
  );
  const writer = openParquetWriter();
  writer.add(rows.slice(0, 2000));
  writer.add(rows.slice(2000));
  const { path } = writer.end();
  s3.objects.set(`${PREFIX}1-0.parquet`, readFileSync(path));
  writer.remove();
});
afterEach(() => {
  s3.gets.length = 0;
});
afterAll(() => s3?.close());

async function listed(): Promise<ListedObject> {
  for await (const object of createRangedObjects(s3.bucket).list(PREFIX, never)) return object;
  throw new Error('nothing is listed');
}

const never = new AbortController().signal;

test('a ranged object fetches only the requested columns, and reports their size before', async () => {
  const object = await listed();
  let taken = 0;
  const take = (bytes: number) => {
    taken += bytes;
  };
  const groups = await createRangedObjects(s3.bucket).open(object, { signal: never, take });
  const read = (await Promise.all(groups.map((group) => group.read(['messageId', 'tags', 'atMs'])))).flat();

  expect(read).toEqual(rows.map(({ messageId, tags, atMs }) => ({ messageId, tags, atMs })));
  expect(taken).toBe(s3.gets.reduce((sum, { bytes }) => sum + bytes, 0));
  expect(object.bytes).toBeGreaterThan(150_000);
  expect(taken).toBeLessThan(object.bytes / 2);
});

test('a ranged object fetches nothing beyond its limit', async () => {
  const take = () => {
    throw new Error('enough');
  };

  await expect(createRangedObjects(s3.bucket).open(await listed(), { signal: never, take })).rejects.toThrow('enough');
  expect(s3.gets).toEqual([]);
});

test('a ranged object repeats an interrupted fetch once, then fails', async () => {
  const open = async () => createRangedObjects(s3.bucket).open(await listed(), { signal: never, take: () => {} });
  s3.breaks.push(true);
  expect(await open()).toHaveLength(2);
  expect(s3.gets).toHaveLength(2);

  s3.breaks.push(true, true);
  await expect(open()).rejects.toThrow();
});

test('a ranged object never mixes two versions of an object', async () => {
  const object = await listed();
  const [group] = await createRangedObjects(s3.bucket).open(object, { signal: never, take: () => {} });
  const bytes = s3.objects.get(object.key) as Buffer;
  s3.objects.set(object.key, Buffer.concat([bytes, Buffer.from('x')]));

  await expect(group?.read(['event'])).rejects.toMatchObject({ $metadata: { httpStatusCode: 412 } });
  s3.objects.set(object.key, bytes);
});

test('a ranged object stops with its signal, also during a fetch', async () => {
  await expect(
    createRangedObjects(s3.bucket).open(await listed(), { signal: AbortSignal.abort(), take: () => {} }),
  ).rejects.toThrow(/abort/i);
  const listing = createRangedObjects(s3.bucket).list(PREFIX, AbortSignal.abort())[Symbol.asyncIterator]();
  await expect(listing.next()).rejects.toThrow(/abort/i);
});
