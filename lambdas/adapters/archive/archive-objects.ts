import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import {
  DeleteObjectCommand,
  ListObjectVersionsCommand,
  PutObjectCommand,
  S3ServiceException,
} from '@aws-sdk/client-s3';
import { openParquetWriter, type ParquetFile, readParquet, temporaryPath } from '../../formats/parquet.ts';
import type { EventObjects, KeptObject, ManifestBucket, RewritableObjects, StoredObject } from '../../seal/ports.ts';
import { type ArchiveBucket, getObject } from './archive-bucket.ts';

export { removeLeftovers } from '../../formats/parquet.ts';

const MANIFEST_TYPE = 'application/json';
/** Type of an object of events. */
const OBJECT_TYPE = 'application/vnd.apache.parquet';

/** Reads and puts manifests. */
export function createManifestBucket(bucket: ArchiveBucket): ManifestBucket {
  return {
    async readText(key) {
      const found = await getObject(bucket, key);
      return found?.Body?.transformToString('utf-8');
    },

    putTextIfAbsent(key, text) {
      const bytes = Buffer.from(text);
      const digest = createHash('sha256').update(bytes).digest('base64');
      return putIfAbsent(bucket, { Key: key, Body: bytes, ContentType: MANIFEST_TYPE, ChecksumSHA256: digest });
    },
  };
}

/** Writes and reads objects of events by way of temporary files, so that their size does not count in memory. */
export function createEventObjects(bucket: ArchiveBucket): EventObjects {
  return {
    begin() {
      const writer = openParquetWriter();
      return {
        async add(rows) {
          writer.add(rows);
        },
        async putIfAbsent(key) {
          const { path, sha256, bytes } = writer.end();
          const put = () =>
            putIfAbsent(bucket, {
              Key: key,
              ContentType: OBJECT_TYPE,
              ContentLength: bytes,
              Body: createReadStream(path),
              ChecksumSHA256: Buffer.from(sha256, 'hex').toString('base64'),
            });
          // The client does not repeat a request whose body is a stream. Where the first was done, the second is refused.
          const isPut = await put().catch(put);
          return isPut && { sha256, bytes };
        },
        async discard() {
          writer.remove();
        },
      };
    },

    async open(key) {
      const found = await getObject(bucket, key);
      return found && storedObject(found.Body as unknown as Readable);
    },
  };
}

/** Fetches an object of events into a temporary file. */
export async function storedObject(body: Readable): Promise<StoredObject> {
  const path = temporaryPath();
  const hash = createHash('sha256');
  let bytes = 0;
  async function* measured(chunks: AsyncIterable<Buffer>) {
    for await (const chunk of chunks) {
      hash.update(chunk);
      bytes += chunk.length;
      yield chunk;
    }
  }
  const discard = () => rm(path, { force: true });
  try {
    await pipeline(body, measured, createWriteStream(path));
  } catch (error) {
    await discard();
    throw error;
  }
  return { sha256: hash.digest('hex'), bytes, rows: () => readParquet(path), discard };
}

type PutInput = Omit<ConstructorParameters<typeof PutObjectCommand>[0], 'Bucket'>;

const putIfAbsent = (bucket: ArchiveBucket, input: PutInput) => conditionalPut(bucket, { ...input, IfNoneMatch: '*' });

/** Puts an object under a condition on the existing one; returns false if the condition fails. */
async function conditionalPut({ client, name }: ArchiveBucket, input: PutInput): Promise<boolean> {
  try {
    await client.send(new PutObjectCommand({ ...input, Bucket: name } as PutInput & { Bucket: string }));
    return true;
  } catch (error) {
    if (error instanceof S3ServiceException && error.$metadata.httpStatusCode === 412) return false;
    throw error;
  }
}

/** Lists, reads and replaces objects of events, and removes the versions that they had. */
export function createRewritableObjects(bucket: ArchiveBucket): RewritableObjects {
  const { client, name: Bucket } = bucket;
  return {
    async *list(Prefix) {
      let kept: KeptObject | undefined;
      let next: { KeyMarker?: string | undefined; VersionIdMarker?: string | undefined } | undefined = {};
      while (next !== undefined) {
        const page: ListedPage = await client.send(new ListObjectVersionsCommand({ Bucket, Prefix, ...next }));
        for (const each of inOrderOfKeys(page)) {
          if (kept?.key !== each.key) {
            if (kept !== undefined) yield kept;
            kept = { key: each.key, isThere: false, oldVersions: [] };
          }
          if (each.isMarker) continue;
          if (each.isLatest) kept.isThere = true;
          else kept.oldVersions.push(each.version);
        }
        next = page.IsTruncated
          ? { KeyMarker: page.NextKeyMarker, VersionIdMarker: page.NextVersionIdMarker }
          : undefined;
      }
      if (kept !== undefined) yield kept;
    },

    async open(key) {
      const found = await getObject(bucket, key);
      return found && { ...(await storedObject(found.Body as unknown as Readable)), tag: found.ETag ?? '' };
    },

    begin() {
      const writer = openParquetWriter();
      let file: ParquetFile | undefined;
      const end = () => {
        file ??= writer.end();
        return file;
      };
      return {
        async add(rows) {
          writer.add(rows);
        },
        end: async () => end(),
        putOver(key, tag) {
          const { path, sha256, bytes } = end();
          return conditionalPut(bucket, {
            Key: key,
            ContentType: OBJECT_TYPE,
            ContentLength: bytes,
            IfMatch: tag,
            Body: createReadStream(path),
            ChecksumSHA256: Buffer.from(sha256, 'hex').toString('base64'),
          });
        },
        async discard() {
          writer.remove();
        },
      };
    },

    async removeVersion(Key, VersionId) {
      const input = { Bucket, Key, VersionId };
      try {
        await client.send(new DeleteObjectCommand(input));
      } catch (error) {
        if (!(error instanceof S3ServiceException) || error.name !== 'AccessDenied') throw error;
        // A locked version is refused like this, until the lock is bypassed on purpose.
        await client.send(new DeleteObjectCommand({ ...input, BypassGovernanceRetention: true }));
      }
    },
  };
}

interface ListedVersion {
  Key?: string | undefined;
  VersionId?: string | undefined;
  IsLatest?: boolean | undefined;
}

interface ListedPage {
  Versions?: ListedVersion[] | undefined;
  DeleteMarkers?: ListedVersion[] | undefined;
  IsTruncated?: boolean | undefined;
  NextKeyMarker?: string | undefined;
  NextVersionIdMarker?: string | undefined;
}

/** Merges versions and delete markers, which a page lists separately; a key may continue on the next page. */
function inOrderOfKeys({ Versions = [], DeleteMarkers = [] }: ListedPage) {
  const all = [...Versions.map((each) => ({ ...each, isMarker: false })), ...DeleteMarkers.map(markerOf)];
  return all
    .map(({ Key: key = '', VersionId: version = '', IsLatest: isLatest = false, isMarker }) => {
      return { key, version, isLatest, isMarker };
    })
    .sort((a, b) => Buffer.compare(Buffer.from(a.key), Buffer.from(b.key)));
}

const markerOf = (each: ListedVersion) => ({ ...each, isMarker: true });
