import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import { addAbortSignal, type Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import {
  DeleteObjectCommand,
  GetObjectCommand,
  ListObjectVersionsCommand,
  NoSuchKey,
  PutObjectCommand,
  paginateListObjectsV2,
  S3Client,
  S3ServiceException,
} from '@aws-sdk/client-s3';
import type { ArchivedObjects, ListedObject, ObjectReading } from '../../read-api/ports.ts';
import type { EventObjects, KeptObject, ManifestBucket, RewritableObjects, StoredObject } from '../../seal/ports.ts';
import { AWS_CLIENT_CONFIG, namesCalls } from '../aws/aws-client.ts';
import { openParquetWriter, openRowGroups, type ParquetFile, readParquet, temporaryPath } from './parquet-file.ts';

const MANIFEST_TYPE = 'application/json';
/** Type of an object of events. */
export const OBJECT_TYPE = 'application/vnd.apache.parquet';

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
              ...{ Key: key, ContentType: OBJECT_TYPE, ContentLength: bytes },
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
export async function conditionalPut({ client, name }: ArchiveBucket, input: PutInput): Promise<boolean> {
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
            ...{ Key: key, ContentType: OBJECT_TYPE, ContentLength: bytes, IfMatch: tag },
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

/** The archive's bucket: a client bound to its name. */
export interface ArchiveBucket {
  client: S3Client;
  name: string;
}

/** Objects are large: they take longer than the calls of a webhook may. */
const REQUEST_MS = 120_000;

export function openArchiveBucket(name: string, requestMs = REQUEST_MS): ArchiveBucket {
  const requestHandler = { ...AWS_CLIENT_CONFIG.requestHandler, requestTimeout: requestMs, socketTimeout: requestMs };
  return { client: namesCalls(new S3Client({ ...AWS_CLIENT_CONFIG, ...S3_CONFIG, requestHandler })), name };
}

/** Every body comes with its own SHA-256; one that the client adds would send it in chunks. */
export const S3_CONFIG = {
  requestChecksumCalculation: 'WHEN_REQUIRED',
  responseChecksumValidation: 'WHEN_REQUIRED',
} as const;

/** An object as it was listed, and how much there is to fetch of it. */
export interface SizedObject {
  readonly key: string;
  readonly bytes: number;
}

/** Yields the objects whose keys start with a prefix, in the order of their keys. */
export async function* listObjects(
  { client, name }: ArchiveBucket,
  Prefix: string,
  options: { abortSignal?: AbortSignal } = {},
): AsyncGenerator<SizedObject & { readonly tag: string }> {
  for await (const { Contents = [] } of paginateListObjectsV2({ client }, { Bucket: name, Prefix }, options)) {
    for (const { Key, Size = 0, ETag = '' } of Contents)
      if (Key !== undefined) yield { key: Key, bytes: Size, tag: ETag };
  }
}

/** Yields their keys alone. */
export async function* listKeys(bucket: ArchiveBucket, prefix: string): AsyncGenerator<string> {
  for await (const { key } of listObjects(bucket, prefix)) yield key;
}

/** Requests an object; returns undefined if there is none under the key. */
export async function getObject({ client, name }: ArchiveBucket, Key: string) {
  try {
    return await client.send(new GetObjectCommand({ Bucket: name, Key }));
  } catch (error) {
    if (error instanceof NoSuchKey) return undefined;
    throw error;
  }
}

/** An object up to this size is read in one request: a second one takes longer than its bytes. */
const WHOLE_BYTES = 65_536;

/** Timeout of a request: ranges are small, and a client is waiting. */
const RANGE_MS = 3000;

export const openRangedObjects = (bucketName: string) => createRangedObjects(openArchiveBucket(bucketName, RANGE_MS));

/** Lists objects of events, and reads single columns by ranges, so that only needed bytes are transferred. */
export function createRangedObjects(bucket: ArchiveBucket): ArchivedObjects {
  return {
    list: (prefix, abortSignal) => listObjects(bucket, prefix, { abortSignal }),

    async open(object, reading) {
      const { bytes } = object;
      const footerBytes = Math.min(bytes, WHOLE_BYTES);
      let end: Promise<ArrayBuffer> | undefined;
      const file = {
        byteLength: bytes,
        async slice(from: number, to = bytes): Promise<ArrayBuffer> {
          if (from < bytes - footerBytes) return fetchRange(bucket, object, [from, to], reading);
          end ??= fetchRange(bucket, object, [bytes - footerBytes, bytes], reading);
          return (await end).slice(from - bytes + footerBytes, to - bytes + footerBytes);
        },
      };
      return openRowGroups(file, footerBytes);
    },
  };
}

type Range = readonly [from: number, to: number];

/**
 * Reads a range of an object; retries once if the connection breaks. Throws if the object has changed since it was
 * listed.
 */
async function fetchRange(
  { client, name }: ArchiveBucket,
  { key, tag }: ListedObject,
  [from, to]: Range,
  { signal, take }: ObjectReading,
): Promise<ArrayBuffer> {
  take(to - from);
  const input = { Bucket: name, Key: key, Range: `bytes=${from}-${to - 1}`, IfMatch: tag };
  const attempt = async () => {
    const { Body } = await client.send(new GetObjectCommand(input), { abortSignal: signal });
    const chunks: Buffer[] = [];
    for await (const chunk of addAbortSignal(signal, Body as unknown as Readable)) chunks.push(chunk as Buffer);
    // What follows is work of the processor, which nothing ends.
    signal.throwIfAborted();
    const bytes = Buffer.concat(chunks);
    if (bytes.length !== to - from) throw new Error(`${bytes.length} bytes instead of ${to - from}`);
    return Uint8Array.from(bytes).buffer;
  };
  return attempt().catch((error: unknown) => {
    if (signal.aborted || error instanceof S3ServiceException) throw error;
    return attempt();
  });
}
