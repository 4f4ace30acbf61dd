import { addAbortSignal, type Readable } from 'node:stream';
import { GetObjectCommand, NoSuchKey, paginateListObjectsV2, S3Client, S3ServiceException } from '@aws-sdk/client-s3';
import { openRowGroups } from '../../formats/parquet.ts';
import type { ArchivedObjects, ListedObject, ObjectReading } from '../../read-api/ports.ts';
import { AWS_CLIENT_CONFIG, namesCalls } from '../../runtime/aws-client.ts';

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

/** Yields the names of the folders directly under a prefix that ends at a slash, without reading what is in them. */
export async function* listFolders({ client, name }: ArchiveBucket, Prefix: string): AsyncGenerator<string> {
  const request = { Bucket: name, Prefix, Delimiter: '/' };
  for await (const { CommonPrefixes = [] } of paginateListObjectsV2({ client }, request)) {
    for (const folder of CommonPrefixes) if (folder.Prefix) yield folder.Prefix.slice(Prefix.length, -1);
  }
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

/** Timeout of a request for a range: ranges are small, and a client is waiting. */
const RANGE_REQUEST_MS = 3000;

export const openRangedObjects = (bucketName: string) =>
  createRangedObjects(openArchiveBucket(bucketName, RANGE_REQUEST_MS));

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
    // The rest is CPU work, which nothing aborts.
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
